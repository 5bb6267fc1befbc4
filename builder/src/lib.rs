//! Edited sources to artifact, fast.
//!
//! The compiler's command for a hot crate is captured once, while cargo builds the host, and
//! replayed after every save. The crate stays the same crate to the compiler, so its types are
//! those of the host; cargo and its own state are not touched.
//!
//! - [`Builder`] is where everything starts: [`build_host`](Builder::build_host) once, then
//!   [`start`](Builder::start) after every save.
//! - [`Task`] is work in progress: its [`BuildEvent`]s, its end, its cancellation.
//! - [`Outcome`] and [`Error`] are its two ends.
//! - [`maybe_run_as_wrapper`] goes first into the `main` of every program that uses a [`Builder`].

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod adopt;
mod args;
mod build;
mod builder;
mod capture;
mod cargo;
mod depinfo;
mod diagnostics;
mod differences;
mod effect;
mod error;
mod freshness;
mod imports;
mod kind;
mod layout;
mod link;
mod linker;
mod memory;
mod outcome;
mod outputs;
mod process;
mod project;
mod recipe;
mod record;
mod replay;
mod seal;
mod settings;
mod stamp;
mod task;
mod toolchain;
mod watch_list;
mod wrapper;

pub use builder::{Builder, BuiltHost, Input, Missing, remove_leftovers};
pub use diagnostics::{Diagnostic, Level, Span};
pub use effect::{Effects, ItemKind, Texts, WithoutEffect};
pub use error::Error;
pub use freshness::{InputRole, Stale};
pub use outcome::{Artifact, ArtifactKind, BuildEvent, Change, NotShared, Outcome, Timings};
pub use project::{CargoFlags, Host, HostTarget, Project};
pub use seal::seal;
pub use settings::{DebugInfo, KindPolicy, LinkArgs, LinkerPolicy, Settings};
pub use task::Task;
pub use wrapper::maybe_run_as_wrapper;
