//! The checkout as the rules see it: texts by path, packages by folder, and the tables of ARCHITECTURE.md.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::source;

/// What the rules are applied to.
pub struct Tree {
    /// Rust and Markdown texts, by their path from the root with `/` between names.
    pub texts: BTreeMap<String, String>,
    /// Every other path that a link may lead to.
    pub paths: Vec<String>,
    /// The packages of the workspace.
    pub packages: Vec<Package>,
}

/// A package of the workspace.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its folder from the root.
    pub folder: String,
    /// Its name.
    pub name: String,
    /// Whether it is built as a library that can be loaded.
    pub loadable: bool,
    /// The folders of the packages of the workspace that it depends on, tests and benches aside.
    pub depends: Vec<String>,
}

impl Tree {
    /// Reads the checkout that this package is in.
    pub fn of_checkout() -> Tree {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root is above");
        let mut tree = Tree { texts: BTreeMap::new(), paths: Vec::new(), packages: packages(root) };
        tree.collect(root, "");
        tree
    }

    /// A tree of Rust files and `ARCHITECTURE.md`, for trying a rule.
    #[cfg(test)]
    pub fn of(texts: &[(&str, &str)]) -> Tree {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Tree { texts: texts.iter().map(owned).collect(), paths: Vec::new(), packages: Vec::new() }
    }

    /// The Rust files under `folder`, each as path and code without comments and strings.
    pub fn code<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, String)> {
        let files = self.rust().filter(move |(path, _)| is_under(path, folder));
        files.map(|(path, text)| (path, source::code(text)))
    }

    /// All Rust files.
    pub fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.texts.iter().filter(|(path, _)| path.ends_with(".rs"));
        texts.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The lines of the block of ARCHITECTURE.md that begins with "```text `name`".
    pub fn table(&self, name: &str) -> Vec<&str> {
        let text = self.texts.get("ARCHITECTURE.md").map_or("", String::as_str);
        let head = format!("```text {name}");
        let lines: Vec<&str> = text
            .lines()
            .skip_while(|line| *line != head)
            .skip(1)
            .take_while(|line| *line != "```")
            .filter(|line| !line.trim().is_empty())
            .collect();
        assert!(!lines.is_empty(), "ARCHITECTURE.md has no block ```text {name}");
        lines
    }

    fn collect(&mut self, directory: &Path, prefix: &str) {
        let entries = directory.read_dir().expect("the checkout can be read");
        for entry in entries.map(|entry| entry.expect("the checkout can be read")) {
            let name = entry.file_name().into_string().expect("names are text");
            let path = format!("{prefix}{name}");
            if entry.file_type().expect("the checkout can be read").is_dir() {
                if name != "target" && name != ".git" {
                    self.collect(&entry.path(), &format!("{path}/"));
                    self.paths.push(path);
                }
            } else if name.ends_with(".rs") || name.ends_with(".md") {
                let text = std::fs::read_to_string(entry.path()).expect("sources are text");
                self.texts.insert(path, text);
            } else {
                self.paths.push(path);
            }
        }
    }
}

/// Whether `path` is `folder` or in it; everything is in the root, which is empty.
pub fn is_under(path: &str, folder: &str) -> bool {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    if folder.is_empty() {
        return true;
    }
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Fails with every complaint on a line of its own.
pub fn assert_tidy(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn packages(root: &Path) -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let folder = |path: &str| {
        let folder = Path::new(path).strip_prefix(root).ok()?;
        Some(folder.to_string_lossy().replace('\\', "/"))
    };
    let package = |package: &serde_json::Value| {
        let manifest = text(&package["manifest_path"]);
        let kinds = list(&package["targets"]).into_iter().flat_map(|t| list(&t["crate_types"]));
        let depends = list(&package["dependencies"]);
        let shipped = depends.iter().filter(|dependency| dependency["kind"] != "dev");
        Package {
            folder: folder(manifest.trim_end_matches("/Cargo.toml")).expect("members are inside"),
            name: text(&package["name"]),
            loadable: kinds.into_iter().any(|kind| kind == "cdylib"),
            depends: shipped
                .filter_map(|dependency| folder(dependency["path"].as_str()?))
                .collect(),
        }
    };
    list(&metadata["packages"]).iter().map(package).collect()
}
