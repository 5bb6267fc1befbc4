//! Processes that the bench starts, each with everything that it starts itself: none outlives its handle.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use process_wrap::std::{ChildWrapper, CommandWrap};

use crate::edit_to_live::stop;
use crate::error::Error;

/// Building everything for the first time takes long on a busy machine; nothing else comes near it.
pub(crate) const BUILT_WITHIN: Duration = Duration::from_secs(900);

/// An edit that has not arrived by then does not arrive.
pub(crate) const EDITED_WITHIN: Duration = Duration::from_secs(30);

/// How long a child may take to end its own children when it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of its last words an error shows.
const LAST_WORDS: usize = 30;

/// How long a look at a child may come late; a hundredth of the shortest build.
const BETWEEN_LOOKS: Duration = Duration::from_micros(500);

/// A process and its group.
pub(crate) struct Child {
    name: &'static str,
    process: Box<dyn ChildWrapper>,
    ended: Option<ExitStatus>,
    lines: Receiver<String>,
    words: VecDeque<String>,
}

impl Child {
    /// Starts a command as the leader of a group of its own, with nothing to read and no terminal to write to.
    pub(crate) fn start(name: &'static str, mut command: Command) -> Result<Child, Error> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);
        let mut process = command.spawn().map_err(|source| Error::Start { name, source })?;
        let (sender, lines) = channel();
        let pipes = (process.stdout().take(), process.stderr().take());
        let mut child = Child { name, process, ended: None, lines, words: VecDeque::new() };
        // From here on the child dies with its handle, whatever fails.
        let readers =
            (pipes.0.map(|pipe| read(pipe, &sender)), pipes.1.map(|it| read(it, &sender)));
        for reader in [readers.0, readers.1].into_iter().flatten() {
            reader.map_err(Error::Thread)?;
        }
        child.hear();
        Ok(child)
    }

    /// Waits until it ends well; how long that took since `start`.
    pub(crate) fn finish(mut self, start: Instant, within: Duration) -> Result<Duration, Error> {
        loop {
            let ended = self.has_ended()?;
            let took = start.elapsed();
            match ended {
                Some(status) if status.success() => return Ok(took),
                Some(_) => return Err(self.died()),
                None => stop::check(self.name, "end of its work", start, within)?,
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Waits for a line that `pick` takes.
    pub(crate) fn line<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut pick: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let start = Instant::now();
        loop {
            match self.lines.recv_timeout(stop::BETWEEN_CHECKS) {
                Ok(line) => {
                    let picked = pick(&line);
                    self.keep(line);
                    if let Some(picked) = picked {
                        return Ok(picked);
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.must_run()?,
                Err(RecvTimeoutError::Disconnected) => return Err(self.died()),
            }
            stop::check(self.name, what, start, within)?;
        }
    }

    /// An error if it has ended.
    pub(crate) fn must_run(&mut self) -> Result<(), Error> {
        self.hear();
        match self.has_ended()? {
            None => Ok(()),
            Some(_) => Err(self.died()),
        }
    }

    /// Takes in what it has said.
    pub(crate) fn hear(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.keep(line);
        }
    }

    /// Its last words.
    pub(crate) fn words(&mut self) -> String {
        self.hear();
        self.words.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    fn keep(&mut self, line: String) {
        if self.words.len() == LAST_WORDS {
            self.words.pop_front();
        }
        self.words.push_back(line);
    }

    fn has_ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        if self.ended.is_none() {
            let name = self.name;
            self.ended = self.process.try_wait().map_err(|source| Error::Start { name, source })?;
        }
        Ok(self.ended)
    }

    fn died(&mut self) -> Error {
        // Its pipes close before or soon after its end, and then it has said everything.
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(500)) {
            self.keep(line);
        }
        let status = self.ended.map_or_else(|| "no status".to_owned(), |it| it.to_string());
        Error::Ended { name: self.name, status, words: self.words() }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Asked first: `cargo liveswap` and `dx` have children in groups of their own to end.
            #[cfg(unix)]
            let asked = self.process.signal(signal_hook::consts::SIGTERM).is_ok();
            #[cfg(not(unix))]
            let asked = false;
            let deadline = Instant::now() + PATIENCE;
            while asked
                && Instant::now() < deadline
                && matches!(self.process.inner_mut().try_wait(), Ok(None))
            {
                thread::sleep(BETWEEN_LOOKS);
            }
        }
        // What is left of the group; an error means that nothing is.
        let _ = self.process.start_kill();
        let _ = self.process.wait();
    }
}

fn read(
    pipe: impl Read + Send + 'static,
    lines: &Sender<String>,
) -> std::io::Result<thread::JoinHandle<()>> {
    let lines = lines.clone();
    thread::Builder::new().name("bench-output".to_owned()).spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if lines.send(text).is_err() {
                return;
            }
            line.clear();
        }
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Child::start("sh", command).unwrap()
    }

    #[test]
    fn work_that_ends_well_is_timed_and_failures_bring_their_last_words() {
        let start = Instant::now();
        let took = shell("sleep 0.05").finish(start, EDITED_WITHIN).unwrap();
        assert!(took >= Duration::from_millis(50) && took <= start.elapsed());
        let failure = shell("echo one; echo two >&2; exit 3").finish(start, EDITED_WITHIN);
        let words = failure.unwrap_err().to_string();
        assert!(["one", "two", "3"].iter().all(|part| words.contains(part)), "{words}");
    }

    #[test]
    fn lines_are_waited_for() {
        let mut child = shell("echo first; echo value 7; exec sleep 600");
        let number = |line: &str| line.strip_prefix("value ")?.parse::<u32>().ok();
        assert_eq!(child.line("value", EDITED_WITHIN, number).unwrap(), 7);
        child.must_run().unwrap();
    }

    #[test]
    fn a_child_that_ends_early_is_an_error() {
        let mut child = shell("echo enough; exit 4");
        let never = child.line("value", EDITED_WITHIN, |_| None::<()>).unwrap_err();
        assert!(never.to_string().contains("enough"), "{never}");
    }

    #[test]
    fn what_a_child_started_goes_with_it() {
        let mut child = shell("trap '' TERM; sh -c 'echo $$; exec sleep 600' & wait");
        let grandchild =
            child.line("number", EDITED_WITHIN, |line| line.parse::<u32>().ok()).unwrap();
        // It does not listen, so it is ended the other way.
        let start = Instant::now();
        drop(child);
        assert!(start.elapsed() < Duration::from_secs(60));
        let gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{grandchild}/stat"));
            // A killed orphan stays as a zombie until its new parent collects it.
            stat.map_or(true, |stat| {
                stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z"))
            })
        };
        let deadline = Instant::now() + EDITED_WITHIN;
        while !gone() {
            assert!(Instant::now() < deadline, "process {grandchild} is still there");
            thread::yield_now();
        }
    }
}
