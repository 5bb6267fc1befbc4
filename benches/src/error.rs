//! What can end a bench before it has its figures, one variant a failed step.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::patch::PatchError;

/// A failed step of a bench.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A library that is to be swapped is not where cargo leaves it.
    #[error(
        "build: `{}` cannot be read; run the benches with `cargo run --release -p liveswap-benches`",
        path.display()
    )]
    Built { path: PathBuf, source: io::Error },

    /// The library has no place for a number.
    #[error("build: versions of `{}` cannot be made", path.display())]
    Patch { path: PathBuf, source: PatchError },

    /// A file or directory of the bench itself.
    #[error("files: `{}` cannot be {action}; look at its permissions and at the room on the disk", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },

    /// A generated crate could not be compiled.
    #[error("build: {0}")]
    Fixture(#[from] liveswap_testkit::Error),

    /// A generated program or its artifact could not be built.
    #[error("build: {words}")]
    NotBuilt { words: String },

    /// The loader refused.
    #[error("load: `{}` cannot be loaded or unloaded", path.display())]
    Load { path: PathBuf, source: libloading::Error },

    /// The runtime failed.
    #[error("runtime: {0}")]
    Runtime(#[from] liveswap::Error),

    /// A reload ended in another way than with a swap.
    #[error("swap: version {version} was not swapped in: {outcome}")]
    NotSwapped { version: u64, outcome: String },

    /// A state could not be used.
    #[error("state: {words}")]
    State { words: String },

    /// Nothing was heard in time.
    #[error("{step}: no {what} within {within:?}")]
    TimedOut { step: &'static str, what: String, within: Duration },

    /// A call gave what no version gives.
    #[error("{step}: a call should have reached version {expected}, but version {found} answered")]
    WrongVersion { step: &'static str, expected: u64, found: u64 },

    /// A reload ended in another way than its artifact was made for, or nobody can tell.
    #[error(
        "soak: artifact {artifact}{}: expected {expected}, found {found}",
        what.as_ref().map(|what| format!(", {what}")).unwrap_or_default()
    )]
    WrongEvent { artifact: u64, what: Option<String>, expected: String, found: String },

    /// Something of old generations never ended.
    #[error("soak: {within:?} after the last call, {words}")]
    Left { words: String, within: Duration },

    /// A thread of the bench could not be started.
    #[error("start: a calling thread could not be started; raise the limit on threads")]
    Thread(#[source] io::Error),

    /// A calling thread ended early.
    #[error("{step}: a calling thread panicked; its message is above")]
    Panicked { step: &'static str },

    /// What the system says of this process could not be read.
    #[error("{step}: {what} cannot be known on this system")]
    Unknown { step: &'static str, what: &'static str },

    /// A process could not be started or waited for.
    #[error("{name}: it cannot be run; is it installed, and may it be started?")]
    Start { name: &'static str, source: io::Error },

    /// A process ended too early, or badly.
    #[error("{name}: it ended with {status}; its last words:\n{words}")]
    Ended { name: &'static str, status: String, words: String },

    /// A hot crate has no such constant any more.
    #[error("edit: `{what}` is not in `{}`; tell the bench what to edit instead", path.display())]
    NothingToEdit { path: PathBuf, what: String },

    /// A socket on the loopback.
    #[error("report: a socket of this machine alone cannot be used")]
    Socket(#[source] io::Error),

    /// Signals could not be listened to.
    #[error("start: Ctrl-C cannot be listened to")]
    Signals(#[source] io::Error),

    /// The person asked to stop.
    #[error("stopped, as asked")]
    Stopped,

    /// A histogram was asked for what it cannot hold.
    #[error("measure: {0}")]
    Histogram(#[from] hdrhistogram::CreationError),

    /// The figures could not be written.
    #[error("report: the figures cannot be written")]
    Report(#[source] io::Error),
}

impl Error {
    /// What was waited for in vain, with the last words of whoever should have done it.
    pub(crate) fn with_words(self, words: &str) -> Error {
        match self {
            Error::TimedOut { step, what, within } => {
                Error::TimedOut { step, what: format!("{what} (its last words: {words})"), within }
            }
            other => other,
        }
    }
}

/// The words of an error and of everything that caused it.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}
