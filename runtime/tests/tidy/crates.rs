//! Which crate may depend on which, and what must never reach a hot crate.

use std::collections::BTreeSet;

use crate::tree::Tree;

/// Packages that exist to try the others, and may depend on anything.
const FREE: &[&str] = &["tests", "benches"];

/// Every dependency between packages is an arrow of ARCHITECTURE.md, and every arrow is a dependency.
pub fn arrows(tree: &Tree) -> Vec<String> {
    let mut promised = BTreeSet::new();
    for line in tree.table("arrows") {
        let (from, to) = line.split_once("->").unwrap_or((line, ""));
        let to = to.split("  ").next().unwrap_or_default();
        let to = to.split(',').map(str::trim).filter(|to| !to.is_empty() && *to != "nothing");
        promised.extend(to.map(|to| (from.trim().to_owned(), to.to_owned())));
    }
    let mut real = BTreeSet::new();
    for package in &tree.packages {
        if FREE.iter().any(|free| crate::tree::is_under(&package.folder, free)) {
            continue;
        }
        real.extend(package.depends.iter().map(|to| (package.folder.clone(), to.clone())));
    }
    let unpromised = real.difference(&promised);
    let unpromised = unpromised.map(|(from, to)| {
        format!("{from}/Cargo.toml: depends on {to}, which no arrow of ARCHITECTURE.md allows")
    });
    let stale = promised.difference(&real);
    let stale = stale.map(|(from, to)| format!("ARCHITECTURE.md: {from} does not depend on {to}"));
    unpromised.chain(stale).collect()
}

/// No hot crate links the runtime: neither its threads nor its statics belong into an artifact.
pub fn hot_crates(tree: &Tree) -> Vec<String> {
    let hot = tree
        .packages
        .iter()
        .filter(|package| package.loadable && package.depends.iter().any(|to| to == "abi"));
    let reaching = hot.filter(|package| reaches(tree, &package.folder, "runtime"));
    reaching
        .map(|package| format!("{}: a hot crate that reaches runtime", package.folder))
        .collect()
}

fn reaches(tree: &Tree, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(folder) = next.pop() {
        if folder == to {
            return true;
        }
        if !seen.insert(folder.clone()) {
            continue;
        }
        let package = tree.packages.iter().find(|package| package.folder == folder);
        next.extend(package.into_iter().flat_map(|package| package.depends.clone()));
    }
    false
}

/// Every package inherits the lints of the workspace, and denies unsafe code unless it is one with a place for it.
pub fn lints(tree: &Tree, with_unsafe: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in &tree.packages {
        for root in ["src/lib.rs", "src/main.rs"] {
            let path = format!("{}/{root}", package.folder);
            let Some(text) = tree.texts.get(&path) else { continue };
            let denies = ["#![deny(unsafe_code)]", "#![forbid(unsafe_code)]"];
            let denied = denies.iter().any(|deny| text.contains(deny));
            let has_place =
                with_unsafe.iter().any(|place| crate::tree::is_under(place, &package.folder));
            if !denied && !has_place {
                complaints.push(format!("{path}: #![deny(unsafe_code)] is missing"));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Package;

    fn tree(packages: &[(&str, bool, &[&str])]) -> Tree {
        let text = "```text arrows\ndemo -> logic   a host\nlogic -> abi\nabi -> nothing\n```\n";
        let mut tree = Tree::of(&[("ARCHITECTURE.md", text), ("logic/src/lib.rs", "")]);
        tree.packages = packages
            .iter()
            .map(|(folder, loadable, depends)| Package {
                folder: (*folder).to_owned(),
                name: (*folder).to_owned(),
                loadable: *loadable,
                depends: depends.iter().map(|to| (*to).to_owned()).collect(),
            })
            .collect();
        tree
    }

    #[test]
    fn an_arrow_too_many_and_one_too_few_are_found() {
        let good = [("demo", false, ["logic"].as_slice()), ("logic", true, &["abi"])];
        assert!(arrows(&tree(&good)).is_empty());
        let free = [good[0], good[1], ("tests/hot", true, &["abi", "logic"])];
        assert!(arrows(&tree(&free)).is_empty());
        let more = [good[0], good[1], ("abi", false, &["logic"])];
        assert_eq!(arrows(&tree(&more)).len(), 1);
        assert_eq!(arrows(&tree(&good[..1])).len(), 1);
    }

    #[test]
    fn a_hot_crate_that_reaches_the_runtime_is_found() {
        let good = [("logic", true, ["abi"].as_slice()), ("runtime", false, &["abi"])];
        assert!(hot_crates(&tree(&good)).is_empty());
        let bad = [("logic", true, ["abi", "kit"].as_slice()), ("kit", false, &["runtime"])];
        assert_eq!(hot_crates(&tree(&bad)).len(), 1);
    }

    #[test]
    fn a_crate_that_allows_unsafe_code_needs_a_place_for_it() {
        let tree = tree(&[("logic", true, &[])]);
        assert_eq!(lints(&tree, &BTreeSet::new()).len(), 1);
        assert!(lints(&tree, &["logic/src/raw.rs".to_owned()].into()).is_empty());
    }
}
