//! The program: started, watched, told to end.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::cargo;
use crate::error::Error;
use crate::group::{Group, Tell};

const THREAD: &str = "liveswap-program";

/// How long what a program left behind has to end after it.
const LEFTOVERS: Duration = Duration::from_millis(500);

/// What is started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) executable: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) environment: Vec<(String, OsString)>,
    /// Directories in which the program finds its dynamic libraries.
    pub(crate) library_paths: Vec<PathBuf>,
}

/// What happened to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was stopped because it reads from, or changes, a terminal that is not its own.
    WantsTerminal,
    /// It was stopped by Ctrl-Z.
    Suspended,
    /// It was stopped by somebody who will let it go on.
    Stopped,
    /// It ended; its status is to be fetched with [`Program::collect`].
    Ended,
}

/// What a thread tells of the program with this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) pid: u32,
    pub(crate) fate: Fate,
}

/// A running program. Dropping it ends it, with everything that it started.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) started: Instant,
    child: Child,
    group: Group,
    watcher: Option<JoinHandle<()>>,
    collected: bool,
}

impl Program {
    /// Starts the program; what happens to it is sent to `news`.
    ///
    /// # Errors
    ///
    /// The program or a thread could not be started.
    pub(crate) fn start(launch: &Launch, news: Sender<News>) -> Result<Program, Error> {
        let mut command = Command::new(&launch.executable);
        command.args(&launch.args);
        for name in cargo::inherited() {
            command.env_remove(name);
        }
        command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
        if let Some((name, value)) = library_path(&launch.library_paths) {
            command.env(name, value);
        }
        let (child, group) = Group::spawn(&mut command)
            .map_err(|source| Error::ProgramStart { path: launch.executable.clone(), source })?;
        let mut program =
            Program { started: Instant::now(), child, group, watcher: None, collected: false };
        let watcher = thread::Builder::new().name(THREAD.to_owned());
        program.watcher = Some(
            watcher
                .spawn(move || watch(group, &news))
                .map_err(|source| Error::ThreadStart { name: THREAD, source })?,
        );
        Ok(program)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.group.leader()
    }

    pub(crate) fn group(&self) -> Group {
        self.group
    }

    /// Tells the program and everything it started.
    pub(crate) fn tell(&mut self, what: Tell) {
        if self.collected {
            return;
        }
        self.group.tell(what);
        if matches!(what, Tell::Kill) {
            // Where there are no groups; elsewhere it is dead already.
            let _ = self.child.kill();
        } else if !matches!(what, Tell::Stop | Tell::Continue) {
            // One that is stopped would not hear it.
            self.group.tell(Tell::Continue);
        }
    }

    /// The status of a program that has ended; ends what it left behind.
    pub(crate) fn collect(&mut self) -> Option<ExitStatus> {
        let status = self.child.wait().ok();
        self.collected = true;
        self.group.bury(LEFTOVERS);
        if let Some(watcher) = self.watcher.take() {
            // A panic of the thread has been shown where it happened.
            let _ = watcher.join();
        }
        status
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.collected {
            self.tell(Tell::Kill);
            self.collect();
        }
    }
}

/// The variable with the directories of dynamic libraries, with `paths` before what it had.
fn library_path(paths: &[PathBuf]) -> Option<(&'static str, OsString)> {
    let name = if cfg!(windows) {
        "PATH"
    } else if cfg!(target_vendor = "apple") {
        "DYLD_FALLBACK_LIBRARY_PATH"
    } else {
        "LD_LIBRARY_PATH"
    };
    let had = std::env::var_os(name).unwrap_or_default();
    let mut all: Vec<PathBuf> = paths.to_vec();
    all.extend(std::env::split_paths(&had).filter(|path| path != Path::new("")));
    let mut unique: Vec<PathBuf> = Vec::new();
    for path in all {
        if !unique.contains(&path) {
            unique.push(path);
        }
    }
    std::env::join_paths(unique).ok().map(|value| (name, value))
}

/// Waits for what happens to the leader of `group`, and leaves its status for [`Program::collect`],
/// so that until then its number cannot be anybody else's.
#[cfg(unix)]
fn watch(group: Group, news: &Sender<News>) {
    use rustix::process::{Signal, WaitId, WaitIdOptions, waitid};
    let Some(leader) = group.pid() else { return };
    loop {
        let look = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        let fate = match waitid(WaitId::Pid(leader), look) {
            Ok(Some(status)) if status.stopped() => {
                // The word was not taken yet and would come again.
                let taken = waitid(WaitId::Pid(leader), WaitIdOptions::STOPPED);
                let signal = taken.ok().flatten().and_then(|status| status.stopping_signal());
                match signal.and_then(Signal::from_named_raw) {
                    Some(Signal::TTIN | Signal::TTOU) => Fate::WantsTerminal,
                    Some(Signal::TSTP) => Fate::Suspended,
                    _ => Fate::Stopped,
                }
            }
            Ok(Some(_)) => Fate::Ended,
            Ok(None) => continue,
            Err(error) if error == rustix::io::Errno::INTR => continue,
            Err(_) => Fate::Ended,
        };
        if news.send(News { pid: group.leader(), fate }).is_err() || fate == Fate::Ended {
            return;
        }
    }
}

/// There is no waiting without taking here: the status is polled for by [`Program::collect`]'s owner.
#[cfg(not(unix))]
fn watch(group: Group, news: &Sender<News>) {
    let _ = (group, news);
}

#[cfg(all(test, unix))]
mod tests;
