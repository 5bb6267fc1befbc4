//! Groups of processes that end together.

use std::io;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How a group is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    /// As by Ctrl-C.
    Interrupt,
    /// Politely.
    Terminate,
    /// At once, without a chance to tidy up.
    Kill,
    /// Go on after having been stopped.
    Continue,
    /// Stop until told to go on.
    Stop,
}

/// The processes that one command started, itself included, unless they left the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    leader: u32,
}

impl Group {
    /// Starts a command as the leader of a new group.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<(Child, Group)> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn()?;
        let leader = child.id();
        Ok((child, Group { leader }))
    }

    /// The leader's process.
    pub(crate) fn leader(self) -> u32 {
        self.leader
    }

    /// Ends what is left of the group once its leader is gone: politely, then not.
    pub(crate) fn bury(self, patience: Duration) {
        self.tell(Tell::Terminate);
        let deadline = Instant::now() + patience;
        while self.is_there() {
            if Instant::now() >= deadline {
                self.tell(Tell::Kill);
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[cfg(unix)]
impl Group {
    /// Tells every process of the group; those that are gone already are no error.
    pub(crate) fn tell(self, what: Tell) {
        use rustix::process::{Signal, kill_process_group};
        let signal = match what {
            Tell::Interrupt => Signal::INT,
            Tell::Terminate => Signal::TERM,
            Tell::Kill => Signal::KILL,
            Tell::Continue => Signal::CONT,
            Tell::Stop => Signal::STOP,
        };
        if let Some(leader) = self.pid() {
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Whether any process of the group is left.
    pub(crate) fn is_there(self) -> bool {
        self.pid().is_some_and(|leader| rustix::process::test_kill_process_group(leader).is_ok())
    }

    pub(crate) fn pid(self) -> Option<rustix::process::Pid> {
        i32::try_from(self.leader).ok().and_then(rustix::process::Pid::from_raw)
    }
}

#[cfg(not(unix))]
impl Group {
    /// There are no groups here; the leader alone is ended through its handle.
    pub(crate) fn tell(self, _: Tell) {}

    /// Whether any process of the group is left, as far as it is known.
    pub(crate) fn is_there(self) -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    #[test]
    fn descendants_end_with_the_group() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & echo started; wait"]).stdout(Stdio::piped());
        let (mut child, group) = Group::spawn(&mut command).unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(group.is_there());
        group.tell(Tell::Kill);
        child.wait().unwrap();
        group.bury(Duration::from_secs(30));
        let deadline = Instant::now() + Duration::from_secs(30);
        while group.is_there() {
            assert!(Instant::now() < deadline, "the sleeper is still there");
            std::thread::yield_now();
        }
    }

    #[test]
    fn who_does_not_listen_is_ended_all_the_same() {
        let mut command = Command::new("sh");
        // The leader goes, what it left behind ignores the polite word.
        command.args(["-c", "trap '' TERM; (sleep 1000) & exit 0"]);
        let (mut child, group) = Group::spawn(&mut command).unwrap();
        child.wait().unwrap();
        group.bury(Duration::from_millis(20));
        let deadline = Instant::now() + Duration::from_secs(30);
        while group.is_there() {
            assert!(Instant::now() < deadline, "the sleeper is still there");
            std::thread::yield_now();
        }
    }
}
