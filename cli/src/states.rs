//! Where the program's named states are while it is started anew.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use liveswap::STATE_DIR;

use crate::error::Error;
use crate::server::private_directory;

const LOCK: &str = "lock";

/// The directory of this session's states. Nobody else's session uses it meanwhile.
#[derive(Debug)]
pub(crate) struct States {
    directory: PathBuf,
    /// Keeps other sessions out; `None` where whoever started this one chose the directory.
    lock: Option<File>,
    /// Whether it is to be removed, because another session has the directory of the host.
    is_spare: bool,
}

impl States {
    /// Takes the directory for the program `host` under this tool's own directory, and empties it unless its states are to
    /// be kept.
    ///
    /// Where the environment names a directory, that is taken as it is.
    ///
    /// # Errors
    ///
    /// The directory could not be made or emptied.
    pub(crate) fn claim(own: &Path, host: &str, keep: bool) -> Result<States, Error> {
        let given = std::env::var_os(STATE_DIR).filter(|given| !given.is_empty());
        if let Some(directory) = given.map(PathBuf::from) {
            return Ok(States { directory, lock: None, is_spare: false });
        }
        let all = own.join("states");
        let states = match States::lock(all.join(host), false)? {
            Some(states) => states,
            None => {
                let spare = all.join(format!("{host}-{}", std::process::id()));
                States::lock(spare.clone(), true)?
                    .ok_or_else(|| failed(&spare, "locked", io::ErrorKind::WouldBlock.into()))?
            }
        };
        if !keep {
            states.forget()?;
        }
        Ok(states)
    }

    fn lock(directory: PathBuf, is_spare: bool) -> Result<Option<States>, Error> {
        private_directory(&directory)?;
        let path = directory.join(LOCK);
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|source| failed(&path, "opened", source))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(States { directory, lock: Some(file), is_spare })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(&path, "locked", source)),
        }
    }

    /// Removes what was saved; what was moved aside because it could not be read stays.
    fn forget(&self) -> Result<(), Error> {
        for path in self.saved() {
            fs::remove_file(&path).map_err(|source| failed(&path, "removed", source))?;
        }
        Ok(())
    }

    /// The files with saved states.
    fn saved(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let is_state = |path: &PathBuf| path.extension() == Some(OsStr::new("state"));
        files.map(|file| file.path()).filter(is_state).collect()
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether states were saved there.
    pub(crate) fn has_any(&self) -> bool {
        !self.saved().is_empty()
    }

    /// Whether another session has the states of this host, so that these are of this session only.
    pub(crate) fn is_spare(&self) -> bool {
        self.is_spare
    }

    /// Whether the directory was removed with everything in it, as `cargo clean` does.
    pub(crate) fn is_gone(&self) -> bool {
        self.lock.is_some() && !self.directory.join(LOCK).exists()
    }
}

impl Drop for States {
    fn drop(&mut self) {
        if self.is_spare {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

fn failed(path: &Path, verb: &'static str, source: io::Error) -> Error {
    Error::File { what: "the program's states", verb, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_begins_anew_unless_it_is_asked_to_keep_states() {
        let own = tempfile::tempdir().unwrap();
        let first = States::claim(own.path(), "game", false).unwrap();
        let (state, aside) = ("world.state", "world.state.unreadable-1");
        for name in [state, aside] {
            fs::write(first.directory().join(name), name).unwrap();
        }
        assert!(first.has_any() && !first.is_spare() && !first.is_gone());
        drop(first);
        let second = States::claim(own.path(), "game", true).unwrap();
        assert!(second.directory().join(state).exists());
        drop(second);
        let third = States::claim(own.path(), "game", false).unwrap();
        assert!(!third.has_any());
        assert!(third.directory().join(aside).exists(), "what could not be read is not lost");
        fs::remove_dir_all(own.path().join("states")).unwrap();
        assert!(third.is_gone());
    }

    #[test]
    fn two_sessions_of_one_program_do_not_share_states() {
        let own = tempfile::tempdir().unwrap();
        let first = States::claim(own.path(), "game", false).unwrap();
        fs::write(first.directory().join("world.state"), "precious").unwrap();
        let second = States::claim(own.path(), "game", false).unwrap();
        assert!(second.is_spare() && !second.has_any() && first.has_any());
        let other = States::claim(own.path(), "other", false).unwrap();
        assert!(!other.is_spare());
        let spare = second.directory().to_owned();
        drop(second);
        assert!(!spare.exists() && first.has_any());
    }
}
