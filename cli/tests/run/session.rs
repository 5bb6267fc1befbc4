//! A running `cargo liveswap run`: what it says, and what it is told.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::lab::Lab;

/// Building the runtime for the first time takes long on a busy machine.
const LONG: Duration = Duration::from_secs(900);

/// Lines that were heard, in order.
#[derive(Default)]
struct Heard {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

fn listen(from: impl Read + Send + 'static, heard: &Arc<Heard>) {
    let heard = Arc::clone(heard);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            heard.lines.lock().unwrap().push(line);
            heard.more.notify_all();
        }
    });
}

/// A running `cargo liveswap run`. Dropping it ends it and its program.
pub(crate) struct Run {
    child: Child,
    heard: Arc<Heard>,
    read: usize,
    status: Option<ExitStatus>,
}

impl Run {
    /// Starts it, with its lines heard.
    pub(crate) fn start(mut command: Command) -> Run {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let heard = Arc::new(Heard::default());
        listen(child.stdout.take().unwrap(), &heard);
        listen(child.stderr.take().unwrap(), &heard);
        Run { child, heard, read: 0, status: None }
    }

    /// Waits for a line with this text, after the one that was waited for last. Lines that come in
    /// another order, as the program's and the tool's may, are waited for from the same place.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait_for_line(text, |line| line.contains(text));
    }

    /// Waits for the line of a swap of what was edited, whichever class the edit is of.
    pub(crate) fn wait_for_swap(&mut self, generation: u64, what: &str) {
        let (begin, middle) = (format!("gen {generation}  "), format!("  {what}  "));
        let name = format!("{begin}..{middle}");
        self.wait_for_line(&name, |line| line.starts_with(&begin) && line.contains(&middle));
    }

    fn wait_for_line(&mut self, text: &str, is: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + LONG;
        let mut lines = self.heard.lines.lock().unwrap();
        loop {
            // Two streams: what was said at the same time may stand a few lines before.
            let from = self.read.saturating_sub(6);
            if let Some(at) = lines[from..].iter().position(|line| is(line)) {
                self.read = self.read.max(from + at + 1);
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {text:?}:\n{}", lines.join("\n"));
            lines =
                self.heard.more.wait_timeout(lines, left.min(Duration::from_secs(1))).unwrap().0;
        }
    }

    /// Waits for a moment that is too short for a build: until another line is heard, or 30 ms.
    pub(crate) fn wait_briefly(&self) {
        let lines = self.heard.lines.lock().unwrap();
        let _ = self.heard.more.wait_timeout(lines, Duration::from_millis(30)).unwrap();
    }

    /// Everything that was heard so far.
    pub(crate) fn heard(&self) -> String {
        self.heard.lines.lock().unwrap().join("\n")
    }

    /// The number that stands after this text.
    pub(crate) fn number_after(&mut self, text: &str) -> u32 {
        self.wait_for(text);
        let lines = self.heard.lines.lock().unwrap();
        let line = lines.iter().rev().find(|line| line.contains(text)).unwrap();
        line.split(text).nth(1).unwrap().trim().parse().unwrap()
    }

    /// The process of `cargo liveswap`.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process of the program: the only child once no build runs.
    pub(crate) fn program(&self) -> u32 {
        let deadline = Instant::now() + LONG;
        loop {
            let path = format!("/proc/{0}/task/{0}/children", self.child.id());
            let children = fs::read_to_string(path).unwrap();
            let host = |pid: &&str| {
                let name = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
                name.to_string_lossy().contains("-host")
            };
            if let Some(pid) = children.split_whitespace().find(host) {
                return pid.parse().unwrap();
            }
            assert!(Instant::now() < deadline, "no program runs");
            thread::yield_now();
        }
    }

    /// Sends a signal to `cargo liveswap`.
    pub(crate) fn tell(&self, signal: &str) {
        let status = Command::new("kill").args(["-s", signal, &self.pid().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Sends the signal again, as somebody does who cannot wait.
    pub(crate) fn tell_until_ended(&mut self, signal: &str) {
        let deadline = Instant::now() + LONG;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not end");
            let _ = Command::new("kill").args(["-s", signal, &self.pid().to_string()]).status();
            thread::sleep(Duration::from_millis(10));
        }
        self.code();
    }

    /// Waits for the end; the exit code.
    pub(crate) fn code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.status = Some(status);
                return status.code();
            }
            if Instant::now() >= deadline {
                panic!("it does not end:\n{}", self.heard.lines.lock().unwrap().join("\n"));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.status.is_none() && self.child.try_wait().is_ok_and(|status| status.is_none()) {
            // Twice: the second time it does not wait for the program.
            for _ in 0..2 {
                self.tell("TERM");
            }
            let _ = self.child.wait();
        }
    }
}

/// Somebody who runs `cargo check` in a loop in the same target directory, as editors do.
pub(crate) struct Analyzer {
    ending: Arc<AtomicBool>,
    thread: thread::JoinHandle<u32>,
}

impl Analyzer {
    pub(crate) fn start(lab: &Lab) -> Analyzer {
        let ending = Arc::new(AtomicBool::new(false));
        let (seen, directory, target) = (Arc::clone(&ending), lab.path("."), lab.target());
        let thread = thread::spawn(move || {
            let mut checks = 0;
            loop {
                let mut command = Command::new(env!("CARGO"));
                command.args(["check", "--quiet", "--offline"]).current_dir(&directory);
                command.env("CARGO_TARGET_DIR", &target).env_remove("RUSTFLAGS");
                // An edit in the middle of it may be one that does not compile.
                let _ = command.stderr(Stdio::null()).status().unwrap();
                checks += 1;
                // Relaxed: the thread is joined by who sets it.
                if seen.load(Ordering::Relaxed) {
                    return checks;
                }
            }
        });
        Analyzer { ending, thread }
    }

    /// Ends it; how often it has checked.
    pub(crate) fn end(self) -> u32 {
        self.ending.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Whether a process is there and not only waiting to be collected.
pub(crate) fn is_there(pid: u32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let gone = status.is_empty() || status.contains("State:\tZ");
        if gone || Instant::now() >= deadline {
            return !gone;
        }
        thread::yield_now();
    }
}
