//! The handle that a host keeps: it starts the owner thread, asks it, and ends it.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crossbeam_channel::{Sender, bounded, unbounded};
use liveswap_abi::HotCrate;
use liveswap_abi::dispatch::Dispatch;
use liveswap_abi::gate::PinHold;

use crate::announce::Announcer;
use crate::check::{self, Slots};
use crate::clock::{Clock, SystemClock};
use crate::control::{self, Control};
use crate::error::Error;
use crate::event::{Event, Reload};
use crate::feed::{Events, Feed};
use crate::generation::Generation;
use crate::locate;
use crate::reload::{Command, Lineage, Owner, Setup};
use crate::retire::Retired;
use crate::stage::{DEFAULT_LIMIT, Stages};
use crate::status::Status;
use crate::verify::Manifest;
use crate::watch::{Mode, Watcher};
use crate::wire::FromCli;

const THREAD: &str = "liveswap";

/// Keeps a hot crate's newest code running in this program.
///
/// It watches the crate's artifact and swaps it in whenever a good one appears. Dropping it ends its threads and
/// removes its stages; the program goes on with the generation that is current then.
///
/// ```no_run
/// # mod game { liveswap_abi::hot_crate!(); }
/// # fn main() -> Result<(), liveswap::Error> {
/// let runtime = liveswap::Runtime::start(game::hot_crate())?;
/// for event in runtime.events() {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Runtime {
    host: &'static HotCrate,
    commands: Sender<Command>,
    feed: Feed,
    stages: Arc<Stages>,
    thread: Option<JoinHandle<Lineage>>,
}

/// How a [`Runtime`] is to be started.
#[derive(Debug, Clone)]
pub struct Builder {
    host: &'static HotCrate,
    artifact: Option<PathBuf>,
    artifact_dir: Option<PathBuf>,
    stage_dir: Option<PathBuf>,
    watch: Mode,
    artifact_limit: u64,
    report_held_after: Duration,
    owns_terminal: bool,
}

/// Makes every call of this thread use one generation, until it drops; made by [`Runtime::pin`].
///
/// It stays on its thread:
///
/// ```compile_fail
/// fn sent<T: Send>() {}
/// sent::<liveswap::Pin>();
/// ```
#[must_use = "the generation is pinned only while this lives"]
pub struct Pin<'runtime> {
    hold: PinHold,
    runtime: PhantomData<&'runtime Runtime>,
}

impl Pin<'_> {
    /// The number of the pinned generation.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.hold.generation()
    }
}

impl std::fmt::Debug for Pin<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pin").field("generation", &self.generation()).finish()
    }
}

impl Runtime {
    /// Starts with the artifact expected beside the running program.
    ///
    /// # Errors
    ///
    /// See [`Builder::start`].
    pub fn start(hot_crate: &'static HotCrate) -> Result<Runtime, Error> {
        Runtime::builder(hot_crate).start()
    }

    /// Prepares a start with other settings than the usual ones.
    #[must_use]
    pub fn builder(hot_crate: &'static HotCrate) -> Builder {
        Builder {
            host: hot_crate,
            artifact: None,
            artifact_dir: None,
            stage_dir: None,
            watch: Mode::Native,
            artifact_limit: DEFAULT_LIMIT,
            report_held_after: Duration::from_secs(1),
            owns_terminal: false,
        }
    }

    /// A reader of everything that happens from now on.
    ///
    /// It never delays a reload: a reader that does not keep up loses the oldest events and is told how many. A reload
    /// that ended before the first reader was made is in [`Status::last`](crate::Status::last).
    #[must_use]
    pub fn events(&self) -> Events {
        self.feed.subscribe()
    }

