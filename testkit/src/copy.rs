//! A private copy of a workspace, and how it is made to be like the original again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::Error;

/// What version control and others keep beside sources.
const NOT_SOURCES: &[&str] = &[".git", ".hg", ".jj", ".svn", "node_modules"];

/// What tells that a directory is one that tools fill, cargo's target directories above all; they can be marked or not.
const OF_TARGET: &[&str] = &["CACHEDIR.TAG", ".rustc_info.json", ".fingerprint"];

/// Files larger than this are no sources: they are linked where they can be.
const LARGE: u64 = 1 << 20;

/// How a copy differs from its original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// Files are as old as their originals: what cargo compiled of those is fresh for these.
    AsOriginal,
    /// Files are new: what cargo compiled of the copy before is not fresh.
    Now,
}

/// The original and what of it is left out.
#[derive(Debug, Clone)]
pub(crate) struct Original {
    pub root: PathBuf,
    /// The target directory, wherever it is.
    pub target: PathBuf,
    /// Whether the copy is inside: cargo then finds the original's configuration by itself, and would take a second one
    /// for more of the same.
    pub around_copy: bool,
}

impl Original {
    /// Makes `copy` the same as the original; files that are the same already are left alone.
    pub(crate) fn copy_to(&self, copy: &Path, times: Times) -> Result<(), Error> {
        self.directory(Path::new(""), copy, times)
    }

    fn directory(&self, below: &Path, copy: &Path, times: Times) -> Result<(), Error> {
        let from = self.root.join(below);
        let to = copy.join(below);
        let entries = match fs::read_dir(&from) {
            Ok(entries) => entries,
            // Whoever works in the checkout removes things, too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return remove(&to),
            Err(error) => return Err(Error::file("read", &from)(error)),
        };
        fs::create_dir_all(&to).map_err(Error::file("create", &to))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::file("read", &from))?;
            let path = entry.path();
            if self.is_left_out(below, &path) {
                continue;
            }
            names.push(entry.file_name());
            let target = to.join(entry.file_name());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if target.is_file() {
                    fs::remove_file(&target).map_err(Error::file("remove", &target))?;
                }
                self.directory(&below.join(entry.file_name()), copy, times)?;
            } else if path.is_file() {
                file(&path, &target, times)?;
            }
        }
        for entry in fs::read_dir(&to).map_err(Error::file("read", &to))?.flatten() {
            if !names.contains(&entry.file_name()) {
                remove(&entry.path())?;
            }
        }
        if times == Times::AsOriginal
            && let Ok(modified) = fs::metadata(&from).and_then(|it| it.modified())
        {
            // Build scripts may watch directories. Where their time cannot be set, the scripts run once more.
            let _ = File::open(&to).and_then(|directory| directory.set_modified(modified));
        }
        Ok(())
    }

    fn is_left_out(&self, below: &Path, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default();
        let is = |other: &&str| name == *other;
        let is_root = below.as_os_str().is_empty();
        path == self.target
            || NOT_SOURCES.iter().any(is)
            || (is_root && self.around_copy && is(&".cargo"))
            || OF_TARGET.iter().any(|mark| path.join(mark).exists())
    }
}

/// Makes `to` the same as `from`, if it is not.
fn file(from: &Path, to: &Path, times: Times) -> Result<(), Error> {
    let metadata = match fs::metadata(from) {
        Ok(metadata) => metadata,
        // Editors write files under other names for a moment.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return remove(to),
        Err(error) => return Err(Error::file("look at", from)(error)),
    };
    let modified = metadata.modified().map_err(Error::file("look at", from))?;
    if is_same(from, to, metadata.len(), modified) {
        return Ok(());
    }
    remove(to)?;
    if metadata.len() > LARGE && fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    if let Err(error) = fs::copy(from, to) {
        return if error.kind() == io::ErrorKind::NotFound {
            remove(to)
        } else {
            Err(Error::file("copy", from)(error))
        };
    }
    let time = if times == Times::AsOriginal { modified } else { SystemTime::now() };
    File::options()
        .write(true)
        .open(to)
        .and_then(|file| file.set_modified(time))
        .or_else(|error| if metadata.permissions().readonly() { Ok(()) } else { Err(error) })
        .map_err(Error::file("date", to))
}

fn is_same(from: &Path, to: &Path, len: u64, modified: SystemTime) -> bool {
    let Ok(there) = fs::metadata(to) else { return false };
    if there.len() != len || !there.is_file() {
        return false;
    }
    let same_time = there.modified().is_ok_and(|it| it == modified);
    same_time || matches!((fs::read(from), fs::read(to)), (Ok(from), Ok(to)) if from == to)
}

/// Removes whatever is there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return Ok(()),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original(root: &Path) -> Original {
        Original { root: root.to_owned(), target: root.join("target"), around_copy: true }
    }

    #[test]
    fn a_copy_has_the_sources_and_their_times_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let (root, copy) = (directory.path().join("a"), directory.path().join("b"));
        for (path, text) in [
            ("Cargo.toml", "manifest"),
            ("src/lib.rs", "code"),
            ("src/deep/x.rs", "more"),
            (".cargo/config.toml", "found by cargo itself"),
            (".git/HEAD", "history"),
            ("target/debug/x", "built"),
            ("elsewhere/CACHEDIR.TAG", "built too"),
            ("unmarked/.rustc_info.json", "built too"),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("it has one")).expect("created");
            fs::write(path, text).expect("written");
        }
        original(&root).copy_to(&copy, Times::AsOriginal).expect("copied");
        for path in ["Cargo.toml", "src/lib.rs", "src/deep/x.rs"] {
            let time = |at: &Path| fs::metadata(at.join(path)).and_then(|it| it.modified());
            assert_eq!(time(&root).expect("there"), time(&copy).expect("copied"), "{path}");
        }
        for path in [".cargo", ".git", "target", "elsewhere", "unmarked"] {
            assert!(!copy.join(path).exists(), "{path}");
        }
    }

    #[test]
    fn what_was_edited_added_and_removed_is_as_before() {
        let directory = tempfile::tempdir().expect("a directory");
        let (root, copy) = (directory.path().join("a"), directory.path().join("b"));
        fs::create_dir_all(root.join("src")).expect("created");
        fs::write(root.join("src/lib.rs"), "code").expect("written");
        fs::write(root.join("src/other.rs"), "other").expect("written");
        original(&root).copy_to(&copy, Times::AsOriginal).expect("copied");
        let before = fs::metadata(copy.join("src/lib.rs")).and_then(|it| it.modified());
        fs::write(copy.join("src/lib.rs"), "edit").expect("written");
        fs::write(copy.join("src/new.rs"), "new").expect("written");
        fs::remove_file(copy.join("src/other.rs")).expect("removed");
        original(&root).copy_to(&copy, Times::Now).expect("copied");
        assert_eq!(fs::read_to_string(copy.join("src/lib.rs")).expect("there"), "code");
        assert!(copy.join("src/other.rs").is_file());
        assert!(!copy.join("src/new.rs").exists());
        let after = fs::metadata(copy.join("src/lib.rs")).and_then(|it| it.modified());
        assert!(after.expect("there") > before.expect("there"), "cargo sees that it changed");
    }
}
