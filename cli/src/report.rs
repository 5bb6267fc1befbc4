//! Where words go: the terminal while it is free, the log always.

use std::fs::{self, File, OpenOptions};
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
    /// Begins the log in `directory`; `alone` says that no other session writes there.
    ///
    /// # Errors
    ///
    /// The log could not be made.
    pub(crate) fn start(directory: &Path, alone: bool) -> Result<Reporter, Error> {
        let name =
            if alone { "run.log".to_owned() } else { format!("run-{}.log", std::process::id()) };
        let path = directory.join(name);
        let log = open(&path)?;
        Ok(Reporter { path, log, start: Instant::now() })
    }

    /// Begins the log anew if it was removed.
    ///
    /// # Errors
    ///
    /// The log could not be made.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        if !self.path.exists() {
            self.log = open(&self.path)?;
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

fn open(path: &Path) -> Result<File, Error> {
    let open = || {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        OpenOptions::new().create(true).write(true).truncate(true).open(path)
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
