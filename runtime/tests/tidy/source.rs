//! Rust text without what is not code.

/// `text` with comments, strings and characters blanked out; lines stay where they are.
pub fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + skipped(bytes, at);
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Only whole tokens were blanked, and those begin and end at ASCII bytes.
    String::from_utf8(code).expect("blanking leaves UTF-8 whole")
}

/// The identifiers of `code`, each with its line, counted from one.
pub fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(index, line)| {
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        line.split(move |character| !is_word(character))
            .filter(|word| !word.is_empty())
            .map(move |word| (index + 1, word))
    })
}

/// How many bytes at `at` are a comment, a string or a character; none where code begins.
fn skipped(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
    let in_word = before.is_ascii_alphanumeric() || before == b'_';
    match rest {
        [b'/', b'/', ..] => position(rest, b"\n", 2).unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => 1 + quoted(&rest[1..], b'"'),
        [b'r', b'"' | b'#', ..] if !in_word || matches!(before, b'b' | b'c') => raw(rest),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of what ends with an unescaped `end`.
fn quoted(rest: &[u8], end: u8) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == end => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A raw string; `r#name` is an identifier and none.
fn raw(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    position(rest, &end, 2 + hashes).map_or(rest.len(), |start| start + end.len())
}

/// A character such as `'a'` or `'\n'`; a lifetime is none.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        return 1 + quoted(&rest[1..], b'\'');
    }
    let text = String::from_utf8_lossy(&rest[1..rest.len().min(6)]);
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(inner), Some('\'')) => 2 + inner.len_utf8(),
        _ => 0,
    }
}

fn position(rest: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let found = rest.get(from..)?.windows(wanted.len()).position(|window| window == wanted)?;
    Some(from + found)
}

#[test]
fn only_code_is_left() {
    for (text, left) in [
        ("a // unsafe\nb", "a          \nb"),
        ("a /* x /* y */ z */ b", "a                   b"),
        (r#"f("un\"safe") g"#, "f(          ) g"),
        (r##"f(r#"a " b"#) g"##, "f(          ) g"),
        (r"f('\'', '”', 'a) g", "f(    ,      , 'a) g"),
        ("r#type + bar\"s\"", "r#type + bar   "),
    ] {
        assert_eq!(code(text), left, "{text}");
    }
    let found: Vec<_> = words("unsafe_code\n if x{unsafe}").collect();
    assert_eq!(found, [(1, "unsafe_code"), (2, "if"), (2, "x"), (2, "unsafe")]);
}
