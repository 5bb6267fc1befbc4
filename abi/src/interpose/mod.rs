//! Threads, thread-local destructors and pthread keys that hot code leaves behind, counted where they are made.
//!
//! An artifact with its own standard library calls the C library for these. abi defines the functions it calls for
//! them itself, with hidden visibility, so that they bind inside the artifact; they hand the request to the host's copy
//! of abi together with the generation's [`LeftBehind`], and the host's copy wraps the thread's entry or the destructor
//! in code of its own. So a count is lowered by code of the host after the last instruction of the generation ran.
//!
//! In the host itself, which is never unloaded, the same functions pass every request on unchanged.
//!
//! Compile with `--cfg liveswap_no_interpose` (in `RUSTFLAGS`) where another tool defines these symbols in the program,
//! such as a sanitizer's runtime: every generation is then retained.
//!
//! Numbered obligations:
//!
//! I1. A count is raised before the request reaches the C library, and lowered if that refuses it.
//! I2. A count is lowered (release) after the generation's code returned, by code that is never unloaded; the owner
//!     thread reads it (acquire) before it unloads.
//!     Something that is counted makes the next before it ends itself, so the total is only zero when nothing is left.
//! I3. What cannot be counted (no room to track a key, a platform without interposers) says so in
//!     [`LeftBehind::is_provable`], and the generation is retained.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
    /// All counts together: reading them one by one could miss what moves from one to another meanwhile.
    total: AtomicUsize,
    counts: [AtomicUsize; 3],
    unprovable: AtomicBool,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Thread,
    Destructor,
    KeyValue,
}

impl LeftBehind {
    /// Nothing left behind so far.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "made for one generation, never by default")]
    pub const fn new() -> LeftBehind {
        LeftBehind {
            total: AtomicUsize::new(0),
            counts: [const { AtomicUsize::new(0) }; 3],
            unprovable: AtomicBool::new(true),
        }
    }

    /// Threads started by the generation's code that still run it.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.count(Kind::Thread)
    }

    /// Thread-local destructors of the generation that have not run.
    #[must_use]
    pub fn destructors(&self) -> usize {
        self.count(Kind::Destructor)
    }

    /// Values under the generation's pthread keys whose destructor has not run.
    #[must_use]
    pub fn key_values(&self) -> usize {
        self.count(Kind::KeyValue)
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
        // Acquire pairs with the release in `lower` (I2).
        self.total.load(Ordering::Acquire) == 0
    }

    /// Deletes the pthread keys that the generation's code created and never deleted.
    ///
    /// To be called once, when [`LeftBehind::is_empty`] and no call is inside the generation, before it is unloaded.
    pub fn release_keys(&self) {
        platform::release_keys(self);
    }

    fn count(&self, kind: Kind) -> usize {
        // Relaxed: for reports; `is_empty` decides.
        self.counts[kind as usize].load(Ordering::Relaxed)
    }
}

/// Connects the interposers of the calling copy of abi to `left_behind`.
pub(crate) fn connect(left_behind: &'static LeftBehind, host: &'static HostSide) {
    platform::connect(left_behind, host);
}

pub(crate) use platform::{HOST_SIDE, HostSide};
