//! What the owner thread is started with, and asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use liveswap_abi::HotCrate;

use super::Lineage;
use crate::announce::Announcer;
use crate::check::Functions;
use crate::event::{HotPanic, Reload};
use crate::exports::{Found, Wanted};
use crate::generation::Protections;
use crate::history::HistoryEntry;
use crate::lookup::LookupError;
use crate::stage::Stages;
use crate::status::Status;
use crate::verify::Manifest;
use crate::watch::Watcher;

/// What the owner thread is asked from outside.
pub(crate) enum Command {
    /// Take up the artifact as it is now and answer with how that ended.
    Reload(Sender<Reload>),
    /// Make the generation before the current one current and answer with how that ended.
    RollBack(Sender<Reload>),
    /// Make this generation of the history current and answer with how that ended.
    Activate(u64, Sender<Reload>),
    /// Answer with the generations there are and were.
    History(Sender<Vec<HistoryEntry>>),
    /// Judge the generation with this number, which panicked at this moment.
    Panicked(u64, HotPanic, Instant),
    /// Answer with the place of a function or value of the current generation.
    Find(Wanted, Sender<Result<Found, LookupError>>),
    /// Answer with a picture of the runtime.
    Status(Sender<Status>),
    /// Tell `cargo liveswap` the status, which it asked for.
    TellStatus,
    /// Save the named states and tell `cargo liveswap`, which asked for it.
    SaveStates,
    /// End.
    Shutdown,
}

/// Takes a generation back that panics soon after it became current; set by
/// [`Builder::rollback_on_panic`](crate::Builder::rollback_on_panic).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollbackOnPanic {
    /// How long after its swap a panic that leaves one of its functions takes the generation back.
    pub window: Duration,
}

/// The settings of a program that the owner thread keeps to.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Reports a generation as held when it is not free this long after it was replaced.
    pub(crate) report_after: Duration,
    /// How long the self-checks of one generation may take.
    pub(crate) self_check_deadline: Duration,
    /// Whether artifacts with initializers of their own are loaded in a copy of the process first.
    pub(crate) try_initializers: bool,
    /// How long a state that has to be carried over may stay open.
    pub(crate) migrate_deadline: Duration,
    /// How many stages are kept.
    pub(crate) history: usize,
    pub(crate) rollback_on_panic: Option<RollbackOnPanic>,
    /// What is asked of a generation that nothing is known to hold, before it is unloaded.
    pub(crate) protections: Protections,
}

/// What the owner thread is started with.
pub(crate) struct Setup {
    pub(crate) host: &'static HotCrate,
    /// Whether all of the crate's code comes from artifacts.
    pub(crate) is_plugin: bool,
    pub(crate) manifest: Manifest,
    pub(crate) functions: Functions,
    pub(crate) lineage: Lineage,
    pub(crate) artifacts: Vec<PathBuf>,
    /// Artifacts that are not newer than this are part of the program already.
    pub(crate) linked: Option<std::time::SystemTime>,
    pub(crate) stages: Arc<Stages>,
    pub(crate) watcher: Watcher,
    pub(crate) settings: Settings,
    pub(crate) announcer: Announcer,
}
