//! The compiler's assembly, as far as it does not depend on what else is in the crate.

use std::collections::BTreeMap;

/// Assembly without the numbers and hashes in names.
pub(crate) fn normalized(assembly: &str) -> String {
    let lines = assembly.lines().map(str::trim).filter(|line| !is_noise(line));
    lines.map(|line| without_hashes(line) + "\n").collect()
}

/// The text of every function, by its symbol.
pub(crate) fn functions(assembly: &str) -> BTreeMap<String, String> {
    let mut functions = BTreeMap::new();
    let mut current: Option<(String, String)> = None;
    for line in normalized(assembly).lines() {
        if let Some((symbol, text)) = &mut current {
            if line.starts_with(".size") {
                functions.insert(std::mem::take(symbol), std::mem::take(text));
                current = None;
            } else {
                text.push_str(line);
                text.push('\n');
            }
        } else if let Some(symbol) = line.strip_suffix(':').filter(|name| !name.starts_with('.')) {
            current = Some((symbol.to_owned(), String::new()));
        }
    }
    functions
}

fn is_noise(line: &str) -> bool {
    [".file", ".ident", ".section", ".text", ".p2align"].iter().any(|start| line.starts_with(start))
}

/// `17h0123456789abcdefE`, `.LBB3_1`, `.Lanon.0123.4` and the like, with what follows their first letters removed.
fn without_hashes(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(".L").into_iter().chain(rest.find("17h")).min() {
        let (before, hashed) = rest.split_at(at);
        text.push_str(before);
        if let Some(label) = hashed.strip_prefix(".L") {
            let name: String = label.chars().take_while(char::is_ascii_alphabetic).collect();
            text.push_str(".L");
            text.push_str(&name);
            rest =
                label.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "._$".contains(c));
        } else {
            text.push_str("17h");
            rest = hashed[3..].trim_start_matches(|c: char| c.is_ascii_hexdigit());
        }
    }
    text + rest
}
