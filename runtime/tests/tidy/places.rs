//! Where things are: unsafe code, the floors of the runtime, the files of the code map.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::words;
use crate::tree::{Tree, is_under};

/// The packages whose every file is in the code map.
const MAPPED: &[&str] =
    &["abi", "macros", "runtime", "builder", "testkit", "cli", "demo-app", "reloadable-logic"];

/// The places that ARCHITECTURE.md names for unsafe code.
pub fn unsafe_places(tree: &Tree) -> BTreeSet<String> {
    let lines = tree.table("unsafe").into_iter();
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Unsafe code stands in the named places only, and every named place has some.
pub fn unsafe_code(tree: &Tree) -> Vec<String> {
    let places = unsafe_places(tree);
    let mut used = BTreeSet::new();
    let mut complaints = Vec::new();
    for (path, code) in tree.code("") {
        let Some((line, _)) = words(&code).find(|(_, word)| *word == "unsafe") else { continue };
        match places.iter().find(|place| is_under(path, place)) {
            Some(place) => {
                used.insert(place.clone());
            }
            None => complaints.push(format!(
                "{path}:{line}: unsafe code outside the places that ARCHITECTURE.md names"
            )),
        }
    }
    let stale = places.difference(&used);
    complaints.extend(stale.map(|place| format!("ARCHITECTURE.md: {place} has no unsafe code")));
    complaints
}

/// A module of the runtime names only modules on floors below its own.
pub fn floors(tree: &Tree) -> Vec<String> {
    let floors = floor_by_module(tree);
    let mut complaints = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, code) in tree.code("runtime/src") {
        let module = module_of(path);
        seen.insert(module.clone());
        let Some(&floor) = floors.get(&module) else {
            complaints.push(format!("{path}: `{module}` has no floor in ARCHITECTURE.md"));
            continue;
        };
        for (line, named) in named_in_crate(&code).filter(|(_, named)| *named != module) {
            match floors.get(&named) {
                Some(&other) if other < floor => {}
                Some(&other) => complaints.push(format!(
                    "{path}:{line}: `{module}` on floor {floor} names `{named}` on floor {other}"
                )),
                None => complaints.push(format!(
                    "{path}:{line}: `crate::{named}` is no module; name the module it comes from"
                )),
            }
        }
    }
    let gone = floors.keys().filter(|module| !seen.contains(*module));
    complaints.extend(gone.map(|module| format!("ARCHITECTURE.md: no module `{module}`")));
    complaints
}

/// Every source file of the packages is in the code map, and every file of the map is there.
pub fn code_map(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    let there = |package: &str| tree.packages.iter().any(|known| known.folder == package);
    for package in MAPPED.iter().copied().filter(|package| there(package)) {
        let folder = format!("{package}/src");
        let mut mapped = BTreeSet::new();
        for line in tree.table(package) {
            let path = line.split_whitespace().find(|word| word.parse::<u32>().is_err());
            mapped.extend(path.filter(|path| !path.ends_with('/')).map(str::to_owned));
        }
        let sources = tree.rust().filter_map(|(path, _)| path.strip_prefix(&format!("{folder}/")));
        let sources = sources.filter(|path| *path != "tests.rs" && !path.ends_with("/tests.rs"));
        let real: BTreeSet<String> = sources.map(str::to_owned).collect();
        let missing = real.difference(&mapped);
        complaints.extend(
            missing.map(|path| format!("{folder}/{path}: not in the code map of ARCHITECTURE.md")),
        );
        let gone = mapped.difference(&real);
        complaints.extend(gone.map(|path| format!("ARCHITECTURE.md: no file {folder}/{path}")));
    }
    complaints
}

fn floor_by_module(tree: &Tree) -> BTreeMap<String, u32> {
    let lines = tree.table("runtime").into_iter();
    let floors = lines.filter_map(|line| {
        let (floor, rest) = line.split_once(' ')?;
        let name = rest.split_whitespace().next()?;
        Some((module_of(&format!("runtime/src/{name}")), floor.parse().ok()?))
    });
    floors.collect()
}

/// The module directly under the crate's root that `path` belongs to.
fn module_of(path: &str) -> String {
    let inside = path.strip_prefix("runtime/src/").unwrap_or(path);
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first).to_owned()
}

/// What stands directly behind `crate::` in `code`, groups in braces included.
fn named_in_crate(code: &str) -> impl Iterator<Item = (usize, String)> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|before: char| before.is_alphanumeric() || "_$".contains(before)) {
            continue;
        }
        let line = code[..at].lines().count().max(1);
        let rest = &code[at + "crate::".len()..];
        let list = match rest.strip_prefix('{') {
            Some(group) => heads(group),
            None => vec![rest],
        };
        let name = |text: &str| words(text).next().map(|(_, word)| word.to_owned());
        named.extend(list.into_iter().filter_map(name).map(|name| (line, name)));
    }
    named.into_iter()
}

/// The beginnings of the entries of a `use` group, up to its closing brace.
fn heads(group: &str) -> Vec<&str> {
    let mut heads = vec![group];
    let mut depth = 0;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(&group[at + 1..]),
            _ => {}
        }
    }
    heads.retain(|head| !head.trim_start().starts_with('}'));
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "```text unsafe\nruntime/src/raw/   the loader\n```\n\
                          ```text runtime\n2  lib.rs      contents\n1  pipe.rs     steps\n   \
                          raw/sys.rs  sys\n0  raw/    loads\n```\n";

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut all = vec![
            ("ARCHITECTURE.md", TABLES),
            ("runtime/src/lib.rs", "mod pipe; pub use pipe::Pipe; // unsafe"),
            ("runtime/src/pipe.rs", "use crate::{raw::{A, B}, };"),
            ("runtime/src/raw/sys.rs", "unsafe { f() }"),
        ];
        all.retain(|(path, _)| files.iter().all(|(other, _)| other != path));
        all.extend(files);
        Tree::of(&all)
    }

    #[test]
    fn unsafe_code_elsewhere_and_a_place_without_any_are_found() {
        assert_eq!(unsafe_code(&tree(&[])), [""; 0]);
        let elsewhere = tree(&[("runtime/src/pipe.rs", "\nunsafe fn f() {}")]);
        assert!(unsafe_code(&elsewhere)[0].starts_with("runtime/src/pipe.rs:2: "));
        assert_eq!(unsafe_code(&tree(&[("runtime/src/raw/sys.rs", "")])).len(), 1);
    }

    #[test]
    fn a_look_upstairs_or_sideways_is_found() {
        assert_eq!(floors(&tree(&[])), [""; 0]);
        for (path, text) in [
            ("runtime/src/raw/sys.rs", "use crate::pipe::Pipe;"),
            ("runtime/src/raw/sys.rs", "use crate::{raw, pipe};"),
            ("runtime/src/pipe.rs", "fn f() -> crate::Pipe {}"),
            ("runtime/src/new.rs", ""),
        ] {
            assert_eq!(floors(&tree(&[(path, text)])).len(), 1, "{path}: {text}");
        }
    }

    #[test]
    fn a_file_outside_the_map_and_a_gone_one_are_found() {
        let mut good = tree(&[]);
        good.packages = vec![crate::tree::Package {
            folder: "runtime".to_owned(),
            name: "liveswap".to_owned(),
            loadable: false,
            depends: Vec::new(),
        }];
        assert_eq!(code_map(&good), [""; 0]);
        good.texts.insert("runtime/src/raw/new.rs".to_owned(), String::new());
        good.texts.remove("runtime/src/raw/sys.rs");
        assert_eq!(code_map(&good).len(), 2);
    }
}
