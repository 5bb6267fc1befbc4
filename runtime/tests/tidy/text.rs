//! What no file may contain: unfinished work, printing, wildcard imports, too much, other words than the design's.

use crate::source::words;
use crate::tree::Tree;

/// The longest a file may be, in lines.
const LONGEST: usize = 400;

/// The packages that programs link; what they say goes through events, errors and `tracing`.
const LIBRARIES: &[&str] = &["abi/src", "macros/src", "runtime/src", "reloadable-logic/src"];

/// Spellings that are not American, as beginnings of words.
const SPELLINGS: &[&str] = &[
    "behaviour",
    "colour",
    "favour",
    "honour",
    "neighbour",
    "flavour",
    "labour",
    "centre",
    "analyse",
    "catalogue",
    "initialis",
    "serialis",
    "deserialis",
    "optimis",
    "recognis",
    "synchronis",
    "normalis",
    "organis",
    "customis",
    "minimis",
    "labelled",
    "travelled",
    "modelled",
    "licence",
    "defence",
    "artefact",
    "whilst",
    "grey",
];

/// Words for which the design has another one.
const SYNONYMS: &[(&str, &str)] = &[
    ("plugin", "artifact"),
    ("reloader", "runtime"),
    ("epoch", "generation"),
    ("revision", "generation"),
    ("trampoline", "dispatch table"),
    ("jumptable", "dispatch table"),
    ("shadowcopy", "stage"),
    ("hotpatch", "swap"),
    ("patch", "swap"),
];

/// No unfinished work anywhere.
pub fn unfinished(tree: &Tree) -> Vec<String> {
    macros(tree, "", &["todo", "unimplemented", "dbg"])
}

/// No printing in what programs link.
pub fn printing(tree: &Tree) -> Vec<String> {
    let printers = ["print", "println", "eprint", "eprintln"];
    LIBRARIES.iter().flat_map(|folder| macros(tree, folder, &printers)).collect()
}

fn macros(tree: &Tree, folder: &str, names: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, code) in tree.code(folder) {
        for (line, text) in lines(&code) {
            let called = |name: &&&str| {
                let calls = text.match_indices(&format!("{name}!")).any(|(at, _)| {
                    let before = text[..at].chars().next_back();
                    !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
                });
                calls && !text.contains(&format!("{name}!="))
            };
            complaints
                .extend(names.iter().find(called).map(|name| format!("{path}:{line}: {name}!")));
        }
    }
    complaints
}

/// No file is longer than a reader's patience.
pub fn length(tree: &Tree) -> Vec<String> {
    let counted = tree.rust().map(|(path, text)| (path, text.lines().count()));
    let long = counted.filter(|(_, lines)| *lines > LONGEST);
    long.map(|(path, lines)| format!("{path}: {lines} lines, at most {LONGEST}")).collect()
}

/// No wildcard import of our own crates; a file's tests may import the file.
pub fn wildcards(tree: &Tree) -> Vec<String> {
    let ours: Vec<String> =
        tree.packages.iter().map(|package| package.name.replace('-', "_")).collect();
    let mut complaints = Vec::new();
    for (path, code) in tree.code("") {
        let mut in_tests = path.ends_with("/tests.rs");
        for (line, text) in lines(&code) {
            in_tests |= text.contains("#[cfg(test)]") || text.contains("mod tests");
            let Some((_, import)) =
                text.split_once("use ").filter(|(_, used)| used.contains("::*"))
            else {
                continue;
            };
            let root = import.trim_start_matches("::").split("::").next().unwrap_or_default();
            let own = ["crate", "self", "super"].contains(&root) || ours.iter().any(|o| o == root);
            if own && !(in_tests && import.starts_with("super::*")) {
                complaints
                    .push(format!("{path}:{line}: wildcard import of our own: {}", text.trim()));
            }
        }
    }
    complaints
}

/// American spelling, in code and in prose.
pub fn spelling(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.texts.iter().filter(|(path, _)| !path.ends_with("/tidy/text.rs")) {
        for (line, word) in words(text) {
            let lower = word.to_lowercase();
            let mut parts = lower.split('_');
            if parts.any(|part| SPELLINGS.iter().any(|other| part.starts_with(other))) {
                complaints.push(format!("{path}:{line}: `{word}` is not American spelling"));
            }
        }
    }
    complaints
}

/// Public names use the words of the design, which the guide explains.
pub fn vocabulary(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, code) in LIBRARIES.iter().flat_map(|folder| tree.code(folder)) {
        for (line, text) in lines(&code) {
            let Some(name) = public_name(text) else { continue };
            let plain = name.replace('_', "").to_lowercase().replace("dispatch", "");
            let found = SYNONYMS.iter().find(|(other, _)| plain.contains(other));
            complaints.extend(found.map(|(other, word)| {
                format!("{path}:{line}: `{name}`: not `{other}` but `{word}` is the word here")
            }));
        }
    }
    complaints
}

