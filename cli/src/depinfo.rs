//! The dep-info files that cargo leaves beside what it built: which files a build has read.

use std::path::PathBuf;

/// The files that any of the targets in a dep-info file was made from, in the order of the file.
///
/// The format is that of makefiles, as cargo writes it: one rule a line, spaces and `#` in names
/// escaped by a backslash.
pub(crate) fn inputs(text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, prerequisites)) = split_rule(line) else { continue };
        for name in names(prerequisites) {
            let path = PathBuf::from(name);
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// The target of a rule and the rest. A colon in a name, as in `C:\`, has no space after it.
fn split_rule(line: &str) -> Option<(&str, &str)> {
    line.split_once(": ").or_else(|| line.strip_suffix(':').map(|target| (target, "")))
}

fn names(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut letters = list.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            // A backslash that escapes nothing separates directories on Windows.
            '\\' if matches!(letters.peek(), Some(' ' | '#')) => name.extend(letters.next()),
            ' ' => {
                if !name.is_empty() {
                    names.push(std::mem::take(&mut name));
                }
            }
            letter => name.push(letter),
        }
    }
    if !name.is_empty() {
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_rule_is_read() {
        let table: [(&str, &[&str]); 8] = [
            ("", &[]),
            ("/t/lib.rlib:", &[]),
            ("/t/lib.rlib: /w/src/lib.rs /w/src/a.rs\n", &["/w/src/lib.rs", "/w/src/a.rs"]),
            ("/t/a: /w/x.rs\n\n/t/b: /w/x.rs /w/y.rs\n", &["/w/x.rs", "/w/y.rs"]),
            (r"/t/a: /w/my\ files/lib.rs /w/b.rs", &["/w/my files/lib.rs", "/w/b.rs"]),
            (r"C:\t\a.dll: C:\w\src\lib.rs", &[r"C:\w\src\lib.rs"]),
            ("/t/a: src/lib.rs\n\nsrc/lib.rs:\n# env-dep:CARGO_PKG_NAME=a\n", &["src/lib.rs"]),
            (r"/t/a: /w/\#1.rs", &["/w/#1.rs"]),
        ];
        for (text, expected) in table {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(inputs(text), expected, "{text:?}");
        }
    }
}