    /// The number of the generation that a call made now would enter, on a thread that holds no pin.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.host.gate().generation()
    }

    /// Makes every call of this thread use one generation until the guard drops: a frame, a request.
    ///
    /// Pins can be nested; the outermost decides. A pinned generation stays loaded, however many swaps come.
    pub fn pin(&self) -> Pin<'_> {
        Pin { hold: self.host.pin(), runtime: PhantomData }
    }

    /// A picture of the generations alive, what holds each, and what happened so far.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if the owner thread is gone.
    pub fn status(&self) -> Result<Status, Error> {
        self.ask(Command::Status)
    }

    /// Takes up the artifact as it is now, without waiting for it to settle, and says how that ended.
    ///
    /// May be called from anywhere, hot code and pinned threads included: a swap waits for no caller.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if the owner thread is gone. A bad artifact is not an error here but an
    /// [`Outcome::Refused`](crate::Outcome::Refused).
    pub fn reload_now(&self) -> Result<Reload, Error> {
        self.ask(Command::Reload)
    }

    /// Makes generation 0, the code linked into the program, current again.
    ///
    /// The answer is `Swapped` with generation 0, or `Unchanged` if it is current; its artifact is the empty path. An
    /// artifact that appears later is swapped in as always. State in statics of hot code is that of generation 0.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if the owner thread is gone.
    pub fn return_to_linked(&self) -> Result<Reload, Error> {
        self.ask(Command::ReturnToLinked)
    }

    /// The directory in which this process keeps its stages.
    #[must_use]
    pub fn stage_directory(&self) -> &Path {
        self.stages.directory()
    }

    /// Ends the runtime as dropping it does.
    pub fn shutdown(self) {
        drop(self);
    }

    fn ask<T>(&self, command: impl FnOnce(Sender<T>) -> Command) -> Result<T, Error> {
        let (answer, answered) = bounded(1);
        self.commands.send(command(answer)).map_err(|_| Error::Ended)?;
        answered.recv().map_err(|_| Error::Ended)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // Fails only if the thread is gone already.
        let _ = self.commands.send(Command::Shutdown);
        if let Some(Ok(lineage)) = self.thread.take().map(JoinHandle::join) {
            park(self.host, lineage);
        }
        self.host.set_panic_listener(None);
        self.host.give_up_ownership();
    }
}

impl Builder {
    /// Takes the artifact from this file and no other.
    #[must_use]
    pub fn artifact(mut self, path: impl Into<PathBuf>) -> Builder {
        self.artifact = Some(path.into());
        self
    }

    /// Looks for the artifact in this directory, under the name that cargo gives it.
    ///
    /// The environment variable `LIVESWAP_ARTIFACT_DIR` does the same for a program that was not told otherwise.
    #[must_use]
    pub fn artifact_dir(mut self, directory: impl Into<PathBuf>) -> Builder {
        self.artifact_dir = Some(directory.into());
        self
    }

    /// Keeps stages under `directory/liveswap` instead of the target directory.
    #[must_use]
    pub fn stage_dir(mut self, directory: impl Into<PathBuf>) -> Builder {
        self.stage_dir = Some(directory.into());
        self
    }

    /// Watches by this method.
    #[must_use]
    pub fn watch(mut self, mode: Mode) -> Builder {
        self.watch = mode;
        self
    }

    /// Refuses artifacts of more than this many bytes; 1 GiB unless told otherwise.
    #[must_use]
    pub fn artifact_limit(mut self, bytes: u64) -> Builder {
        self.artifact_limit = bytes;
        self
    }

    /// Reports a generation as held ([`Event::Draining`]) when it is not free this long after it was replaced; one
    /// second unless told otherwise.
    #[must_use]
    pub fn report_held_after(mut self, time: Duration) -> Builder {
        self.report_held_after = time;
        self
    }

    /// Asks the `cargo liveswap` that started the program to print nothing: the program draws on the terminal, and shows
    /// compile errors and swaps by itself from [`Runtime::events`].
    #[must_use]
    pub fn owns_terminal(mut self, owns: bool) -> Builder {
        self.owns_terminal = owns;
        self
    }

    /// Starts watching and the owner thread.
    ///
    /// An artifact that is newer than the program is taken up at once; none at all is a normal start.
    ///
    /// # Errors
    ///
    /// [`Error::Inactive`] in a build whose hot functions cannot be replaced; [`Error::AlreadyRunning`] while another
    /// runtime has the crate; [`Error::HotCrate`] if the crate itself is not sound; [`Error::Executable`],
    /// [`Error::StageDirectory`], [`Error::WatchPath`] and [`Error::ThreadStart`] where the system refuses.
    pub fn start(self) -> Result<Runtime, Error> {
        if !self.host.is_active() {
            return Err(Error::Inactive { hot_crate: self.host.name() });
        }
        if !self.host.take_ownership() {
            return Err(Error::AlreadyRunning { hot_crate: self.host.name() });
        }
        let host = self.host;
        self.start_owned().inspect_err(|_| host.give_up_ownership())
    }

