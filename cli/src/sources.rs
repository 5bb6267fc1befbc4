//! The files that are watched, and what a change of each of them means.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use liveswap_builder::{Input, InputRole};

use crate::changed;
use crate::project::Project;

/// Of a directory that a build script is run again for, so many files are watched.
const MOST_IN_DIRECTORY: usize = 4096;

/// What belongs to what.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// What the hot crates are made of.
    hot: BTreeMap<PathBuf, HotFile>,
    /// What the program is made of besides.
    host: BTreeMap<PathBuf, HostFile>,
    /// What the files of `host` were when the build began that may make the program anew.
    begun: BTreeMap<PathBuf, Digest>,
    /// Files of `host` that are not what was built, with what they were last.
    edited: BTreeMap<PathBuf, Digest>,
    /// What a failed build looked for and did not find, with what it was when it was looked at last.
    awaited: BTreeMap<PathBuf, Look>,
    /// Sources beside those of the hot crates as they were when the build began, which may be the
    /// first that is made of them.
    around: BTreeMap<PathBuf, String>,
    /// Files that became known with the last build: until now nobody has watched them.
    fresh: Vec<PathBuf>,
    /// The last build failed.
    failed: bool,
    /// Cargo builds the program, and may write the lock file.
    locking: bool,
}

/// A file of a hot crate.
#[derive(Debug, Clone, Default)]
struct HotFile {
    /// What was built last, as far as a person wants to know.
    text: Option<String>,
    /// A build script's file: its items are not those of the crate.
    script: bool,
    /// What was saved last, on its way to being built.
    saved: Option<String>,
    /// What it was when it was looked at last: the same word of a watcher can come twice.
    seen: Look,
}

/// A file of the program itself.
#[derive(Debug, Clone)]
struct HostFile {
    role: InputRole,
    /// What was built last.
    built: Digest,
}

/// A file's content and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    digest: Digest,
    modified: Option<SystemTime>,
}

/// `None` for a file that is not there.
type Digest = Option<blake3::Hash>;

/// What was edited since the last build, by name, file by file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Names(BTreeMap<PathBuf, Vec<String>>);

impl Names {
    /// Something that is not known by its file.
    pub(crate) fn of(name: String) -> Names {
        Names(BTreeMap::from([(PathBuf::new(), vec![name])]))
    }

    /// Takes over names of files that nothing newer is known of.
    pub(crate) fn absorb(&mut self, older: Names) {
        for (file, names) in older.0 {
            self.0.entry(file).or_insert(names);
        }
    }

    /// All of them, each once.
    pub(crate) fn all(&self) -> Vec<String> {
        let mut unique: Vec<String> = Vec::new();
        for name in self.0.values().flatten() {
            if !unique.contains(name) {
                unique.push(name.clone());
            }
        }
        unique
    }

    /// All of them in one line.
    pub(crate) fn list(&self) -> String {
        changed::list(&self.all())
    }

    fn add(&mut self, file: &Path, names: Vec<String>) {
        self.0.insert(file.to_owned(), names);
    }
}

/// What saved files ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Whether something hot was saved.
    pub(crate) hot: bool,
    /// What was edited, by name.
    pub(crate) what: Names,
    /// Why the program that runs is not what its sources say, if it is not.
    pub(crate) restart: Option<String>,
}

impl Sources {
    /// Notes what the program's files are, before a build reads them.
    pub(crate) fn begin(&mut self) {
        self.begun = self.host.keys().map(|path| (path.clone(), look(path).digest)).collect();
        self.locking = true;
    }

