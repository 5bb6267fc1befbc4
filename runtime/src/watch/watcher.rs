//! The watcher: a set of files in, notices out, for as long as it lives.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select};

use super::Notice;
use super::arm::Arm;
use super::inbox::{Inbox, Interest};
use super::poll::Poll;
use crate::error::Error;

const THREAD: &str = "liveswap-watch";

/// How often the backstop asks for what the system may have kept to itself.
const BACKSTOP: Duration = Duration::from_millis(500);

/// How files are to be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// By the events of the system, and by polling where it has none or refuses.
    #[default]
    Native,
    /// By polling only, for file systems whose events cannot be relied on.
    Polling {
        /// The time from one poll to the next.
        interval: Duration,
    },
}

impl Mode {
    /// Polling at the interval that is used where native watching fails.
    pub const POLLING: Mode = Mode::Polling { interval: Duration::from_millis(50) };
}

/// How files are really watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// By the events of the system, with a slow poll behind them.
    Native,
    /// By polling.
    Polling {
        /// The time from one poll to the next.
        interval: Duration,
        /// Why not natively, when native watching was asked for.
        why: Option<String>,
    },
}

/// Watches a set of files, which need not exist, and tells what happens to them.
///
/// The directories of the files are watched, or where they do not exist, the nearest ones above
/// them, so files and directories may be removed, replaced and made anew in any order. A reader of
/// the notices that is slow delays nobody: what happens to a file meanwhile becomes one notice,
/// with the latest touch.
///
/// Dropping the watcher ends its thread. The thread that the system's events arrive on belongs to
/// `notify` and ends on its own a moment later.
///
/// # Examples
///
/// ```
/// use liveswap::watch::{Mode, Watcher};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("libgame.so");
/// let (sender, notices) = crossbeam_channel::bounded(16);
/// let watcher = Watcher::new([path.clone()], Mode::Native, sender)?;
/// std::fs::write(&path, "new")?;
/// let notice = notices.recv_timeout(Duration::from_secs(10))?;
/// assert_eq!(notice.path, path);
/// # drop(watcher);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Watcher {
    engine: Arc<Mutex<Engine>>,
    /// Nothing is ever sent: dropping it ends the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts watching `paths`; whatever happens to them after this call returned is told.
    ///
    /// Where native watching cannot be had, the watcher polls: see [`Watcher::method`].
    ///
    /// # Errors
    ///
    /// [`Error::WatchPath`] for a path that does not name a file in a directory,
    /// [`Error::ThreadStart`] when the system has no thread left.
    pub fn new(
        paths: impl IntoIterator<Item = PathBuf>,
        mode: Mode,
        notices: Sender<Notice>,
    ) -> Result<Self, Error> {
        let files = resolve(paths)?;
        let (wake, woken) = bounded(1);
        let (stop, stopped) = bounded(0);
        let inbox = Arc::new(Inbox::new(wake));
        let engine = Arc::new(Mutex::new(Engine::new(mode, Arc::clone(&inbox))));
        lock(&engine).set_files(files);
        let outlet = Outlet { engine: Arc::clone(&engine), inbox, woken, stopped, notices };
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || outlet.run())
            .map_err(|source| Error::ThreadStart { name: THREAD, source })?;
        Ok(Watcher { engine, stop: Some(stop), thread: Some(thread) })
    }

    /// Watches these files from now on, and no others.
    ///
    /// Notices of other files that were already sent can still be in the channel.
    ///
    /// # Errors
    ///
    /// [`Error::WatchPath`], and then the files are still those of before.
    pub fn set_paths(&self, paths: impl IntoIterator<Item = PathBuf>) -> Result<(), Error> {
        let files = resolve(paths)?;
        lock(&self.engine).set_files(files);
        Ok(())
    }

    /// How the files are watched now. It can change to polling when the system runs out of watches.
    pub fn method(&self) -> Method {
        lock(&self.engine).method.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been shown where it happened.
            let _ = thread.join();
        }
    }
}

/// A file to watch: how events and the file system name it, and how it was given.
struct WatchedFile {
    absolute: PathBuf,
    directory: PathBuf,
    given: PathBuf,
}

fn resolve(paths: impl IntoIterator<Item = PathBuf>) -> Result<Vec<WatchedFile>, Error> {
    paths
        .into_iter()
        .map(|given| {
            let absolute =
                std::path::absolute(&given).ok().filter(|path| path.file_name().is_some());
            let directory = absolute.as_deref().and_then(Path::parent).map(Path::to_owned);
            match (absolute, directory) {
                (Some(absolute), Some(directory)) => Ok(WatchedFile { absolute, directory, given }),
                _ => Err(Error::WatchPath { path: given }),
            }
        })
        .collect()
}

/// What the watcher's thread and its owner share.
struct Engine {
    inbox: Arc<Inbox>,
    method: Method,
    arm: Option<Arm>,
    poll: Poll,
    files: HashMap<PathBuf, PathBuf>,
    directories: BTreeSet<PathBuf>,
}