/// The words of the design, each of which has a row in the guide's table.
pub fn explained(tree: &Tree) -> Vec<String> {
    const WORDS: &[&str] = &[
        "hot crate",
        "host",
        "hot function",
        "artifact",
        "stage",
        "generation",
        "manifest",
        "fingerprint",
        "dispatch table",
        "gate",
        "hold",
        "pin",
        "swap",
        "drain",
        "retire",
        "retained",
    ];
    let guide = tree.texts.get("docs/guide.md").map_or("", String::as_str);
    let row = |word: &&&str| !guide.lines().any(|line| line.starts_with(&format!("| {word} |")));
    WORDS.iter().filter(row).map(|word| format!("docs/guide.md: no row for `{word}`")).collect()
}

/// Every relative link in Markdown leads to a file.
pub fn links(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.texts.iter().filter(|(path, _)| path.ends_with(".md")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, text) in lines(text) {
            for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = link.split(['#', ' ']).next().unwrap_or_default();
                if target.is_empty() || target.contains(':') {
                    continue;
                }
                let target = resolve(folder, target);
                if !tree.texts.contains_key(&target) && !tree.paths.contains(&target) {
                    complaints.push(format!("{path}:{line}: no file {target}"));
                }
            }
        }
    }
    complaints
}

fn resolve(folder: &str, link: &str) -> String {
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in link.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// The name of the item, field excepted, that a line makes public.
fn public_name(line: &str) -> Option<&str> {
    const ITEMS: &[&str] = &["fn", "struct", "enum", "trait", "mod", "const", "static", "type"];
    let mut rest = line.trim().strip_prefix("pub ")?.split_whitespace();
    let name = loop {
        let word = rest.next()?;
        if ITEMS.contains(&word) {
            break rest.find(|word| *word != "fn")?;
        }
    };
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Package;

    type Rule = fn(&Tree) -> Vec<String>;

    #[test]
    fn every_refusal_has_a_passing_twin() {
        let table: &[(Rule, &str, &str)] = &[
            (unfinished, "fn f() { todo!() }", "fn f() { assert!(todo != 1) } // todo!()"),
            (unfinished, "let x = dbg!(1);", "let x = \"dbg!(1)\";"),
            (printing, "println!(\"\")", "/// println!(\"\")\nwriteln!(out, \"\")"),
            (wildcards, "use crate::event::*;", "use crate::event::Event;"),
            (wildcards, "use liveswap::{Event, stage::*};", "use std::io::prelude::*;"),
            (wildcards, "use super::*;", "#[cfg(test)]\nmod tests { use super::*; }"),
            (spelling, "// the behaviour", "// the behavior"),
            (spelling, "fn initialise_it() {}", "fn initialize_it() {}"),
            (vocabulary, "pub fn load_plugin() {}", "fn load_plugin() {}"),
            (vocabulary, "pub struct HotPatch {", "pub struct Generation {"),
            (vocabulary, "pub const fn epoch(", "pub const fn generation("),
        ];
        for (rule, bad, good) in table {
            for (text, complaints) in [(bad, 1), (good, 0)] {
                let mut tree = Tree::of(&[("runtime/src/a.rs", text)]);
                tree.packages = vec![Package {
                    folder: "runtime".to_owned(),
                    name: "liveswap".to_owned(),
                    loadable: false,
                    depends: Vec::new(),
                }];
                assert_eq!(rule(&tree).len(), complaints, "{text}: {:?}", rule(&tree));
            }
        }
    }

    #[test]
    fn one_line_too_many_is_found() {
        let just = "\n".repeat(LONGEST);
        assert!(length(&Tree::of(&[("a.rs", &just)])).is_empty());
        assert_eq!(length(&Tree::of(&[("a.rs", &format!("{just}\n"))])).len(), 1);
    }

    #[test]
    fn a_word_without_a_row_and_a_link_without_a_file_are_found() {
        let text = "| host | it runs |\n[a](../b.md#c), [d](https://e), [f](f.png)";
        let tree = Tree::of(&[("docs/guide.md", text), ("b.md", "")]);
        assert!(!explained(&tree).iter().any(|complaint| complaint.ends_with("`host`")));
        assert!(explained(&tree).iter().any(|complaint| complaint.ends_with("`gate`")));
        assert_eq!(links(&tree), ["docs/guide.md:2: no file docs/f.png"]);
    }
}