    /// Reads the sources beside those that are known, before a build does: one that becomes part of
    /// a hot crate may be another when the build is known to have ended.
    pub(crate) fn look_around(&mut self) {
        let own = self.hot.iter().filter(|(_, file)| !file.script);
        let all: BTreeSet<PathBuf> =
            own.filter_map(|(path, _)| path.parent().map(Path::to_owned)).collect();
        self.around.clear();
        let mut count = 0;
        for directory in &all {
            if directory.ancestors().skip(1).any(|above| all.contains(above)) {
                continue;
            }
            let mut add = |path: PathBuf| {
                if path.extension().is_some_and(|it| it == "rs")
                    && !self.hot.contains_key(&path)
                    && let Ok(text) = fs::read_to_string(&path)
                {
                    self.around.insert(path, text);
                }
            };
            files_below(directory, &mut add, &mut count);
        }
    }

    /// Takes in which files decide about builds, after one that began at `start` and succeeded;
    /// `program` says that it made the program anew.
    pub(crate) fn learn(
        &mut self,
        project: &Project,
        inputs: impl Iterator<Item = Input>,
        program: bool,
        start: SystemTime,
    ) {
        (self.failed, self.locking) = (false, false);
        let (hot, host) = sorted(project, inputs);
        self.fresh.clear();
        let mut known = std::mem::take(&mut self.hot);
        for (path, script) in hot {
            let file = known.remove(&path).unwrap_or_else(|| {
                self.fresh.push(path.clone());
                let now = look(&path);
                if now.modified.is_some_and(|modified| modified > start) {
                    // What was built is what was there before the build.
                    let text = self.around.remove(&path);
                    return HotFile { text, ..HotFile::default() };
                }
                HotFile { text: fs::read_to_string(&path).ok(), seen: now, ..HotFile::default() }
            });
            let text = file.saved.or(file.text);
            self.hot.insert(path, HotFile { text, script, saved: None, ..file });
        }
        self.awaited.clear();
        let mut known = std::mem::take(&mut self.host);
        for (path, role) in host {
            let older = known.remove(&path).filter(|_| !program).map(|file| file.built);
            // A file that was saved while it was built may have been read before that. The lock file
            // is cargo's own work.
            let begun = self.begun.get(&path).filter(|_| role != InputRole::LockFile).copied();
            let built = older.or(begun).unwrap_or_else(|| look(&path).digest);
            self.host.insert(path, HostFile { role, built });
        }
        let now = self.host.iter().map(|(path, file)| (path, file.built, look(path).digest));
        let edited = now.filter(|(_, built, now)| built != now);
        self.edited = edited.map(|(path, _, now)| (path.clone(), now)).collect();
    }

    /// Files that were saved before they were watched, asked for once they are.
    pub(crate) fn missed(&mut self) -> Vec<PathBuf> {
        let mut missed = std::mem::take(&mut self.fresh);
        missed.retain(|path| self.hot.get(path).is_some_and(|file| file.seen != look(path)));
        let awaited = self.awaited.iter().filter(|(path, seen)| look(path) != **seen);
        missed.extend(awaited.map(|(path, _)| path.clone()));
        missed
    }

    /// The last build left nothing: whatever is saved next is worth another try.
    pub(crate) fn failed(&mut self) {
        (self.failed, self.locking) = (true, false);
    }

    /// Watches also for these files, which a failed build that began at `start` did not find.
    pub(crate) fn await_files(&mut self, missing: Vec<PathBuf>, start: SystemTime) {
        self.awaited.clear();
        for path in missing {
            let known = self.hot.contains_key(&path) || self.host.contains_key(&path);
            // One that was there all the time was not what was missing.
            if !known && look(&path).modified.is_none_or(|modified| modified > start) {
                self.awaited.insert(path, Look::default());
            }
        }
    }

    /// Every file to watch.
    pub(crate) fn paths(&self) -> BTreeSet<PathBuf> {
        self.hot.keys().chain(self.host.keys()).chain(self.awaited.keys()).cloned().collect()
    }

