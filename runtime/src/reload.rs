//! The owner thread: it alone takes up artifacts, swaps generations and lets them go.
//!
//! Everything that can fail happens before the swap, step by step, and leaves the current generation untouched.
//! After the swap nothing can fail: a generation that cannot go stays.

mod back;
mod examine;
mod lineage;
mod migrate;
mod pipeline;
mod save;
mod setup;
mod watched;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, after, never, select};
use liveswap_abi::HotCrate;

use crate::anew::anew;
use crate::announce::Announcer;
use crate::check::Functions;
use crate::clock::{Clock, Stopwatch, SystemClock};
use crate::event::{Cause, Event, Outcome, Reload, Retirement};
use crate::file::FileIdentity;
use crate::generation::Candidate;
use crate::history::History;
use crate::inside::Inside;
use crate::refuse;
use crate::retire;
use crate::scan;
use crate::stage::Stages;
use crate::status::{Counts, Status};
use crate::trust::Standing;
use crate::verify::Manifest;
use crate::watch::settle::{Settle, Timing};
use crate::watch::{Look, Method, Notice, Touch, Watcher};

pub(crate) use lineage::Lineage;
use pipeline::{Origin, Taken};
pub use setup::RollbackOnPanic;
pub(crate) use setup::{Command, Settings, Setup};

/// What wakes the owner thread.
enum Wake {
    Notice(Notice),
    Command(Command),
    Due,
    Orphaned,
}

/// A place where an artifact may appear.
struct Source {
    path: PathBuf,
    settle: Settle,
    noticed: Option<Instant>,
    /// If what is there was not trusted when last looked at: what that was decided by besides its content.
    distrusted: Option<Standing>,
}

/// A refused artifact that is loaded, the thread that may be inside it, and when to look again.
struct Refused {
    candidate: Candidate,
    inside: Option<Inside>,
    due: Instant,
}

/// The owner thread's state.
pub(crate) struct Owner {
    host: &'static HotCrate,
    is_plugin: bool,
    manifest: Manifest,
    functions: Functions,
    lineage: Lineage,
    sources: Vec<Source>,
    /// Files that need not be taken up: those that are part of the program, and the one taken up last, by whichever of
    /// its names.
    known: Vec<FileIdentity>,
    /// How many of them are part of the program.
    linked: usize,
    stages: Arc<Stages>,
    watcher: Watcher,
    method: Method,
    settings: Settings,
    history: History,
    /// The last threads that run hooks, which the next ones wait for.
    hooks: Option<Inside>,
    /// Saves the states; not waited for at the end, because it may wait for a state that nobody closes.
    saving: Option<JoinHandle<()>>,
    /// Refused artifacts whose code may still run.
    refused: Vec<Refused>,
    counts: Counts,
    last: Option<Reload>,
    announcer: Announcer,
}

impl Owner {
    pub(crate) fn new(setup: Setup) -> Owner {
        let Setup { host, is_plugin, manifest, functions, lineage, artifacts, linked, .. } = setup;
        let method = setup.watcher.method();
        let history = lineage.history(setup.settings.history, is_plugin);
        let mut owner = Owner {
            host,
            is_plugin,
            manifest,
            functions,
            lineage,
            sources: Vec::new(),
            known: Vec::new(),
            linked: 0,
            stages: setup.stages,
            watcher: setup.watcher,
            settings: setup.settings,
            history,
            hooks: None,
            saving: None,
            refused: Vec::new(),
            counts: Counts::default(),
            last: None,
            announcer: setup.announcer,
            method,
        };
        for path in artifacts {
            let mut settle = Settle::new(timing(&owner.method));
            let look = Look::at(&path);
            let identity = look.as_ref().and_then(|look| look.identity);
            let is_linked =
                identity.and_then(|is| is.modified).zip(linked).is_some_and(|(m, l)| m <= l);
            if is_linked {
                owner.known.extend(identity);
            } else if look.is_some() && !is_plugin {
                // A plugin's first artifact is taken up at once, by whoever opens it.
                settle.touched(Touch::Changed, SystemClock.now());
            }
            owner.sources.push(Source { path, settle, noticed: None, distrusted: None });
        }
        owner.linked = owner.known.len();
        owner
    }

