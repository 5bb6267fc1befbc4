//! A running program: what it is asked, what it answers, and how it ends.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use super::workbench::{Program, directories};
use super::{DEADLINE, Version, wait_until};

/// A program in a process of its own; killed if the test ends before it does.
pub(crate) struct Host {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
    stages: PathBuf,
    stderr: PathBuf,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    With(i32),
    BySignal(i32),
}

impl Host {
    pub(super) fn spawn(program: Program) -> Host {
        let Program { mut command, stages, stderr } = program;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::create(&stderr).unwrap());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            let mut marked = lines.filter_map(|line| line.strip_prefix('\x01').map(str::to_owned));
            while marked.next().is_some_and(|answer| sender.send(answer).is_ok()) {}
        });
        Host { input: child.stdin.take(), child, answers, stages, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a command without waiting for its answer.
    pub(crate) fn send(&mut self, words: &[&str]) {
        let input = self.input.as_mut().expect("the program takes commands");
        // A program that has ended is found out by the missing answer.
        let _ = writeln!(input, "{}", words.join("\t"));
    }

    /// The answer to a command, which may be that it failed.
    #[track_caller]
    pub(crate) fn try_ask(&mut self, words: &[&str]) -> Result<String, String> {
        self.send(words);
        self.answer(words)
    }

    /// The answer to the command `words`, which was sent before.
    #[track_caller]
    pub(crate) fn answer(&mut self, words: &[&str]) -> Result<String, String> {
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
    #[track_caller]
    pub(crate) fn ask(&mut self, words: &[&str]) -> String {
        self.try_ask(words).unwrap_or_else(|error| panic!("{words:?} failed: {error}"))
    }

    /// Calls a hot function on the main thread; the result in words.
    #[track_caller]
    pub(crate) fn call(&mut self, words: &[&str]) -> String {
        self.ask(&[&["call"], words].concat())
    }

    /// Calls a hot function on a worker and waits for the result.
    #[track_caller]
    pub(crate) fn call_on(&mut self, worker: &str, words: &[&str]) -> String {
        self.ask(&[&["on", worker, "call"], words].concat())
    }

    /// Has a new worker begin a call that lasts until the signal of that name is opened.
    #[track_caller]
    pub(crate) fn begin_call(&mut self, worker: &str, words: &[&str]) {
        self.ask(&["worker", worker]);
        self.ask(&[&["begin", worker, "call"], words].concat());
    }

    /// Waits for an event that has all these parts; each event is found once.
    #[track_caller]
    pub(crate) fn event(&mut self, parts: &[&str]) -> String {
        self.ask(&[&["wait-event"], parts].concat())
    }

    /// How many events with these parts there were.
    #[track_caller]
    pub(crate) fn events(&mut self, parts: &[&str]) -> usize {
        self.ask(&[&["count-events"], parts].concat()).parse().unwrap()
    }

    /// Waits until `generation` was swapped in.
    #[track_caller]
    pub(crate) fn swapped(&mut self, generation: u64) -> String {
        self.event(&[&format!("swapped generation={generation} ")])
    }

    /// Waits until `generation` was unloaded.
    #[track_caller]
    pub(crate) fn unloaded(&mut self, generation: u64) {
        self.event(&[&format!("retired generation={generation} unloaded")]);
    }

    /// Asserts that calls go to this version, in more than one module.
    #[track_caller]
    pub(crate) fn runs(&mut self, version: u32) {
        assert_eq!(self.call(&["version"]), version.to_string());
        assert_eq!(self.call(&["depth"]), format!("deep::inner v{version}"));
    }

    /// The directories of this program's stages and of others that share its root.
    pub(crate) fn stage_directories(&self) -> Vec<PathBuf> {
        directories(&self.stages)
    }

    /// Ends the program as one does that returns from its main function, and asserts that nothing is left of it.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        self.send(&["return"]);
        assert_eq!(self.wait(), Ended::With(0));
        assert_eq!(self.stage_directories(), Vec::<PathBuf>::new(), "stages are left");
    }

    /// Waits until the program has ended.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Ended {
        drop(self.input.take());
        let mut status = None;
        wait_until("the program ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        Ended::of(status.unwrap())
    }

    /// Ends the program as `kill -9` does.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.wait()
    }

    /// What the program wrote to its standard error so far.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stderr).unwrap()).into_owned()
    }
}

impl Ended {
    fn of(status: ExitStatus) -> Ended {
        match (status.code(), status.signal()) {
            (Some(code), _) => Ended::With(code),
            (None, signal) => Ended::BySignal(signal.unwrap_or_default()),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It has mostly ended by now, and then neither has anything to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let stderr = self.stderr();
            let lines: Vec<&str> = stderr.lines().collect();
            let last = lines[lines.len().saturating_sub(60)..].join("\n");
            eprintln!("--- the end of the program's standard error ---\n{last}\n---");
        }
    }
}

/// Swaps `version` in as `generation`, and asserts that it is.
#[track_caller]
pub(crate) fn swap(
    bench: &super::Workbench,
    host: &mut Host,
    version: &Version,
    generation: u64,
) -> String {
    bench.install(version);
    host.swapped(generation)
}