    /// What these saved files ask for; nothing when nothing that counts has changed.
    pub(crate) fn wish(&mut self, project: &Project, files: &BTreeSet<PathBuf>) -> Option<Wish> {
        let mut what = Names::default();
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
                let names = match known.script {
                    true => Vec::new(),
                    false => changed::items(known.text.as_deref(), after.as_deref()),
                };
                let names = match names.is_empty() {
                    false => names,
                    true if after.is_some() && after == known.text => {
                        vec![format!("{} as it was", name(file))]
                    }
                    true => vec![name(file)],
                };
                what.add(file, names);
                known.saved = after;
            } else if let Some(saved) = self.awaited.get_mut(file) {
                let now = look(file);
                if now == *saved {
                    continue;
                }
                hot = true;
                *saved = now;
                what.add(file, vec![name(file)]);
            } else if let Some(HostFile { built, role }) = self.host.get(file) {
                if self.locking && *role == InputRole::LockFile {
                    continue;
                }
                let now = look(file).digest;
                let before = self.edited.get(file).unwrap_or(built);
                if now == *before && !self.failed {
                    continue;
                }
                if now != *built {
                    news = true;
                    what.add(file, vec![shown(project, file)]);
                    self.edited.insert(file.clone(), now);
                } else if self.edited.remove(file).is_some() {
                    news = true;
                    what.add(file, vec![format!("{} as it was", shown(project, file))]);
                }
            }
        }
        let restart = self.reason(project);
        (hot || news).then_some(Wish { hot, what, restart })
    }

    fn reason(&self, project: &Project) -> Option<String> {
        let hot: Vec<String> = project.hot.iter().map(|hot| hot.package.clone()).collect();
        let hot = changed::list(&hot);
        let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in self.edited.keys() {
            let Some(HostFile { role, .. }) = self.host.get(path) else { continue };
            let reason = match role {
                InputRole::HostSource { .. } | InputRole::HotSource => {
                    format!("part of the program itself, not of {hot}")
                }
                InputRole::DependencySource { package } => {
                    format!("part of {package}, which the program itself uses too")
                }
                InputRole::BuildScript { package } => {
                    format!("read by the build script of {package}, which is not hot")
                }
                InputRole::Manifest
                | InputRole::LockFile
                | InputRole::CargoConfig
                | InputRole::Toolchain => "what decides how the program is built".to_owned(),
            };
            reasons.entry(reason).or_default().push(shown(project, path));
        }
        let reasons = reasons.into_iter().map(|(reason, files)| {
            let verb = if files.len() == 1 { "is" } else { "are" };
            format!("{} {verb} {reason}", changed::list(&files))
        });
        let reasons: Vec<String> = reasons.collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// Tells hot files, and whether each is a build script's alone, from those of the program itself.
fn sorted(
    project: &Project,
    inputs: impl Iterator<Item = Input>,
) -> (BTreeMap<PathBuf, bool>, BTreeMap<PathBuf, InputRole>) {
    let mut hot = BTreeMap::new();
    let mut host = BTreeMap::new();
    for Input { path, role } in inputs {
        // What a build script made is made anew by the build, not by a person.
        if path.starts_with(&project.target_directory) {
            continue;
        }
        let is_hot = match &role {
            InputRole::HotSource => true,
            InputRole::DependencySource { package } | InputRole::BuildScript { package } => {
                project.only_hot.contains(package)
            }
            _ => false,
        };
        let mut add = |path: PathBuf| {
            if is_hot {
                let script = matches!(role, InputRole::BuildScript { .. });
                *hot.entry(path).or_insert(script) &= script;
            } else {
                host.insert(path, role.clone());
            }
        };
        if path.is_dir() {
            files_below(&path, &mut |file| add(file), &mut 0);
        } else {
            add(path);
        }
    }
    host.retain(|path, _| !hot.contains_key(path));
    (hot, host)
}

/// Every file in a directory but hidden ones and what cargo makes.
fn files_below(directory: &Path, found: &mut dyn FnMut(PathBuf), count: &mut usize) {
    if directory.join("CACHEDIR.TAG").exists() {
        return;
    }
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b".") || *count >= MOST_IN_DIRECTORY {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&entry.path(), found, count),
            Ok(kind) if kind.is_file() => {
                *count += 1;
                found(entry.path());
            }
            _ => {}
        }
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
