//! What both sides of a Liveswap reload compile: the dispatch tables, the gate that counts who is inside a
//! generation, the panic fence, the manifest and the signatures of hot functions.
//!
//! A hot crate depends on this crate and on `liveswap-macros`, declares itself once with [`hot_crate!`] and marks
//! functions with `#[hot]`. It never links the watcher or the loader. This crate does no I/O.
//!
//! Hot functions are replaceable ([`ACTIVE`]) in builds with debug assertions or with the feature `always`;
//! elsewhere `#[hot]` leaves the function exactly as written.

#![warn(missing_docs, unreachable_pub)]
#![cfg_attr(loom, allow(dead_code, reason = "the model checker needs the gate only"))]

#[cfg(not(loom))]
mod allocator;
mod barrier;
mod declare;
pub mod dispatch;
#[cfg(not(loom))]
pub mod function;
pub mod gate;
#[cfg(not(loom))]
pub mod hook;
#[cfg(not(loom))]
mod hot_crate;
#[cfg(not(loom))]
mod interpose;
#[cfg(not(loom))]
pub mod layout;
#[cfg(not(loom))]
mod lease;
#[cfg(not(loom))]
pub mod lookup;
pub mod manifest;
#[cfg(not(loom))]
pub mod panic;
#[cfg(not(loom))]
mod plugin;
#[cfg(not(loom))]
pub mod state;
mod sync;
mod total;
#[cfg(not(loom))]
pub mod value;

pub use barrier::BarrierUnavailable;
pub use declare::ACTIVE;
#[cfg(not(loom))]
pub use hot_crate::{HOT_CRATES, HotCrate, LocalRecord, ThreadExit, attach};
#[cfg(not(loom))]
pub use interpose::{Left, LeftBehind, LeftKind, Loading};
#[cfg(not(loom))]
pub use lease::{Lease, LeasedFuture, SpawnError};
#[cfg(not(loom))]
pub use value::HotValue;

#[doc(hidden)]
pub mod __private {
    #[cfg(not(loom))]
    pub use crate::lease::{boxed, future, set_spawner, sized, spawn};
    pub use linkme;
    pub use pastey;
}
