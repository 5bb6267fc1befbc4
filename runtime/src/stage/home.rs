//! The directory of one process under `liveswap/stages`, and the burial of those of dead ones.
//!
//! Every process holds a lock on the file `lock` in its own directory for as long as it lives; the
//! system lets go of it however the process ends. Making a directory and removing dead ones both
//! happen under a lock on `stages/lock`, so a directory without a locked file is never one that is
//! just being made.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;

const LOCK: &str = "lock";

/// The directory of this process. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    removed_at_start: usize,
    /// Held for as long as the directory is in use.
    lock: Mutex<File>,
}

impl Home {
    /// Makes the directory under `target`, after having removed those of the dead.
    pub(super) fn create(target: &Path) -> Result<Self, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::StageDirectory { path, source }
        };
        // The loader, and whoever reads its list, wants names that do not depend on where it is.
        let target = std::path::absolute(target).map_err(failed(target))?;
        let stages = target.join("liveswap").join("stages");
        fs::create_dir_all(&stages).map_err(failed(&stages))?;
        let entrance = stages.join(LOCK);
        let guard = lock_file(&entrance).map_err(failed(&entrance))?;
        // Without locks, as on some network file systems, the dead cannot be told from the living,
        // so theirs stay. That is no reason not to run.
        let removed_at_start = if lock(&guard) { remove_dead(&stages) } else { 0 };
        let path = make_directory(&stages).map_err(failed(&stages))?;
        let own = path.join(LOCK);
        let own_lock = lock_file(&own).map_err(|source| {
            let _ = fs::remove_dir_all(&path);
            failed(&own)(source)
        })?;
        lock(&own_lock);
        Ok(Home { path, removed_at_start, lock: Mutex::new(own_lock) })
    }

    /// Makes the directory again if it was removed, as by `cargo clean` with the target directory around it.
    pub(super) fn restore(&self) -> Result<(), Error> {
        let own = self.path.join(LOCK);
        if own.is_file() {
            return Ok(());
        }
        let restore = || {
            let stages = self.path.parent().unwrap_or(&self.path);
            fs::create_dir_all(stages)?;
            // As at the start: nobody is to take a directory without a locked file for a dead one's.
            let guard = lock_file(&stages.join(LOCK))?;
            lock(&guard);
            match private().create(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            let own_lock = lock_file(&own)?;
            lock(&own_lock);
            *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = own_lock;
            Ok(())
        };
        restore().map_err(|source| Error::StageDirectory { path: self.path.clone(), source })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn removed_at_start(&self) -> usize {
        self.removed_at_start
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next process that starts.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Waits for the lock; whether it could be had.
fn lock(file: &File) -> bool {
    loop {
        match file.lock() {
            Ok(()) => return true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::debug!(%error, "files cannot be locked here, dead stages stay");
                return false;
            }
        }
    }
}

/// Makes directories for this user alone.
fn private() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is no mode to set"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder
}

/// Makes a directory that no process has had, for this user alone.
fn make_directory(stages: &Path) -> io::Result<PathBuf> {
    let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let builder = private();
    let mut token = start;
    loop {
        let path = stages.join(format!("{}-{token:x}", std::process::id()));
        match builder.create(&path) {
            Ok(()) => return Ok(path),
            // A clock that was set back, or another runtime of this process in the same tick.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => token += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Removes the directories whose lock nobody holds; the caller holds that of `stages`.
fn remove_dead(stages: &Path) -> usize {
    let Ok(entries) = fs::read_dir(stages) else { return 0 };
    let dead = entries.flatten().filter(|entry| {
        // A symbolic link is nobody's home, and what it points to is none of our business.
        entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_dead(&entry.path())
    });
    dead.filter(|entry| match fs::remove_dir_all(entry.path()) {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(path = %entry.path().display(), %error, "a dead stage stays");
            false
        }
    })
    .count()
}

fn is_dead(home: &Path) -> bool {
    match OpenOptions::new().read(true).write(true).open(home.join(LOCK)) {
        Ok(lock) => match lock.try_lock() {
            Ok(()) => true,
            // Where locks do not work at all, nobody can be told to be dead.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_a_living_process_stays_and_goes_with_it() {
        let target = tempfile::tempdir().unwrap();
        let first = Home::create(target.path()).unwrap();
        let second = Home::create(target.path()).unwrap();
        assert_ne!(first.path(), second.path());
        assert_eq!(second.removed_at_start(), 0);
        let path = first.path().to_owned();
        assert!(path.is_dir());
        drop(first);
        assert!(!path.exists());
        assert!(second.path().is_dir());
    }

    #[test]
    fn directories_of_the_dead_are_removed_whatever_their_number() {
        let target = tempfile::tempdir().unwrap();
        let stages = target.path().join("liveswap/stages");
        // As a killed process leaves it; its number is that of a living one by now.
        let killed = stages.join(format!("{}-1", std::process::id()));
        fs::create_dir_all(&killed).unwrap();
        fs::write(killed.join(LOCK), "").unwrap();
        fs::write(killed.join("game-gen1-00000000.so"), "old").unwrap();
        // As it leaves it when it is killed before it has its lock.
        let unborn = stages.join("2-2");
        fs::create_dir(&unborn).unwrap();

        let home = Home::create(target.path()).unwrap();
        assert_eq!(home.removed_at_start(), 2);
        assert!(!killed.exists() && !unborn.exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let target = tempfile::tempdir().unwrap();
        let home = Home::create(target.path()).unwrap();
        let mode = fs::metadata(home.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_among_the_directories_is_left_alone() {
        let target = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("precious"), "").unwrap();
        let stages = target.path().join("liveswap/stages");
        fs::create_dir_all(&stages).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), stages.join("1-1")).unwrap();
        assert_eq!(Home::create(target.path()).unwrap().removed_at_start(), 0);
        assert!(elsewhere.path().join("precious").exists());
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let target = tempfile::tempdir().unwrap();
        fs::write(target.path().join("liveswap"), "").unwrap();
        let error = Home::create(target.path()).unwrap_err();
        assert!(error.to_string().contains("liveswap"), "{error}");
        assert!(error.to_string().contains("remove what stands in its place"), "{error}");
    }
}
