//! How a runtime is to be started, and its start.

mod ending;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crossbeam_channel::{Sender, bounded, unbounded};
use liveswap_abi::HotCrate;

use super::listen::listen;
use super::{Runtime, unpark};
use crate::announce::Announcer;
use crate::check;
use crate::control::{self, Control};
use crate::error::Error;
use crate::event::{Event, Outcome};
use crate::feed::Feed;
use crate::generation::Protections;
use crate::locate;
use crate::plugin::Plugin;
use crate::refuse;
use crate::reload::{Command, Lineage, Owner, RollbackOnPanic, Settings, Setup};
use crate::stage::{DEFAULT_LIMIT, Stages};
use crate::state;
use crate::trust::{self, Trust};
use crate::verify::Manifest;
use crate::watch::{Mode, Watcher};
use crate::wire::FromCli;

const THREAD: &str = "liveswap";

/// How often a plugin's artifact may change while it is opened.
const ATTEMPTS: u32 = 16;

/// How a [`Runtime`] is to be started.
#[derive(Debug, Clone)]
pub struct Builder {
    host: &'static HotCrate,
    artifact: Option<PathBuf>,
    artifact_dir: Option<PathBuf>,
    stage_dir: Option<PathBuf>,
    watch: Mode,
    artifact_limit: u64,
    trust: Trust,
    settings: Settings,
    owns_terminal: bool,
    plugin: Option<Plugin>,
}

impl Builder {
    /// The usual settings.
    pub(super) fn new(host: &'static HotCrate) -> Builder {
        Builder {
            host,
            artifact: None,
            artifact_dir: None,
            stage_dir: None,
            watch: Mode::Native,
            artifact_limit: DEFAULT_LIMIT,
            trust: Trust::Owned,
            settings: Settings {
                report_after: Duration::from_secs(1),
                self_check_deadline: Duration::from_secs(5),
                try_initializers: true,
                migrate_deadline: Duration::from_secs(1),
                history: 8,
                rollback_on_panic: None,
                protections: Protections::default(),
            },
            owns_terminal: false,
            plugin: None,
        }
    }

    /// Prepares to open the artifact at `path`, of a crate that the program was not linked with, with other settings than
    /// those of [`Runtime::open`].
    ///
    /// # Errors
    ///
    /// [`Error::ArtifactOpen`] if it is not there, [`Error::Open`] if it is no artifact.
    pub fn of_artifact(path: impl AsRef<Path>) -> Result<Builder, Error> {
        let plugin = Plugin::at(path.as_ref())?;
        let builder = Builder::new(plugin.host).artifact(&plugin.path);
        Ok(Builder { plugin: Some(plugin), ..builder })
    }

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