impl Engine {
    fn new(mode: Mode, inbox: Arc<Inbox>) -> Self {
        let mut engine = Engine {
            inbox: Arc::clone(&inbox),
            method: Method::Native,
            arm: None,
            poll: Poll::default(),
            files: HashMap::new(),
            directories: BTreeSet::new(),
        };
        match mode {
            Mode::Polling { interval } => engine.method = Method::Polling { interval, why: None },
            Mode::Native => match notify::recommended_watcher(move |event| inbox.receive(event)) {
                Ok(watcher) => engine.arm = Some(Arm::new(watcher)),
                Err(error) => engine.fall_back(&error),
            },
        }
        engine
    }

    fn set_files(&mut self, files: Vec<WatchedFile>) {
        self.directories = files.iter().map(|file| file.directory.clone()).collect();
        self.inbox.set_interest(interest(&files));
        self.files = files.into_iter().map(|file| (file.absolute, file.given)).collect();
        self.poll.set_paths(self.files.keys().map(PathBuf::as_path));
        // Whoever changes the files looks at them afterwards, so no directory is news.
        self.arm(&HashSet::new());
    }

    /// Sees to it that the right directories are watched; the files of those that came back may
    /// be there already, so they are looked for.
    fn rearm(&mut self, lost: &HashSet<PathBuf>) {
        let fresh: HashSet<PathBuf> = self.arm(lost).into_iter().collect();
        for (absolute, given) in &self.files {
            if absolute.parent().is_some_and(|directory| fresh.contains(directory)) {
                self.inbox.found(given, super::Touch::Changed);
            }
        }
    }

    fn arm(&mut self, lost: &HashSet<PathBuf>) -> Vec<PathBuf> {
        let Some(arm) = &mut self.arm else { return Vec::new() };
        arm.arm(&self.directories, lost).unwrap_or_else(|error| {
            self.fall_back(&error);
            Vec::new()
        })
    }

    fn check(&mut self) {
        for (absolute, touch) in self.poll.changes() {
            if let Some(given) = self.files.get(&absolute) {
                self.inbox.found(given, touch);
            }
        }
    }

    fn fall_back(&mut self, error: &notify::Error) {
        let Mode::Polling { interval } = Mode::POLLING else { return };
        let why = error.to_string();
        tracing::warn!(%why, ?interval, "files are watched by polling");
        self.arm = None;
        self.method = Method::Polling { interval, why: Some(why) };
        // Wakes whoever follows the method, and finds what the events that were lost would have told.
        for given in self.files.values() {
            self.inbox.found(given, super::Touch::Changed);
        }
    }

    fn interval(&self) -> Duration {
        match self.method {
            Method::Native => BACKSTOP,
            Method::Polling { interval, .. } => interval,
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("method", &self.method)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

fn interest(files: &[WatchedFile]) -> Interest {
    let mut interest = Interest::default();
    for file in files {
        // Some systems name a file by its real path, whatever name its directory was watched by.
        let directories = [Some(file.directory.clone()), real(&file.directory)];
        for directory in directories.into_iter().flatten() {
            if let Some(name) = file.absolute.file_name() {
                interest.files.insert(directory.join(name), file.given.clone());
            }
            interest.directories.extend(directory.ancestors().map(Path::to_owned));
        }
    }
    interest
}

/// `directory` without symbolic links, as far as it is there.
fn real(directory: &Path) -> Option<PathBuf> {
    directory.ancestors().find_map(|ancestor| {
        let below = directory.strip_prefix(ancestor).ok()?;
        fs::canonicalize(ancestor).ok().map(|ancestor| ancestor.join(below))
    })
}

/// The thread: passes notices on, and in between keeps the watches right.
struct Outlet {
    engine: Arc<Mutex<Engine>>,
    inbox: Arc<Inbox>,
    woken: Receiver<()>,
    stopped: Receiver<()>,
    notices: Sender<Notice>,
}

impl Outlet {
    fn run(self) {
        let mut check_at = Instant::now();
        loop {
            let rearm = self.inbox.take_rearm();
            let now = Instant::now();
            if rearm.is_some() || now >= check_at {
                let mut engine = lock(&self.engine);
                engine.rearm(&rearm.unwrap_or_default());
                if now >= check_at {
                    engine.check();
                    check_at = now + engine.interval();
                }
            }
            let wait = check_at.saturating_duration_since(Instant::now());
            // Waiting to send must not keep the thread from anything else, so it is one wait.
            match self.inbox.take() {
                None => select! {
                    recv(self.stopped) -> _ => return,
                    recv(self.woken) -> _ => {}
                    default(wait) => {}
                },
                Some(notice) => select! {
                    send(self.notices, notice.clone()) -> sent => if sent.is_err() { return },
                    recv(self.stopped) -> _ => return,
                    recv(self.woken) -> _ => self.inbox.put_back(notice),
                    default(wait) => self.inbox.put_back(notice),
                },
            }
        }
    }
}

fn lock(engine: &Mutex<Engine>) -> MutexGuard<'_, Engine> {
    // Files and watches are set anew from the start at every change, so no half of one can stay.
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
