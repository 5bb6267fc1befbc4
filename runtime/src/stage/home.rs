//! The directory of one process under `liveswap/stages`, and the burial of those of dead ones.
//!
//! Every process holds a lock on the file `lock` in its own directory for as long as it lives; the
//! system lets go of it however the process ends. Making a directory and removing dead ones both
//! happen under a lock on `stages/lock`, so a directory without a locked file is never one that is
//! just being made.
//!
//! Before anything in `stages` is opened, it and every directory above it are judged: nobody else may be able to put
//! something in it, or something else in its place.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;
use crate::event::Difference;
use crate::file::{self, OpenFailure};
use crate::trust::{Failure, Judge};

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
    pub(super) fn create(target: &Path, judge: &Judge) -> Result<Self, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::StageDirectory { path, source }
        };
        // The loader, and whoever reads its list, wants names that do not depend on where it is.
        let target = std::path::absolute(target).map_err(failed(target))?;
        let stages = target.join("liveswap").join("stages");
        make_entrance(&stages, judge)?;
        let entrance = stages.join(LOCK);
        let guard = lock_file(&entrance).map_err(failed(&entrance))?;
        // Without locks, as on some network file systems, the dead cannot be told from the living,
        // so theirs stay. That is no reason not to run.
        let removed_at_start = if lock(&guard) { remove_dead(&stages) } else { 0 };
        let path = make_directory(&stages).map_err(failed(&stages))?;
        judge.private(&path).map_err(|failure| {
            let _ = fs::remove_dir(&path);
            judged(&path, failure)
        })?;
        let own = path.join(LOCK);
        let own_lock = lock_file(&own).map_err(|source| {
            let _ = fs::remove_dir_all(&path);
            failed(&own)(source)
        })?;
        lock(&own_lock);
        Ok(Home { path, removed_at_start, lock: Mutex::new(own_lock) })
    }

    /// Makes the directory again if it was removed, as by `cargo clean` with the target directory around it.
    pub(super) fn restore(&self, judge: &Judge) -> Result<(), Error> {
        let own = self.path.join(LOCK);
        if own.is_file() {
            return Ok(());
        }
        let stages = self.path.parent().unwrap_or(&self.path);
        make_entrance(stages, judge)?;
        let restore = || {
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
        restore().map_err(|source| Error::StageDirectory { path: self.path.clone(), source })?;
        judge.private(&self.path).map_err(|failure| judged(&self.path, failure))
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

/// Makes the directory of all processes, if it is not there, and sees to it that it is what it should be.
fn make_entrance(stages: &Path, judge: &Judge) -> Result<(), Error> {
    let failed = |source| Error::StageDirectory { path: stages.to_owned(), source };
    if let Ok(metadata) = fs::symlink_metadata(stages)
        && let Some(found) = file::other_kind(metadata.file_type())
        && !metadata.is_dir()
    {
        return Err(untrusted(Difference {
            item: format!("directory of the stages `{}`", stages.display()),
            expected: "a directory".to_owned(),
            found: found.to_owned(),
            remedy: "remove it, or choose another place with `stage_dir`".to_owned(),
        }));
    }
    // Whatever the umask of the program, others are not let in.
    open_to_readers().create(stages).map_err(failed)?;
    judge.directory(stages).map_err(|failure| judged(stages, failure))
}

fn judged(path: &Path, failure: Failure) -> Error {
    match failure {
        Failure::Untrusted(mut difference) => {
            difference.remedy.push_str(", or choose another place with `stage_dir`");
            untrusted(difference)
        }
        Failure::Open(OpenFailure::Io(source)) => {
            Error::StageDirectory { path: path.to_owned(), source }
        }
        Failure::Open(failure @ OpenFailure::NotAFile(_)) => {
            Error::StageDirectory { path: path.to_owned(), source: failure.into() }
        }
    }
}

fn untrusted(difference: Difference) -> Error {
    Error::Untrusted { difference: Box::new(difference) }
}

/// Makes directories, and those above them, in which only this user can write.
fn open_to_readers() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o755);
    }
    builder
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
    use crate::trust::Trust;

    fn judge() -> Judge {
        Judge::new(Trust::Owned)
    }

    #[test]
    fn the_directory_of_a_living_process_stays_and_goes_with_it() {
        let target = tempfile::tempdir().unwrap();
        let first = Home::create(target.path(), &judge()).unwrap();
        let second = Home::create(target.path(), &judge()).unwrap();
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

        let home = Home::create(target.path(), &judge()).unwrap();
        assert_eq!(home.removed_at_start(), 2);
        assert!(!killed.exists() && !unborn.exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let target = tempfile::tempdir().unwrap();
        let home = Home::create(target.path(), &judge()).unwrap();
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
        assert_eq!(Home::create(target.path(), &judge()).unwrap().removed_at_start(), 0);
        assert!(elsewhere.path().join("precious").exists());
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let target = tempfile::tempdir().unwrap();
        fs::write(target.path().join("liveswap"), "").unwrap();
        let error = Home::create(target.path(), &judge()).unwrap_err();
        assert!(error.to_string().contains("liveswap"), "{error}");
        assert!(error.to_string().contains("remove what stands in its place"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_others_could_have_put_there_is_refused_and_left_alone() {
        use std::os::unix::fs::{PermissionsExt, chown, symlink};
        let target = tempfile::tempdir().unwrap();
        let stages = target.path().join("liveswap/stages");
        let refused = || match Home::create(target.path(), &judge()) {
            Err(error @ Error::Untrusted { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        };
        let elsewhere = tempfile::tempdir().unwrap();
        fs::create_dir(target.path().join("liveswap")).unwrap();
        symlink(elsewhere.path(), &stages).unwrap();
        assert_eq!(
            refused(),
            format!(
                "stage: directory of the stages `{}`: a directory -> a symbolic link; remove it, or choose another place \
                 with `stage_dir`",
                stages.display()
            )
        );
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);

        fs::remove_file(&stages).unwrap();
        fs::create_dir(&stages).unwrap();
        fs::set_permissions(&stages, fs::Permissions::from_mode(0o777)).unwrap();
        let why = refused();
        assert!(why.starts_with("stage: permissions of the directory `"), "{why}");
        assert!(why.ends_with(", or choose another place with `stage_dir`"), "{why}");
        assert_eq!(fs::read_dir(&stages).unwrap().count(), 0, "not even a lock");

        fs::set_permissions(&stages, fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(refused().contains("mode 1777: everybody may"), "others can add names");

        fs::set_permissions(&stages, fs::Permissions::from_mode(0o755)).unwrap();
        // Only root can give files away.
        if chown(&stages, Some(4242), None).is_ok() {
            let why = refused();
            assert!(why.starts_with("stage: owner of the directory `"), "{why}");
            chown(&stages, Some(0), None).unwrap();
        }
        assert!(Home::create(target.path(), &judge()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_home_that_others_came_near_while_it_was_away_is_not_made_again() {
        use std::os::unix::fs::PermissionsExt;
        let target = tempfile::tempdir().unwrap();
        let home = Home::create(target.path(), &judge()).unwrap();
        let liveswap = target.path().join("liveswap");
        fs::remove_dir_all(&liveswap).unwrap();
        fs::create_dir(&liveswap).unwrap();
        fs::set_permissions(&liveswap, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(home.restore(&judge()), Err(Error::Untrusted { .. })));
        fs::set_permissions(&liveswap, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(home.restore(&judge()).is_ok());
    }
}
