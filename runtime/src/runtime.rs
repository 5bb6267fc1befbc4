//! The handle that a host keeps: it starts the owner thread, asks it, and ends it.

mod builder;
mod listen;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use liveswap_abi::HotCrate;
use liveswap_abi::function::ExactType;
use liveswap_abi::gate::PinHold;
use liveswap_abi::layout::{Describer, Layout};
use liveswap_abi::lookup::FnType;

use crate::error::Error;
use crate::event::{Reload, UnusedState};
use crate::exports::{Found, Wanted};
use crate::feed::{Events, Feed};
use crate::history::HistoryEntry;
use crate::lookup::{HotFn, HotRef, ItemKind, LookupError};
use crate::reload::{Command, Lineage};
use crate::stage::Stages;
use crate::state::{self, SavedStates};
use crate::status::Status;

pub use builder::Builder;

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
    thread: Option<JoinHandle<Option<Lineage>>>,
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
        Builder::new(hot_crate)
    }

    /// Opens the artifact at `path` as a plugin: code of a crate that the program was not linked with.
    ///
    /// What it has is found by name, with [`Runtime::function`] and [`Runtime::value`]. Its file is watched, and a good new
    /// one is swapped in, like any artifact. Dropping the runtime unloads it, as far as nothing holds it; handles that are
    /// left say [`Gone`](crate::Gone).
    ///
    /// ```no_run
    /// let plugin = liveswap::Runtime::open("plugins/libfilters.so")?;
    /// let sharpen = plugin.function::<fn(&mut [u8], f32)>("filters::sharpen")?;
    /// let mut pixels = [0; 64];
    /// sharpen.call((&mut pixels, 0.5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`Builder::of_artifact`], which has other settings, and [`Builder::start`].
    pub fn open(path: impl AsRef<Path>) -> Result<Runtime, Error> {
        Builder::of_artifact(path)?.start()
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

    /// The generations that this runtime has and had, oldest first, as far back as stages are kept.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if the owner thread is gone.
    pub fn history(&self) -> Result<Vec<HistoryEntry>, Error> {
        self.ask(Command::History)
    }

    /// Makes the generation before the current one current, and says how that ended.
    ///
    /// "Before" means the code that came before; called again, it goes further back, at last to generation 0. The
    /// generation that is left is [`Fate::Withdrawn`](crate::Fate::Withdrawn): the watcher leaves its code alone until
    /// another one was swapped in. For the rest it is what [`Runtime::activate`] does.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if the owner thread is gone. Where nothing is before, the answer is an
    /// [`Outcome::Refused`](crate::Outcome::Refused).
    pub fn rollback(&self) -> Result<Reload, Error> {
        self.ask(Command::RollBack)
    }

    /// Makes a generation of the history current, and says how that ended.
    ///
    /// Its stage is copied and takes every step that an artifact takes, its own self-checks too, so it can be refused like
    /// one. It gets a number of its own, since a generation is one loaded version; only generation 0, which is never
    /// loaded, comes back under its number. Statics of hot code begin anew. [`Reload::cause`](crate::Reload::cause) says which
    /// generation was asked for.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if the owner thread is gone. A generation whose stage is not kept any more is an
    /// [`Outcome::Refused`](crate::Outcome::Refused).
    pub fn activate(&self, generation: u64) -> Result<Reload, Error> {
        self.ask(|answer| Command::Activate(generation, answer))
    }

    /// Makes generation 0, the code linked into the program, current again: [`Runtime::activate`] of 0.
    ///
    /// An artifact that appears later is swapped in as always. State in statics of hot code is that of generation 0.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`] if the owner thread is gone.
    pub fn return_to_linked(&self) -> Result<Reload, Error> {
        self.activate(0)
    }

    /// The public hot function at `path`, as in `game::rules::price`, of the current generation.
    ///
    /// `F` is the type of a pointer to it, as [`FnType`] describes. It is compared with the function's own: the types, their
    /// lifetimes, `unsafe`, and the layouts of all that they reach. It works also for functions that the program was not linked with.
    ///
    /// ```no_run
    /// # fn look(runtime: &liveswap::Runtime) -> Result<(), Box<dyn std::error::Error>> {
    /// let price = runtime.function::<fn(u32) -> u32>("game::rules::price")?;
    /// println!("{} cents", price.call((4,))?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LookupError`], which says what there is instead.
    pub fn function<F: FnType>(&self, path: &str) -> Result<HotFn<F>, LookupError> {
        let (kind, exact) = (ItemKind::Function, ExactType::of::<F>());
        let found =
            self.find(Wanted { kind, path: path.to_owned(), exact, describe: F::describe })?;
        Ok(HotFn::new(self.host, found.slot, found.in_use))
    }

    /// The public hot value at `path`, as in `game::TUNING`, of the current generation.
    ///
    /// ```no_run
    /// # fn look(runtime: &liveswap::Runtime) -> Result<(), Box<dyn std::error::Error>> {
    /// let speed = runtime.value::<f32>("game::SPEED")?;
    /// println!("{} meters a second", speed.get()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LookupError`], which says what there is instead.
    pub fn value<T: Layout + Sync + 'static>(&self, path: &str) -> Result<HotRef<T>, LookupError> {
        let (kind, exact) = (ItemKind::Value, ExactType::of::<T>());
        let describe = |describer: &mut Describer<'_>| {
            let value = describer.node::<T>();
            describer.value(value);
        };
        let found = self.find(Wanted { kind, path: path.to_owned(), exact, describe })?;
        Ok(HotRef::new(self.host, found.slot, found.in_use))
    }

    fn find(&self, wanted: Wanted) -> Result<Found, LookupError> {
        let (answer, answered) = bounded(1);
        let asked = self.commands.send(Command::Find(wanted, answer));
        asked.map_err(|_| LookupError::Ended)?;
        answered.recv().map_err(|_| LookupError::Ended)?
    }

    /// The directory in which this process keeps its stages.
    #[must_use]
    pub fn stage_directory(&self) -> &Path {
        self.stages.directory()
    }

    /// Saves the named states now, where `LIVESWAP_STATE_DIR` says; they are saved at the runtime's end anyway.
    ///
    /// It waits while somebody has one of them open. Nothing is saved where the variable is not set.
    pub fn save_states(&self) -> SavedStates {
        state::save()
    }

    /// The values of the last run that this program has not used, each with its reason and where its file is now.
    ///
    /// Also told as [`Event::StateNotUsed`](crate::Event::StateNotUsed), but what is found while the runtime starts
    /// nobody can hear.
    #[must_use]
    pub fn unused_states(&self) -> Vec<UnusedState> {
        state::unused()
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
        let ended = self.thread.take().map(JoinHandle::join);
        self.host.set_panic_listener(None);
        self.host.set_left_listener(None);
        // Without the lineage nobody may number the crate's entries again, or slots would change their meaning.
        if let Some(Ok(Some(lineage))) = ended {
            park(self.host, lineage);
            state::end(self.host);
            self.host.give_up_ownership();
        }
    }
}

/// Generations of crates whose runtime has ended: the program still calls them, and a later runtime goes on from there.
///
/// By the address of the host's record: a plugin may have the name of a linked crate.
static PARKED: Mutex<Option<HashMap<usize, Lineage>>> = Mutex::new(None);

fn park(host: &'static HotCrate, lineage: Lineage) {
    let mut parked = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
    parked.get_or_insert_default().insert(address(host), lineage);
}

fn unpark(host: &'static HotCrate) -> Option<Lineage> {
    PARKED.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.remove(&address(host))
}

fn address(host: &'static HotCrate) -> usize {
    std::ptr::from_ref(host).addr()
}
