//! Threads, thread-local destructors and pthread keys that hot code leaves behind, counted where they are made.
//!
//! A standard library calls the C library for these. abi defines the functions it calls for them itself, with hidden
//! visibility, so that they bind inside the image that abi is in. Whose they are is known in two ways:
//!
//! - A *standalone* artifact has a standard library and a copy of abi. That copy hands each request to the
//!   host's copy together with the generation's [`LeftBehind`].
//! - A *shared* artifact uses the host's standard library, so the request arrives in the host's own interposers, among
//!   the program's. They find the generation by what is registered and by who registers it (`shared.rs`). What the
//!   artifact's code asks of the C library itself is redirected there when the artifact is linked.
//!
//! Either way the host's copy wraps the thread's entry or the destructor in code of its own. So a count is lowered by
//! code of the host after the last instruction of the generation ran. What belongs to no generation is passed on
//! unchanged.
//!
//! A sanitizer's own `pthread_create` is called in the C library's stead where the program exports it
//! (`-C link-arg=-rdynamic`, which artifacts need of an instrumented program anyway).
//!
//! Compile with `--cfg liveswap_no_interpose` (in `RUSTFLAGS`) where another tool defines these symbols in the program:
//! every generation is then retained.
//!
//! Numbered obligations:
//!
//! I1. A count is raised before the request reaches the C library, and lowered if that refuses it.
//! I2. A count is lowered (release) after the generation's code returned, by code that is never unloaded; the owner
//!     thread reads it (acquire) before it unloads.
//!     Something that is counted makes the next before it ends itself, so the total is only zero when nothing is left.
//! I3. What cannot be counted (no room to track a key, a platform without interposers) says so in
//!     [`LeftBehind::is_provable`], and the generation is retained.
//! I4. A shared generation is withdrawn from the interposers before its total is read for the last time, so nothing is
//!     raised after it was found to be zero.

use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::dispatch::Dispatch;
use crate::gate::Gate;
use crate::total::Total;

mod count;

#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(target_feature = "crt-static"),
    any(debug_assertions, feature = "always"),
    not(any(miri, liveswap_no_interpose))
))]
#[path = "linux_gnu/mod.rs"]
mod platform;
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(target_feature = "crt-static"),
    any(debug_assertions, feature = "always"),
    not(any(miri, liveswap_no_interpose))
)))]
#[path = "none.rs"]
mod platform;

/// What the code of one generation left behind and what has not ended yet.
///
/// Made by the runtime, one a generation, and never freed before all counts are zero.
#[derive(Debug)]
#[repr(C)]
pub struct LeftBehind {
    /// All counts together.
    total: Total,
    counts: [AtomicUsize; 4],
    unprovable: AtomicBool,
    /// Whether something was left behind before it could be told what; see `shared.rs`, case 4.
    early: AtomicBool,
    gate: AtomicPtr<Gate>,
    dispatch: AtomicPtr<Dispatch>,
    /// The oldest of what is counted, for reports.
    known: Mutex<Vec<Known>>,
}

/// How many of the things that are left behind are described one by one.
const DESCRIBED: usize = 32;

/// One thing that the code of a generation left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// What it is.
    pub kind: LeftKind,
    /// The slot of the hot function that was running when it was left; `None` where that is not known.
    pub function: Option<usize>,
    /// The thread that it is, or on which it will run, or that made the lease, by the system's number.
    pub thread: u32,
    /// The type that is leased.
    pub leased: Option<String>,
    /// When it was left.
    pub since: Instant,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftKind {
    /// A thread that hot code started.
    Thread,
    /// The destructor of a thread-local value.
    Destructor,
    /// A value under a pthread key with a destructor.
    KeyValue,
    /// A value of the generation's code that somebody keeps, with a hold.
    Lease,
}

impl LeftBehind {
    /// Nothing left behind so far.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "made for one generation, never by default")]
    pub const fn new() -> LeftBehind {
        LeftBehind {
            total: Total::new(),
            counts: [const { AtomicUsize::new(0) }; 4],
            unprovable: AtomicBool::new(true),
            early: AtomicBool::new(false),
            gate: AtomicPtr::new(ptr::null_mut()),
            dispatch: AtomicPtr::new(ptr::null_mut()),
            known: Mutex::new(Vec::new()),
        }
    }

