//! A child process that dies with its handle, and everything it started with it.
//!
//! Cargo starts compilers and compilers start linkers: stopping only the first leaves the others
//! working on files that the next build writes. So a child is always the leader of its own process
//! group (a job object on Windows), and it is the group that is killed.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use process_wrap::std::{ChildWrapper, CommandWrap};

/// The switch that stops a build: set once, by anyone, from any thread.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    /// The group that runs now. Taken out before it is waited for, so that a number that the
    /// system has given to another process is never signalled.
    running: Mutex<Option<Box<dyn ChildWrapper>>>,
}

impl Cancel {
    /// Stops the running process group, and every later one before it starts.
    pub fn cancel(&self) {
        // The flag is read under the lock by `run`: a child is either seen here or never started.
        let mut running = self.running();
        self.0.cancelled.store(true, Ordering::SeqCst);
        if let Some(child) = running.as_mut() {
            // An error means that the group has ended by itself.
            let _ = child.start_kill();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Runs a command to its end, handing out every line that it prints.
    ///
    /// `on_stdout` is called on a thread of its own when the command's standard output is wanted.
    /// Returns `None` when the build was cancelled before or while it ran.
    ///
    /// # Errors
    ///
    /// When the command cannot be started or its output cannot be read.
    pub fn run(
        &self,
        mut command: Command,
        on_stdout: Option<&mut (dyn FnMut(String) + Send)>,
        on_stderr: &mut dyn FnMut(String),
    ) -> io::Result<Option<ExitStatus>> {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        command.stdout(if on_stdout.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::std::JobObject);

        let guard = {
            let mut running = self.running();
            if self.is_cancelled() {
                return Ok(None);
            }
            *running = Some(command.spawn()?);
            Running { cancel: self }
        };
        let (stdout, stderr) = guard.pipes();
        thread::scope(|scope| {
            let reader = on_stdout.zip(stdout).map(|(on_stdout, pipe)| {
                thread::Builder::new()
                    .name("liveswap-stdout".into())
                    .spawn_scoped(scope, move || read_lines(pipe, on_stdout))
            });
            let read = stderr.map_or(Ok(()), |pipe| read_lines(pipe, on_stderr));
            let other = match reader {
                Some(Ok(handle)) => handle.join().unwrap_or(Ok(())),
                Some(Err(error)) => Err(error),
                None => Ok(()),
            };
            read.and(other)
        })?;
        let status = guard.wait()?;
        Ok(if self.is_cancelled() { None } else { Some(status) })
    }

    fn running(&self) -> MutexGuard<'_, Option<Box<dyn ChildWrapper>>> {
        // Nothing is left half done under this lock, so a panic of another thread changes nothing.
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A started group; killed and reaped when it is dropped without having been waited for.
struct Running<'a> {
    cancel: &'a Cancel,
}

type Pipes = (Option<std::process::ChildStdout>, Option<std::process::ChildStderr>);

impl Running<'_> {
    fn pipes(&self) -> Pipes {
        match self.cancel.running().as_mut() {
            Some(child) => (child.stdout().take(), child.stderr().take()),
            None => (None, None),
        }
    }

    fn wait(&self) -> io::Result<ExitStatus> {
        let mut running = self.cancel.running();
        let status = match running.as_mut() {
            Some(child) => child.wait(),
            None => Err(io::Error::other("the process was already waited for")),
        };
        *running = None;
        status
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.cancel.running().take() {
            let _ = child.start_kill();
            let _ = child.wait();
        }
    }
}

/// Reads lines until the end; what is not UTF-8 is replaced, a compiler may print anything.
fn read_lines(pipe: impl Read, on_line: &mut dyn FnMut(String)) -> io::Result<()> {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        if pipe.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let end =
            line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
        on_line(String::from_utf8_lossy(&line[..end]).into_owned());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_of_both_streams_arrive_and_the_status_is_told() {
        let mut out = Vec::new();
        let mut err = Vec::new();
        let status = Cancel::default()
            .run(
                shell("echo one; echo two >&2; printf three; exit 3"),
                Some(&mut |line| out.push(line)),
                &mut |line| err.push(line),
            )
            .expect("runs")
            .expect("not cancelled");
        assert_eq!((out, err), (vec!["one".into(), "three".into()], vec!["two".to_owned()]));
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn cancelling_kills_grandchildren_too() {
        let cancel = Cancel::default();
        let killer = cancel.clone();
        let mut pids = Vec::new();
        let start = Instant::now();
        let status = cancel
            .run(shell("sh -c 'echo $$ >&2; exec sleep 600' & sleep 600"), None, &mut |line| {
                pids.push(line.parse::<u32>().expect("a process id"));
                killer.cancel();
            })
            .expect("runs");
        assert!(status.is_none());
        assert!(start.elapsed() < Duration::from_secs(60), "the group was not killed");
        let [grandchild] = pids[..] else { panic!("one grandchild, got {pids:?}") };
        let gone = || {
            // A killed orphan stays as a zombie until it is collected by its new parent.
            std::fs::read_to_string(format!("/proc/{grandchild}/stat")).map_or(true, |stat| {
                stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z"))
            })
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !gone() {
            assert!(Instant::now() < deadline, "process {grandchild} is still there");
            thread::yield_now();
        }
    }

    #[test]
    fn nothing_starts_after_a_cancel() {
        let cancel = Cancel::default();
        cancel.cancel();
        let ran = cancel.run(shell("echo started >&2"), None, &mut |line| panic!("{line}"));
        assert!(ran.expect("no error").is_none());
    }
}