    /// Takes the artifacts of these and no others; unless told otherwise, those that only this user or root can have
    /// written.
    ///
    /// Plugins are judged like artifacts of a linked crate. A generation of the history was judged when it came, and its
    /// kept bytes are compared with those of then.
    ///
    /// ```no_run
    /// # mod game { liveswap_abi::hot_crate!(); }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use liveswap::{Runtime, Trust};
    ///
    /// let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    /// let runtime = Runtime::builder(game::hot_crate()).trust(Trust::signed(key)?).start()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Builder {
        self.trust = trust;
        self
    }

    /// Reports a generation as held ([`Event::Draining`]) when it is not free this long after it was replaced; one
    /// second unless told otherwise.
    #[must_use]
    pub fn report_held_after(mut self, time: Duration) -> Builder {
        self.settings.report_after = time;
        self
    }

    /// Keeps the stages of this many generations to go back to; 8 unless told otherwise, and never fewer than the current
    /// one.
    #[must_use]
    pub fn history(mut self, stages: usize) -> Builder {
        self.settings.history = stages;
        self
    }

    /// Refuses a generation whose `#[hot(self_check)]` functions have not all answered within this time; five seconds unless
    /// told otherwise. The runtime takes no other artifact meanwhile. Other hooks are waited for as long before the next
    /// ones begin.
    #[must_use]
    pub fn self_check_deadline(mut self, time: Duration) -> Builder {
        self.settings.self_check_deadline = time;
        self
    }

    /// Whether an artifact with initializers of its own, as the crate `ctor` makes them, is loaded in a copy of the process
    /// first; yes, unless told otherwise.
    ///
    /// Initializers run while the system loads a library, where nobody can catch a panic of theirs. In the copy they may
    /// panic, end the process, or take longer than [`self_check_deadline`](Self::self_check_deadline) allows: then the
    /// artifact is refused and nothing of it is loaded. What they do outside of the program's memory, as writing a file,
    /// they do twice. Only on Linux is there such a copy, a child process without the program's other threads, made by
    /// `fork`; artifacts without initializers of their own need none.
    #[must_use]
    pub fn try_initializers(mut self, try_them: bool) -> Builder {
        self.settings.try_initializers = try_them;
        self
    }

    /// Refuses a swap that has to carry states over when one stays open for this long; one second unless told otherwise.
    #[must_use]
    pub fn migrate_deadline(mut self, time: Duration) -> Builder {
        self.settings.migrate_deadline = time;
        self
    }

    /// Takes a generation back by itself when a panic leaves one of its hot functions soon after the swap; never unless
    /// told so.
    ///
    /// The generation before it becomes current as by [`Runtime::rollback`], and the panic is in the event
    /// ([`Cause::Withdrawn`](crate::Cause::Withdrawn)). It reaches its caller all the same.
    ///
    /// ```no_run
    /// # mod game { liveswap_abi::hot_crate!(); }
    /// # fn main() -> Result<(), liveswap::Error> {
    /// use std::time::Duration;
    /// use liveswap::{RollbackOnPanic, Runtime};
    ///
    /// let runtime = Runtime::builder(game::hot_crate())
    ///     .rollback_on_panic(RollbackOnPanic { window: Duration::from_secs(10) })
    ///     .start()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rollback_on_panic(mut self, policy: RollbackOnPanic) -> Builder {
        self.settings.rollback_on_panic = Some(policy);
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
    /// [`Error::StageDirectory`], [`Error::Untrusted`], [`Error::WatchPath`] and [`Error::ThreadStart`] where the system refuses. Of a plugin
    /// also [`Error::Open`], if its artifact is refused.
    pub fn start(self) -> Result<Runtime, Error> {
        if !self.host.is_active() {
            return Err(Error::Inactive { hot_crate: self.host.name() });
        }
        if !self.host.take_ownership() {
            return Err(Error::AlreadyRunning { hot_crate: self.host.name() });
        }
        let (host, plugin) = (self.host, self.plugin.clone());
        let runtime = self.start_owned().inspect_err(|_| host.give_up_ownership())?;
        match plugin {
            Some(plugin) => take_up(runtime, &plugin.path),
            None => Ok(runtime),
        }
    }

    fn start_owned(self) -> Result<Runtime, Error> {
        let host = self.host;
        let unsound = |reason: String| Error::HotCrate { hot_crate: host.name(), reason };
        let manifest = match &self.plugin {
            Some(plugin) => plugin.manifest.clone(),
            None => {
                Manifest::of_record(host.manifest()).map_err(|error| unsound(error.to_string()))?
            }
        };
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
        let stages = Stages::create(&stage_dir)?
            .with_limit(self.artifact_limit)
            .with_trust(self.trust.clone());
        let stages = Arc::new(stages);
        let (notice_sender, notices) = bounded(64);
        let besides = artifacts.iter().filter_map(|path| trust::watched_besides(&self.trust, path));
        let watched = artifacts.iter().cloned().chain(besides);
        let watcher = Watcher::new(watched, self.watch, notice_sender)?;

        let feed = Feed::default();
        let (commands, inbox) = unbounded();
        let control = match &self.plugin {
            Some(_) => None,
            None => self.connect(&feed, &commands)?,
        };
        let announcer = Announcer::new(host.name(), feed.clone(), control);
        // Started before the lineage is taken, which nobody could give back.
        let (owner, owned) = bounded::<Owner>(1);
        let thread = std::thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || Some(owned.recv().ok()?.run(&inbox, &notices)))
            .map_err(|source| Error::ThreadStart { name: THREAD, source })?;
        listen(host, &announcer, self.settings.rollback_on_panic.map(|_| commands.clone()));
        let is_plugin = self.plugin.is_some();
        let lineage = unpark(host).unwrap_or_else(|| Lineage::begin(host, &functions, is_plugin));
        if !is_plugin {
            let announcer = announcer.clone();
            state::begin(host, move |unused| announcer.tell(&Event::StateNotUsed(unused.clone())));
        }
        let setup = Setup {
            host,
            is_plugin,
            manifest,
            functions,
            lineage,
            artifacts,
            linked: modified(&executable),
            stages: Arc::clone(&stages),
            watcher,
            settings: self.settings,
            announcer,
        };
        // The thread waits for it, and ends only after this.
        let _ = owner.send(Owner::new(setup));
        Ok(Runtime { host, commands, feed, stages, thread: Some(thread) })
    }

    /// Connects to the `cargo liveswap` that started this program, if one did.
    fn connect(&self, feed: &Feed, commands: &Sender<Command>) -> Result<Option<Control>, Error> {
        let (feed, commands) = (feed.clone(), commands.clone());
        let deliver = move |message| match message {
            // Fails only when the owner thread has ended, and then nobody wants to know.
            FromCli::AskStatus => drop(commands.send(Command::TellStatus)),
            FromCli::SaveStates => drop(commands.send(Command::SaveStates)),
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

/// Takes up a plugin's artifact for the first time.
fn take_up(runtime: Runtime, path: &Path) -> Result<Runtime, Error> {
    let plugin = |refusal| Error::Open { path: path.to_owned(), refusal };
    for _ in 0..ATTEMPTS {
        match runtime.reload_now()?.outcome {
            Outcome::Swapped { .. } | Outcome::Unchanged { .. } => return Ok(runtime),
            Outcome::Refused(refusal) => return Err(plugin(refusal)),
            Outcome::Superseded => {}
        }
    }
    Err(plugin(refuse::restless(path)))
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}
