//! A running program: what it is asked, what it answers, and how it ends.
//!
//! The program reads commands from its standard input, a line each, words separated by tabs, and answers on its standard
//! output: the byte 1, `ok` or another word, a space, and text. Everything else that it prints there is passed over.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use super::{DEADLINE, wait_until};
use crate::error::Error;

/// A program in a process of its own; killed if the test ends before it does.
///
/// Where the test panics meanwhile, the end of the program's standard error is printed.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
    stderr: PathBuf,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    With(i32),
    /// By this signal.
    BySignal(i32),
}

impl Process {
    /// Starts a program whose standard error goes to a file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it cannot be started.
    pub fn spawn(mut command: Command, stderr: impl Into<PathBuf>) -> Result<Self, Error> {
        let stderr = stderr.into();
        let program = PathBuf::from(command.get_program());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::create(&stderr).map_err(Error::file("create", &stderr))?);
        let mut child = command.spawn().map_err(Error::file("start", &program))?;
        let (sender, answers) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                let lines = BufReader::new(output).lines().map_while(Result::ok);
                let mut marked =
                    lines.filter_map(|line| line.strip_prefix('\x01').map(str::to_owned));
                while marked.next().is_some_and(|answer| sender.send(answer).is_ok()) {}
            });
        }
        Ok(Self { input: child.stdin.take(), child, answers, stderr })
    }

    /// The process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a command without waiting for its answer.
    pub fn send(&mut self, words: &[&str]) {
        if let Some(input) = self.input.as_mut() {
            // A program that has ended is found out by the missing answer.
            let _ = writeln!(input, "{}", words.join("\t"));
        }
    }

    /// The answer to a command, which may be that it failed.
    ///
    /// # Panics
    ///
    /// If the program does not answer: at the deadline, or when it ends.
    #[track_caller]
    pub fn try_ask(&mut self, words: &[&str]) -> Result<String, String> {
        self.send(words);
        self.answer(words)
    }

    /// The answer to the command `words`, which was sent before.
    ///
    /// # Panics
    ///
    /// If the program does not answer: at the deadline, or when it ends.
    #[track_caller]
    pub fn answer(&mut self, words: &[&str]) -> Result<String, String> {
        match self.answers.recv_timeout(DEADLINE) {
            Ok(answer) => match answer.split_once(' ') {
                Some(("ok", text)) => Ok(text.to_owned()),
                Some((_, text)) => Err(text.to_owned()),
                None => panic!("{words:?} was answered by {answer:?}"),
            },
            Err(RecvTimeoutError::Timeout) => panic!("{words:?} was not answered"),
            Err(RecvTimeoutError::Disconnected) => {
                let ended = self.child.wait().map(Ended::of);
                panic!("the program ended with {ended:?} when it was asked {words:?}")
            }
        }
    }

    /// The answer to a command that does not fail.
    ///
    /// # Panics
    ///
    /// If it fails, or the program does not answer.
    #[track_caller]
    pub fn ask(&mut self, words: &[&str]) -> String {
        self.try_ask(words).unwrap_or_else(|error| panic!("{words:?} failed: {error}"))
    }

    /// Closes the program's input and waits until it has ended.
    ///
    /// # Panics
    ///
    /// At the deadline.
    #[track_caller]
    pub fn wait(&mut self) -> Ended {
        drop(self.input.take());
        let mut status = None;
        wait_until("the program ends", || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        status.map_or(Ended::With(-1), Ended::of)
    }

    /// Ends the program as `kill -9` does.
    ///
    /// # Panics
    ///
    /// If it does not end.
    #[track_caller]
    pub fn kill(mut self) -> Ended {
        // It may have ended by itself, which is what `wait` tells then.
        let _ = self.child.kill();
        self.wait()
    }

    /// What the program wrote to its standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&read(&self.stderr)).into_owned()
    }
}

impl Ended {
    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::With(code),
            (None, signal) => Self::BySignal(signal.unwrap_or_default()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has mostly ended by now, and then neither has anything to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let stderr = self.stderr();
            let lines: Vec<&str> = stderr.lines().collect();
            let last = lines[lines.len().saturating_sub(60)..].join("\n");
            // Through the handle of the test harness, which shows it with the test that fails.
            eprintln!("--- the end of the program's standard error ---\n{last}\n---");
        }
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}
