//! Swap the functions of a running Rust program.
//!
//! A host links its hot crate as an ordinary library and starts a [`Runtime`]. From then on every good artifact of the
//! hot crate becomes a new generation: calls enter the new code, calls inside the old code finish there, and the old
//! library is unloaded once nothing can reach it any more. A bad artifact changes nothing and says why.
//!
//! ```no_run
//! # mod game { liveswap_abi::hot_crate!(); }
//! # fn main() -> Result<(), liveswap::Error> {
//! let runtime = liveswap::Runtime::start(game::hot_crate())?;
//! println!("generation {}", runtime.generation());
//! # Ok(())
//! # }
//! ```

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod anew;
mod announce;
#[allow(unsafe_code, reason = "callsites in the memory of an artifact are found and changed here")]
mod callsites;
mod check;
pub mod clock;
pub mod control;
mod drain;
#[allow(unsafe_code, reason = "the loader's own calls live here and nowhere else on this floor")]
pub mod dylib;
mod error;
pub mod event;
mod exports;
mod feed;
pub mod file;
#[allow(unsafe_code, reason = "what may be unloaded, and when, is decided here")]
mod generation;
mod history;
mod hooks;
pub mod imports;
mod initializers;
mod inside;
pub mod keeps;
pub mod locate;
#[allow(unsafe_code, reason = "a slot that was found by name is given its type here")]
mod lookup;
mod panics;
mod plugin;
mod refuse;
mod reload;
mod retire;
mod runtime;
mod scan;
mod seal;
mod self_check;
mod spawn;
pub mod stage;
mod state;
mod status;
pub mod structure;
mod symbol;
mod thread;
pub mod trust;
pub mod verify;
pub mod watch;
pub mod wire;

pub use error::{Error, Unfinished};
pub use event::{
    Cause, EditClass, Event, HotPanic, Outcome, Refusal, Reload, Retirement, Signed, Step,
    UnusedState,
};
pub use feed::Events;
pub use history::{Fate, HistoryEntry};
pub use liveswap_abi::lookup::{FnType, SafeFnType};
pub use liveswap_abi::state::{OpenError, OpenFailure, Saved, State, StateError};
pub use liveswap_abi::{Lease, LeasedFuture, SpawnError};
pub use lookup::{Gone, HotFn, HotRef, ItemKind, LookupError};
pub use reload::RollbackOnPanic;
pub use runtime::{Builder, Pin, Runtime};
pub use spawn::set_spawner;
pub use state::{STATE_DIR, SavedStates, StateFile, StateFileError, saved_value};
pub use status::{Counts, GenerationState, GenerationStatus, Searched, Status};
pub use trust::{PublicKey, Trust, TrustError};

/// The guide's examples, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide.md")]
mod guide {}
