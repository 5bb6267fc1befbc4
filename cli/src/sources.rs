//! The files that are watched, and what a change of each of them means.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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
    /// What the hot crates are made of.
    hot: BTreeMap<PathBuf, HotFile>,
    /// What the program is made of besides, with a digest of what was built last.
    host: BTreeMap<PathBuf, Digest>,
    /// What the files of `host` were when the build began that may make the program anew.
    begun: BTreeMap<PathBuf, Digest>,
    /// Files of `host` that are not what was built, with what they were last.
    edited: BTreeMap<PathBuf, Digest>,
    /// What a failed build looked for and did not find.
    awaited: BTreeSet<PathBuf>,
    /// The last build failed.
    failed: bool,
}

/// A file of a hot crate.
#[derive(Debug, Clone, Default)]
struct HotFile {
    /// What was built last, as far as a person wants to know.
    text: Option<String>,
    /// What was saved last, on its way to being built.
    saved: Option<String>,
    /// What it was when it was looked at last: the same word of a watcher can come twice.
    seen: Look,
}

/// A file's content and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    digest: Digest,
    modified: Option<SystemTime>,
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
        self.begun = self.host.keys().map(|path| (path.clone(), look(path).digest)).collect();
    }

    /// Takes in which files a build has read that began at `start`. What cargo does not say stays
    /// as it was.
    ///
    /// Returns files that were not known and have been saved since: nobody has watched them.
    pub(crate) fn learn(
        &mut self,
        project: &Project,
        products: &Products,
        start: SystemTime,
    ) -> Vec<PathBuf> {
        self.awaited.clear();
        self.failed = false;
        let read = |product: &Path| -> Vec<PathBuf> {
            let text = fs::read_to_string(product.with_extension("d")).unwrap_or_default();
            let inputs = depinfo::inputs(&text).into_iter();
            let inputs = inputs.map(|path| project.workspace.join(path));
            // What a build script made is made anew by the build, not by a person.
            inputs.filter(|path| !path.starts_with(&project.target_directory)).collect()
        };
        let mut missed = Vec::new();
        let hot: BTreeSet<PathBuf> =
            products.artifacts.iter().flat_map(|product| read(&product.path)).collect();
        if !hot.is_empty() {
            let mut known = std::mem::take(&mut self.hot);
            for path in hot {
                let file = known.remove(&path).unwrap_or_else(|| {
                    let now = look(&path);
                    let is_late = now.modified.is_some_and(|modified| modified > start);
                    if is_late {
                        missed.push(path.clone());
                    }
                    let text = fs::read_to_string(&path).ok();
                    HotFile { text, saved: None, seen: if is_late { Look::default() } else { now } }
                });
                let text = file.saved.or(file.text);
                self.hot.insert(path, HotFile { text, saved: None, ..file });
            }
        }
        if let Some((executable, _)) = &products.executable {
            let mut host: BTreeSet<PathBuf> = read(executable).into_iter().collect();
            host.extend(project.manifests.iter().cloned());
            host.extend(ROOT.map(|name| project.workspace.join(name)));
            host.retain(|path| !self.hot.contains_key(path));
            // A file that was saved while it was built may have been read before that.
            let digest =
                |path: &PathBuf| self.begun.get(path).copied().unwrap_or_else(|| look(path).digest);
            self.host = host.into_iter().map(|path| (path.clone(), digest(&path))).collect();
            let now = self.host.iter().map(|(path, built)| (path, *built, look(path).digest));
            let edited = now.filter(|(_, built, now)| built != now);
            self.edited = edited.map(|(path, _, now)| (path.clone(), now)).collect();
        }
        missed
    }

    /// The last build left nothing: whatever is saved next is worth another try.
    pub(crate) fn failed(&mut self) {
        self.failed = true;
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
            if let Some(known) = self.hot.get_mut(file) {
                let now = look(file);
                let before = std::mem::replace(&mut known.seen, now);
                if before.digest == now.digest && (before == now || !self.failed) {
                    continue;
                }
                hot = true;
                let after = fs::read_to_string(file).ok();
                let names = changed::items(known.text.as_deref(), after.as_deref());
                known.saved = after;
                what.extend(if names.is_empty() { vec![name(file)] } else { names });
            } else if self.awaited.remove(file) {
                hot = true;
                what.push(name(file));
            } else if let Some(built) = self.host.get(file) {
                let now = look(file).digest;
                let before = self.edited.get(file).unwrap_or(built);
                if now == *before && !self.failed {
                    continue;
                }
                if now != *built {
                    news = true;
                    what.push(shown(project, file));
                    self.edited.insert(file.clone(), now);
                } else if self.edited.remove(file).is_some() {
                    news = true;
                    what.push(format!("{} as it was", shown(project, file)));
                }
            }
        }
        let restart = self.reason(project);
        (hot || news).then_some(Wish { hot, what, restart })
    }

    fn reason(&self, project: &Project) -> Option<String> {
        let files: Vec<String> = self.edited.keys().map(|file| shown(project, file)).collect();
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

fn look(file: &Path) -> Look {
    let modified = fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    Look { digest: fs::read(file).ok().map(|bytes| blake3::hash(&bytes)), modified }
}

#[cfg(test)]
mod tests;
