//! Where words go: the terminal while it is free, the log always.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

use crate::error::Error;

/// Where words go.
#[derive(Debug)]
pub(crate) struct Reporter {
    path: PathBuf,
    log: File,
    start: Instant,
}

impl Reporter {
    /// Begins the log in `directory`; where another session writes one, this one has its own.
    ///
    /// # Errors
    ///
    /// The log could not be made.
    pub(crate) fn start(directory: &Path) -> Result<Reporter, Error> {
        let path = directory.join("run.log");
        let own = || directory.join(format!("run-{}.log", std::process::id()));
        let (path, log) = match open(&path)? {
            Some(log) => (path, Some(log)),
            None => (own(), open(&own())?),
        };
        let taken = || Error::File {
            what: "the log",
            verb: "made",
            path: path.clone(),
            source: io::ErrorKind::AlreadyExists.into(),
        };
        let log = log.ok_or_else(taken)?;
        Ok(Reporter { path, log, start: Instant::now() })
    }

    /// Begins the log anew if it was removed.
    ///
    /// # Errors
    ///
    /// The log could not be made.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        if !self.path.exists()
            && let Some(log) = open(&self.path)?
        {
            self.log = log;
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes to the log.
    pub(crate) fn note(&mut self, text: &str) {
        let since = self.start.elapsed().as_secs_f64();
        let mut lines = String::new();
        for (index, line) in strip_str(text).to_string().lines().enumerate() {
            if index == 0 {
                lines.push_str(&format!("[{since:10.3}] {line}\n"));
            } else {
                lines.push_str(&format!("{:13}{line}\n", ""));
            }
        }
        // A full disk must not end the program; the terminal has the same words.
        let _ = self.log.write_all(lines.as_bytes());
    }
}

/// Makes a log, and holds it as long as it is open; `None` when somebody else does.
fn open(path: &Path) -> Result<Option<File>, Error> {
    let open = || {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let log = OpenOptions::new().create(true).write(true).truncate(false).open(path)?;
        match log.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            // Where there are no locks, two logs in one are better than none.
            Err(TryLockError::Error(_)) | Ok(()) => log.set_len(0)?,
        }
        Ok(Some(log))
    };
    open().map_err(|source| Error::File {
        what: "the log",
        verb: "made",
        path: path.to_owned(),
        source,
    })
}

/// Writes to the terminal.
pub(crate) fn print(text: &str) {
    let mut stream = AutoStream::auto(io::stderr());
    // Who closed it does not want to hear it.
    let _ = writeln!(stream, "{}", text.trim_end_matches('\n'));
}

/// Whether the terminal wants colors.
pub(crate) fn wants_color() -> bool {
    io::stderr().is_terminal() && AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_sessions_write_one_log() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = Reporter::start(directory.path()).unwrap();
        let mut second = Reporter::start(directory.path()).unwrap();
        assert_ne!(first.path(), second.path());
        first.note("one");
        second.note("two");
        assert!(fs::read_to_string(first.path()).unwrap().contains("] one\n"));
        fs::remove_file(second.path()).unwrap();
        second.reopen().unwrap();
        second.note("three");
        assert!(fs::read_to_string(second.path()).unwrap().contains("] three\n"));
        drop(first);
        let again = Reporter::start(directory.path()).unwrap();
        assert_eq!(fs::read_to_string(again.path()).unwrap(), "", "a session begins a new one");
    }
}
