//! Watching files: who touched them, and when one that was written may be taken.
//!
//! [`Watcher`] turns what the system says, or what polling finds, into [`Notice`]s. [`settle`]
//! decides from notices and [`Look`]s when an artifact is settled. Neither knows the other: whoever
//! owns both passes the one's notices to the other.

mod arm;
pub mod extent;
mod inbox;
mod look;
mod poll;
pub mod settle;
mod watcher;
#[cfg(target_os = "linux")]
pub(crate) mod writer;
/// Elsewhere nobody is known to write.
#[cfg(not(target_os = "linux"))]
pub(crate) mod writer {
    pub(crate) fn is_there(_: &std::path::Path) -> bool {
        false
    }
}

pub use look::Look;
pub use watcher::{Method, Mode, Watcher};

use std::path::PathBuf;

/// Something happened to a watched file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The file, in the words in which it was given to the watcher.
    pub path: PathBuf,
    /// What happened to it last.
    pub touch: Touch,
}

/// What happened to a file, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// Its name appeared: a writer made it, or it was linked there.
    Created,
    /// Bytes were written, and the writer's closing will be seen.
    Written,
    /// A writer closed it.
    Closed,
    /// Another file was renamed to this name.
    Replaced,
    /// Its name is gone.
    Removed,
    /// Its permissions, times or number of names changed, its content not.
    Attributes,
    /// It is not what it was; how that came about, and whether more will come, is not known.
    Changed,
}