    /// Runs until told to end, or until whoever could tell is gone.
    pub(crate) fn run(
        mut self,
        commands: &Receiver<Command>,
        notices: &Receiver<Notice>,
    ) -> Lineage {
        loop {
            match self.wait(commands, notices) {
                Wake::Notice(notice) => self.noticed(&notice),
                Wake::Command(Command::Reload(answer)) => {
                    let reload = self.reload_now();
                    // Whoever asked may have stopped waiting.
                    let _ = answer.send(anew(&reload));
                }
                Wake::Command(Command::RollBack(answer)) => {
                    let reload = self.roll_back();
                    let _ = answer.send(anew(&reload));
                }
                Wake::Command(Command::Activate(generation, answer)) => {
                    let reload = self.activate(generation);
                    let _ = answer.send(anew(&reload));
                }
                Wake::Command(Command::History(answer)) => {
                    let _ = answer.send(anew(&self.history.entries()));
                }
                Wake::Command(Command::Panicked(generation, panic, at)) => {
                    self.panicked(generation, &panic, at);
                }
                Wake::Command(Command::Find(wanted, answer)) => {
                    let Lineage { exports, uses, .. } = &mut self.lineage;
                    let _ = answer.send(exports.find(&wanted, uses));
                }
                Wake::Command(Command::Status(answer)) => {
                    let _ = answer.send(anew(&self.status()));
                }
                Wake::Command(Command::SaveStates) => self.save_states(),
                Wake::Command(Command::TellStatus) => self.announcer.tell_status(&self.status()),
                Wake::Due => self.due(),
                Wake::Command(Command::Shutdown) | Wake::Orphaned => break,
            }
        }
        if self.is_plugin {
            self.close();
        }
        self.announcer.end();
        self.lineage
    }