    /// Makes known by which table the generation's functions are called, before any of them is.
    pub fn set_table(&self, gate: &'static Gate, dispatch: *const Dispatch) {
        // An allocator that leaves something behind itself should not do it while the list is locked.
        Known::make_room(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner));
        self.gate.store(ptr::from_ref(gate).cast_mut(), Ordering::Relaxed);
        // Release pairs with the acquire in `running`.
        self.dispatch.store(dispatch.cast_mut(), Ordering::Release);
    }

    /// Counts what the calling thread leaves behind for as long as the guard lives: a library is loaded, and its
    /// initializers run before anybody can know where its code is.
    #[must_use]
    pub fn while_loading(&'static self) -> Loading {
        Loading { before: platform::set_loading(Some(self)) }
    }

    /// Has the host's interposers count for the generation, a shared one whose image is at `image`, and whose addresses are
    /// relative to `base`.
    ///
    /// Done before any of its functions is called. It is unprovable still where the program's standard library does
    /// not go through the interposers.
    pub fn watch(&'static self, base: usize, image: Vec<Range<usize>>) {
        platform::watch(self, base, image);
    }

    /// Has the host's interposers count for the generation no longer (I4).
    pub fn withdraw(&self) {
        platform::withdraw(self);
    }

    /// The oldest of what is left behind, one by one; the counts say how many there are in all.
    #[must_use]
    pub fn known(&self) -> Vec<Left> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(Known::left).collect()
    }

    /// The slot of the generation's function that the calling thread is in; `None` where it is in none.
    fn running(&self) -> Option<usize> {
        // Acquire pairs with the release in `set_table`.
        let dispatch = self.dispatch.load(Ordering::Acquire);
        // SAFETY: null, or stored by `set_table` from a `&'static` before the table.
        let gate = unsafe { self.gate.load(Ordering::Relaxed).as_ref() }?;
        if dispatch.is_null() {
            return None;
        }
        gate.call_of_this_thread(dispatch)
    }

    /// Threads started by the generation's code that still run it.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.count(LeftKind::Thread)
    }

    /// Thread-local destructors of the generation that have not run.
    #[must_use]
    pub fn destructors(&self) -> usize {
        self.count(LeftKind::Destructor)
    }

    /// Values under the generation's pthread keys whose destructor has not run.
    #[must_use]
    pub fn key_values(&self) -> usize {
        self.count(LeftKind::KeyValue)
    }

    /// Leases of the generation that have not been dropped.
    #[must_use]
    pub fn leases(&self) -> usize {
        self.count(LeftKind::Lease)
    }

    /// Whether the counts are complete: the image's interposers are connected and everything could be tracked.
    #[must_use]
    pub fn is_provable(&self) -> bool {
        // Acquire pairs with the release in `set_unprovable`.
        !self.unprovable.load(Ordering::Acquire)
    }

    /// Whether nothing of the generation can run any more because of what it left behind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total.is_zero() // I2
    }

    /// Deletes the pthread keys that the generation's code created and never deleted.
    ///
    /// To be called once, when [`LeftBehind::is_empty`] and no call is inside the generation, before it is unloaded.
    pub fn release_keys(&self) {
        platform::release_keys(self);
    }

    /// Where the program's code has the destructors of all pthread keys that generations created.
    ///
    /// They point into generations that nothing holds any more, and are called only for values, each of which is a hold.
    #[must_use]
    pub fn key_places() -> Range<usize> {
        platform::key_places()
    }

    fn count(&self, kind: LeftKind) -> usize {
        // Relaxed: for reports; `is_empty` decides.
        self.counts[kind as usize].load(Ordering::Relaxed)
    }
}

/// Counts what initializers leave behind while a library is loaded; made by [`LeftBehind::while_loading`].
#[derive(Debug)]
pub struct Loading {
    before: Option<&'static LeftBehind>,
}

impl Drop for Loading {
    fn drop(&mut self) {
        platform::set_loading(self.before);
    }
}

/// Connects the interposers of the calling copy of abi to `left_behind`.
pub(crate) fn connect(left_behind: &'static LeftBehind, host: &'static HostSide) {
    platform::connect(left_behind, host);
}

use count::Known;
pub(crate) use count::{lower_lease, raise_lease};
pub(crate) use platform::{HOST_SIDE, HostSide, run_in};
