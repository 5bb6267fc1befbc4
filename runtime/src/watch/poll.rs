//! Finds changes by asking for them: the whole method where the system tells nothing, and the
//! backstop where it tells almost everything (a write through another name, a network mount).

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Touch;
use crate::file::FileIdentity;

/// The files that are asked for, with what was last seen of each.
#[derive(Default)]
pub(super) struct Poll {
    seen: HashMap<PathBuf, Option<FileIdentity>>,
}

impl Poll {
    /// Replaces the files. Those that are new are seen as they are now, with no change to tell.
    pub(super) fn set_paths<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) {
        let mut before = std::mem::take(&mut self.seen);
        for path in paths {
            let seen = before.remove(path).unwrap_or_else(|| identity(path));
            self.seen.insert(path.to_owned(), seen);
        }
    }

    /// Asks once for every file and tells those that changed since the last time.
    pub(super) fn changes(&mut self) -> Vec<(PathBuf, Touch)> {
        let mut changes = Vec::new();
        for (path, seen) in &mut self.seen {
            let now = identity(path);
            if now != *seen {
                let touch = if now.is_some() { Touch::Changed } else { Touch::Removed };
                changes.push((path.clone(), touch));
                *seen = now;
            }
        }
        changes
    }
}

fn identity(path: &Path) -> Option<FileIdentity> {
    fs::metadata(path).ok().map(|metadata| FileIdentity::of(&metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut poll = Poll::default();
        poll.set_paths([path.as_path()].into_iter());
        assert_eq!(poll.changes(), []);

        fs::write(&path, "1").unwrap();
        assert_eq!(poll.changes(), [(path.clone(), Touch::Changed)]);
        assert_eq!(poll.changes(), []);

        fs::write(&path, "12").unwrap();
        poll.set_paths([path.as_path()].into_iter());
        assert_eq!(poll.changes(), [(path.clone(), Touch::Changed)], "known files keep their past");

        fs::remove_file(&path).unwrap();
        assert_eq!(poll.changes(), [(path.clone(), Touch::Removed)]);
        assert_eq!(poll.changes(), []);
    }

    #[cfg(unix)]
    #[test]
    fn a_write_through_another_name_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let [path, other] = ["file", "other"].map(|name| dir.path().join(name));
        fs::write(&path, "1").unwrap();
        fs::hard_link(&path, &other).unwrap();
        let mut poll = Poll::default();
        poll.set_paths([path.as_path()].into_iter());
        fs::write(&other, "12").unwrap();
        assert_eq!(poll.changes(), [(path, Touch::Changed)]);
    }
}
