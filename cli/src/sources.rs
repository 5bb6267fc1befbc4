//! The files that are watched, and what a change of each of them means.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::build::Products;
use crate::changed;
use crate::depinfo;
use crate::project::Project;

/// Files of the workspace's root that decide how it is built, whether or not they are there.
const ROOT: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain.toml",
    "rust-toolchain",
];

/// What belongs to what.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// What the hot crates are made of, with the text that was built last.
    hot: BTreeMap<PathBuf, Option<String>>,
    /// What the program is made of besides, with a digest of what was built last.
    host: BTreeMap<PathBuf, Digest>,
    /// What the files of `host` were when the build began that may make the program anew.
    begun: BTreeMap<PathBuf, Digest>,
    /// Files of `host` that are not what was built.
    edited: BTreeSet<PathBuf>,
    /// What a failed build looked for and did not find.
    awaited: BTreeSet<PathBuf>,
}

/// `None` for a file that is not there.
type Digest = Option<blake3::Hash>;

/// What saved files ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Whether something hot was saved.
    pub(crate) hot: bool,
    /// What was edited, by name.
    pub(crate) what: Vec<String>,
    /// Why the program that runs is not what its sources say, if it is not.
    pub(crate) restart: Option<String>,
}

impl Sources {
    /// Notes what the program's files are, before a build reads them.
    pub(crate) fn begin(&mut self) {
        self.begun = self.host.keys().map(|path| (path.clone(), digest_of(path))).collect();
    }

    /// Takes in which files a build has read. What cargo does not say stays as it was.
    pub(crate) fn learn(&mut self, project: &Project, products: &Products) {
        self.awaited.clear();
        let read = |product: &Path| -> Vec<PathBuf> {
            let text = fs::read_to_string(product.with_extension("d")).unwrap_or_default();
            let inputs = depinfo::inputs(&text).into_iter();
            let inputs = inputs.map(|path| project.workspace.join(path));
            // What a build script made is made anew by the build, not by a person.
            inputs.filter(|path| !path.starts_with(&project.target_directory)).collect()
        };
        let hot: BTreeSet<PathBuf> =
            products.artifacts.iter().flat_map(|product| read(&product.path)).collect();
        if !hot.is_empty() {
            let text = |path: PathBuf| (path.clone(), fs::read_to_string(path).ok());
            self.hot = hot.into_iter().map(text).collect();
        }
        if let Some((executable, _)) = &products.executable {
            let mut host: BTreeSet<PathBuf> = read(executable).into_iter().collect();
            host.extend(project.manifests.iter().cloned());
            host.extend(ROOT.map(|name| project.workspace.join(name)));
            host.retain(|path| !self.hot.contains_key(path));
            // A file that was saved while it was built may have been read before that.
            let digest =
                |path: &PathBuf| self.begun.get(path).copied().unwrap_or_else(|| digest_of(path));
            self.host = host.into_iter().map(|path| (path.clone(), digest(&path))).collect();
            let is_edited = |(path, built): &(&PathBuf, &Digest)| **built != digest_of(path);
            self.edited = self.host.iter().filter(is_edited).map(|(path, _)| path.clone()).collect();
        }
    }

    /// Watches also for these files, which a failed build did not find.
    pub(crate) fn await_files(&mut self, missing: Vec<PathBuf>) {
        self.awaited = missing.into_iter().collect();
    }

    /// Every file to watch.
    pub(crate) fn paths(&self) -> BTreeSet<PathBuf> {
        self.hot.keys().chain(self.host.keys()).chain(&self.awaited).cloned().collect()
    }

    /// What these saved files ask for; nothing when nothing that counts has changed.
    pub(crate) fn wish(&mut self, project: &Project, files: &BTreeSet<PathBuf>) -> Option<Wish> {
        let mut what = Vec::new();
        let mut hot = false;
        let mut news = false;
        for file in files {
            if let Some(before) = self.hot.get(file) {
                hot = true;
                let after = fs::read_to_string(file).ok();
                let names = changed::items(before.as_deref(), after.as_deref());
                what.extend(if names.is_empty() { vec![name(file)] } else { names });
            } else if self.awaited.contains(file) {
                hot = true;
                what.push(name(file));
            } else if let Some(built) = self.host.get(file) {
                let is_edited = *built != digest_of(file);
                let was_edited = self.edited.contains(file);
                if is_edited {
                    news = true;
                    what.push(shown(project, file));
                    self.edited.insert(file.clone());
                } else if was_edited {
                    news = true;
                    what.push(format!("{} as it was", shown(project, file)));
                    self.edited.remove(file);
                }
            }
        }
        let restart = self.reason(project);
        (hot || news).then(|| Wish { hot, what, restart })
    }

    fn reason(&self, project: &Project) -> Option<String> {
        let files: Vec<String> = self.edited.iter().map(|file| shown(project, file)).collect();
        let verb = match files.len() {
            0 => return None,
            1 => "is",
            _ => "are",
        };
        let hot: Vec<String> = project.hot.iter().map(|hot| hot.package.clone()).collect();
        let (files, hot) = (changed::list(&files), changed::list(&hot));
        Some(format!("{files} {verb} part of the program itself, not of {hot}"))
    }
}

/// A path as it is shown: from the workspace's root.
fn shown(project: &Project, file: &Path) -> String {
    file.strip_prefix(&project.workspace).unwrap_or(file).display().to_string()
}

fn name(file: &Path) -> String {
    file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn digest_of(file: &Path) -> Digest {
    fs::read(file).ok().map(|bytes| blake3::hash(&bytes))
}

#[cfg(test)]
mod tests;
