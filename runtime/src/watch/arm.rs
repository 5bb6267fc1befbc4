//! Keeps the system watching the right directories, whatever becomes of them.
//!
//! Files are watched through the directory they are in, because a file that is replaced takes its
//! watch with it. A directory that is not there is awaited from the nearest one above it that is.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::file::FileIdentity;

/// A tree that changes faster than this is looked at again with the next event.
const ROUNDS: usize = 16;

/// A directory and which one it is: another with the same name is not watched by its watch.
type Which = (u64, u64);

/// The directories that the system watches.
pub(super) struct Arm {
    watcher: RecommendedWatcher,
    armed: BTreeMap<PathBuf, Which>,
}

impl Arm {
    /// Arms nothing yet.
    pub(super) fn new(watcher: RecommendedWatcher) -> Self {
        Arm { watcher, armed: BTreeMap::new() }
    }

    /// Arms `directories`, each of them or the nearest one above it.
    ///
    /// The watches of `lost` directories are dead, though a directory of that name may be there.
    /// Returns the directories that are watched themselves only since this call.
    ///
    /// # Errors
    ///
    /// The system has no watch left, or none for this kind of file system.
    pub(super) fn arm(
        &mut self,
        directories: &BTreeSet<PathBuf>,
        lost: &HashSet<PathBuf>,
    ) -> notify::Result<Vec<PathBuf>> {
        for directory in lost {
            self.disarm(directory);
        }
        let mut fresh = BTreeSet::new();
        for _ in 0..ROUNDS {
            let wanted: BTreeMap<PathBuf, Which> =
                directories.iter().filter_map(|directory| nearest(directory)).collect();
            let stale: Vec<PathBuf> = self
                .armed
                .iter()
                .filter(|&(path, which)| wanted.get(path) != Some(which))
                .map(|(path, _)| path.clone())
                .collect();
            stale.iter().for_each(|path| self.disarm(path));

            let mut stable = true;
            for (path, which) in wanted {
                if self.armed.contains_key(&path) {
                    continue;
                }
                // What happened before the watch was there is seen by going round once more.
                stable = false;
                match self.watcher.watch(&path, RecursiveMode::NonRecursive) {
                    Ok(()) => {
                        if directories.contains(&path) {
                            fresh.insert(path.clone());
                        }
                        self.armed.insert(path, which);
                    }
                    Err(error) if is_gone(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            if stable {
                break;
            }
        }
        Ok(fresh.into_iter().filter(|directory| self.armed.contains_key(directory)).collect())
    }

    fn disarm(&mut self, directory: &Path) {
        if self.armed.remove(directory).is_some() {
            // It fails where the system dropped the watch together with the directory.
            let _ = self.watcher.unwatch(directory);
        }
    }
}

/// The nearest directory at or above `directory` that is there.
fn nearest(directory: &Path) -> Option<(PathBuf, Which)> {
    directory.ancestors().find_map(|ancestor| {
        let metadata = fs::metadata(ancestor).ok().filter(fs::Metadata::is_dir)?;
        let identity = FileIdentity::of(&metadata);
        Some((ancestor.to_owned(), (identity.device, identity.inode)))
    })
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm() -> Arm {
        Arm::new(notify::recommended_watcher(|_| {}).unwrap())
    }

    fn armed(arm: &Arm) -> Vec<&Path> {
        arm.armed.keys().map(PathBuf::as_path).collect()
    }

    #[test]
    fn a_missing_directory_is_awaited_from_above() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("target/debug");
        let directories = BTreeSet::from([deep.clone()]);
        let mut arm = arm();
        assert!(arm.arm(&directories, &HashSet::new()).unwrap().is_empty());
        assert_eq!(armed(&arm), [root.path()]);

        fs::create_dir(root.path().join("target")).unwrap();
        assert!(arm.arm(&directories, &HashSet::new()).unwrap().is_empty());
        assert_eq!(armed(&arm), [deep.parent().unwrap()]);

        fs::create_dir(&deep).unwrap();
        assert_eq!(arm.arm(&directories, &HashSet::new()).unwrap(), [deep.as_path()]);
        assert_eq!(armed(&arm), [deep.as_path()]);
        assert!(arm.arm(&directories, &HashSet::new()).unwrap().is_empty(), "it was before");

        fs::remove_dir_all(root.path().join("target")).unwrap();
        assert!(arm.arm(&directories, &HashSet::new()).unwrap().is_empty());
        assert_eq!(armed(&arm), [root.path()]);
    }

    #[test]
    fn a_lost_directory_is_armed_anew_under_the_same_name() {
        let root = tempfile::tempdir().unwrap();
        let directories = BTreeSet::from([root.path().to_owned()]);
        let mut arm = arm();
        arm.arm(&directories, &HashSet::new()).unwrap();
        let lost = HashSet::from([root.path().to_owned()]);
        assert_eq!(arm.arm(&directories, &lost).unwrap(), [root.path()]);
    }

    #[cfg(unix)]
    #[test]
    fn another_directory_under_the_same_name_is_armed() {
        let root = tempfile::tempdir().unwrap();
        let [watched, aside] = ["watched", "aside"].map(|name| root.path().join(name));
        fs::create_dir(&watched).unwrap();
        let directories = BTreeSet::from([watched.clone()]);
        let mut arm = arm();
        arm.arm(&directories, &HashSet::new()).unwrap();
        fs::rename(&watched, &aside).unwrap();
        fs::create_dir(&watched).unwrap();
        assert_eq!(arm.arm(&directories, &HashSet::new()).unwrap(), [watched]);
    }

    #[test]
    fn a_file_in_the_place_of_a_directory_is_no_directory() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("target");
        fs::write(&file, "").unwrap();
        assert_eq!(nearest(&file.join("debug")).unwrap().0, root.path());
    }
}