    fn start_owned(self) -> Result<Runtime, Error> {
        let host = self.host;
        let unsound = |reason: String| Error::HotCrate { hot_crate: host.name(), reason };
        let manifest =
            Manifest::of_record(host.manifest()).map_err(|error| unsound(error.to_string()))?;
        let functions = check::list(host.functions()).map_err(|differences| {
            let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
            unsound(texts.join("; "))
        })?;
        let undescribed = functions.undescribed(host.name());
        if !undescribed.is_empty() {
            let types = undescribed.join(", ");
            tracing::warn!(%types, "known by their sizes only: derive `Layout` to have every change of them noticed");
        }
        let executable = std::env::current_exe().map_err(|source| Error::Executable { source })?;
        let artifacts = self.artifacts(&executable);
        let stage_dir =
            self.stage_dir.clone().unwrap_or_else(|| locate::target_directory(&executable));
        let stages = Arc::new(Stages::create(&stage_dir)?.with_limit(self.artifact_limit));
        let (notice_sender, notices) = bounded(64);
        let watcher = Watcher::new(artifacts.iter().cloned(), self.watch, notice_sender)?;

        let feed = Feed::default();
        let lineage = unpark(host).unwrap_or_else(|| {
            let mut slots = Slots::default();
            slots.assign(&functions);
            let dispatch = Dispatch::new(0, slots.targets(&functions));
            let current = Generation::linked(dispatch, functions.surface(), SystemClock.now());
            // Who is inside the empty table it replaces does not matter: that one is never freed.
            let _ = host.gate().swap(current.dispatch());
            Lineage { current, old: Retired::default(), slots, last_number: 0 }
        });
        let (commands, inbox) = unbounded();
        let announcer = Announcer::new(host.name(), feed.clone(), self.connect(&feed, &commands)?);
        let reports = announcer.clone();
        host.set_panic_listener(Some(Arc::new(move |report| {
            let (file, line, column) = report.location;
            reports.tell(&Event::Panicked {
                message: report.message.to_owned(),
                location: format!("{file}:{line}:{column}"),
            });
        })));
        let setup = Setup {
            host,
            manifest,
            functions,
            lineage,
            artifacts,
            linked: modified(&executable),
            stages: Arc::clone(&stages),
            watcher,
            report_after: self.report_held_after,
            announcer,
        };
        let owner = Owner::new(setup);
        let thread = std::thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || owner.run(&inbox, &notices))
            .map_err(|source| Error::ThreadStart { name: THREAD, source })?;
        Ok(Runtime { host, commands, feed, stages, thread: Some(thread) })
    }

    /// Connects to the `cargo liveswap` that started this program, if one did.
    fn connect(&self, feed: &Feed, commands: &Sender<Command>) -> Result<Option<Control>, Error> {
        let (feed, commands) = (feed.clone(), commands.clone());
        let deliver = move |message| match message {
            // Fails only when the owner thread has ended, and then nobody wants to know.
            FromCli::AskStatus => drop(commands.send(Command::TellStatus)),
            message => control::event(message).iter().for_each(|event| feed.send(event)),
        };
        match Control::connect_from_env(self.host.name(), self.owns_terminal, deliver) {
            Err(error @ Error::ControlConnect { .. }) => {
                // The program works from the watcher alone.
                tracing::warn!(%error, "started without its builder");
                Ok(None)
            }
            connected => connected,
        }
    }

    fn artifacts(&self, executable: &Path) -> Vec<PathBuf> {
        if let Some(artifact) = &self.artifact {
            return vec![artifact.clone()];
        }
        let from_environment = || {
            let given = std::env::var_os(locate::ARTIFACT_DIR).filter(|given| !given.is_empty());
            given.map(PathBuf::from)
        };
        let directory = self.artifact_dir.clone().or_else(from_environment);
        locate::artifacts(self.host.name(), executable, directory.as_deref())
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

/// Generations of crates whose runtime has ended: the program still calls them, and a later runtime goes on from there.
static PARKED: Mutex<Option<HashMap<&'static str, Lineage>>> = Mutex::new(None);

fn park(host: &'static HotCrate, lineage: Lineage) {
    let mut parked = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
    parked.get_or_insert_default().insert(host.name(), lineage);
}

fn unpark(host: &'static HotCrate) -> Option<Lineage> {
    PARKED.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.remove(host.name())
}