    fn wait(&self, commands: &Receiver<Command>, notices: &Receiver<Notice>) -> Wake {
        let timer = match self.next_due() {
            Some(due) => after(due.saturating_duration_since(SystemClock.now())),
            None => never(),
        };
        select! {
            recv(commands) -> command => command.map_or(Wake::Orphaned, Wake::Command),
            recv(notices) -> notice => notice.map_or(Wake::Orphaned, Wake::Notice),
            recv(timer) -> _ => Wake::Due,
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let looks = self.sources.iter().filter_map(|source| source.settle.due());
        let refused = self.refused.iter().map(|refused| refused.due);
        looks.chain(self.lineage.old.due()).chain(refused).min()
    }

    /// Does everything whose time has come.
    fn due(&mut self) {
        self.follow_method();
        let now = SystemClock.now();
        for index in 0..self.sources.len() {
            if self.sources[index].settle.due().is_some_and(|due| due <= now) {
                self.look(index);
            }
        }
        self.retire();
    }

    /// Takes up the newest artifact there is, without waiting for it to settle.
    fn reload_now(&mut self) -> Reload {
        let newest = self
            .sources
            .iter()
            .filter_map(|source| {
                let modified = std::fs::symlink_metadata(&source.path).ok()?.modified().ok();
                Some((modified, source.path.clone()))
            })
            .max_by_key(|(modified, _)| *modified);
        match newest {
            Some((_, path)) => self.reload(&Origin::Asked(path), None, Cause::Artifact),
            None => {
                let path =
                    self.sources.first().map(|source| source.path.clone()).unwrap_or_default();
                let refusal = refuse::no_artifact(&path);
                let outcome = Outcome::Refused(refusal);
                self.finish(outcome, Cause::Artifact, path, Taken::default(), None)
            }
        }
    }

    /// Takes an artifact, or a generation of the history, through the pipeline and says how that ended.
    fn reload(&mut self, origin: &Origin, noticed: Option<Instant>, cause: Cause) -> Reload {
        let started = SystemClock.now();
        let (outcome, taken) = self.take_up(origin, noticed);
        let artifact = self.artifact(origin);
        self.finish(outcome, cause, artifact, taken, noticed.or(Some(started)))
    }

    fn take_up(&mut self, origin: &Origin, noticed: Option<Instant>) -> (Outcome, Taken) {
        let mut taken = Taken::default();
        let mut stopwatch = Stopwatch::start(SystemClock);
        if let Some(noticed) = noticed {
            taken.timings.settle = stopwatch.started().saturating_duration_since(noticed);
        }
        let outcome = self.pipeline(origin, &mut taken, &mut stopwatch);
        (outcome.unwrap_or_else(|stop| stop), taken)
    }

    /// The one end of every reload.
    fn finish(
        &mut self,
        outcome: Outcome,
        cause: Cause,
        artifact: PathBuf,
        taken: Taken,
        since: Option<Instant>,
    ) -> Reload {
        let Taken { digest, signed, mut timings } = taken;
        if let Some(since) = since {
            timings.total = SystemClock.now().saturating_duration_since(since);
        }
        match &outcome {
            Outcome::Swapped { generation, .. } => {
                self.counts.swapped += 1;
                tracing::info!(generation, %cause, ?timings, "swapped");
            }
            Outcome::Unchanged { .. } => self.counts.unchanged += 1,
            Outcome::Superseded => self.counts.superseded += 1,
            Outcome::Refused(refusal) => {
                self.counts.refused += 1;
                tracing::warn!(%refusal, %cause, "refused");
            }
        }
        let reload = Reload { outcome, cause, artifact, digest, signed, timings };
        self.last = Some(reload.clone());
        self.announcer.tell(&Event::Reloaded(reload.clone()));
        self.retire();
        reload
    }

    /// Looks at the old generations whose time has come.
    fn retire(&mut self) {
        let now = SystemClock.now();
        let Lineage { old, slots, .. } = &mut self.lineage;
        for event in old.look(self.host.gate(), slots, &self.settings.protections, now) {
            if let Event::Retired { generation, outcome: Retirement::Unloaded } = event {
                self.counts.unloaded += 1;
                self.history.unloaded(generation);
            }
            self.announcer.tell(&event);
        }
        for refused in std::mem::take(&mut self.refused) {
            match refused.due <= now {
                true => self.discard(refused.candidate, refused.inside),
                false => self.refused.push(refused),
            }
        }
    }

    /// Watching can fall back to polling at any time.
    fn follow_method(&mut self) {
        let method = self.watcher.method();
        if method == self.method {
            return;
        }
        let timing = timing(&method);
        self.sources.iter_mut().for_each(|source| source.settle.set_timing(timing));
        self.method = method;
        self.announcer.tell(&Event::Watching { method: words(&self.method) });
    }

    fn status(&self) -> Status {
        let now = SystemClock.now();
        let mut generations = self.lineage.old.status(self.host.gate(), &self.lineage.slots, now);
        let current = &self.lineage.current;
        let holders = retire::left_behind(current, &self.lineage.slots, now);
        generations.push(retire::status(current, holders, now));
        Status {
            hot_crate: self.host.name().to_owned(),
            current: self.lineage.current.number,
            generations,
            counts: self.counts,
            last: self.last.clone(),
            artifacts: self.sources.iter().map(|source| source.path.clone()).collect(),
            watching: words(&self.method),
            stages: self.stages.directory().to_owned(),
            trust: self.stages.trust().to_string(),
            searched: scan::latest(),
        }
    }
}

fn timing(method: &Method) -> Timing {
    match method {
        Method::Native => Timing::NATIVE,
        Method::Polling { interval, .. } => Timing::polling(*interval),
    }
}

fn words(method: &Method) -> String {
    match method {
        Method::Native => "by the system's events".to_owned(),
        Method::Polling { interval, why: None } => format!("by polling every {interval:?}"),
        Method::Polling { interval, why: Some(why) } => {
            format!("by polling every {interval:?}, because {why}")
        }
    }
}
