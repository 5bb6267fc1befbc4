//! What can go wrong, one variant a failed step, each with the item, both values and the remedy.

use std::io;
use std::path::PathBuf;

use crate::event::{Difference, Refusal};

/// A failed step of the runtime.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Hot functions cannot be replaced in this build.
    #[error(
        "start: the hot functions of `{hot_crate}` cannot be replaced in this build; build with debug assertions, or \
         with liveswap-abi's feature `always`"
    )]
    Inactive {
        /// The hot crate.
        hot_crate: &'static str,
    },

    /// Another runtime has the hot crate.
    #[error("start: a runtime of `{hot_crate}` is running already; end it first, or use that one")]
    AlreadyRunning {
        /// The hot crate.
        hot_crate: &'static str,
    },

    /// The hot crate as it is linked into the program cannot be swapped.
    #[error("start: the hot crate `{hot_crate}` cannot be swapped: {reason}")]
    HotCrate {
        /// The hot crate.
        hot_crate: &'static str,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// An artifact could not be opened as a plugin.
    #[error("open: `{}` cannot be used: {refusal}", path.display())]
    Open {
        /// The artifact.
        path: PathBuf,
        /// The step that refused it, and why.
        refusal: Refusal,
    },

    /// The running program's own file is not known.
    #[error("start: the running program's file is not known; set LIVESWAP_ARTIFACT_DIR")]
    Executable {
        /// What the system said.
        source: io::Error,
    },

    /// The owner thread has ended.
    #[error("the runtime has ended; start another")]
    Ended,

    /// A path to watch does not name a file.
    #[error(
        "watch: `{}` does not name a file in a directory; give the full path of the file to watch",
        path.display()
    )]
    WatchPath {
        /// The path as it was given.
        path: PathBuf,
    },

    /// A thread of the runtime could not be started.
    #[error("start: the thread `{name}` could not be started; raise the limit on threads")]
    ThreadStart {
        /// The name of the thread.
        name: &'static str,
        /// What the system said.
        source: io::Error,
    },

    /// The artifact was left in a state in which it cannot be loaded.
    #[error(
        "settle: `{}` is not a whole artifact, and nothing is writing to it any more; build it again",
        path.display()
    )]
    Unfinished {
        /// The artifact.
        path: PathBuf,
        /// What is missing.
        source: Unfinished,
    },

    /// Nobody listens where the environment says that `cargo liveswap` does.
    #[error(
        "control: nobody listens at `{address}`; the program goes on without answers to its \
         builder: start it again with `cargo liveswap run`, or without {}",
        crate::wire::ENV_ADDRESS
    )]
    ControlConnect {
        /// The address of the socket.
        address: String,
        /// What the system said.
        source: io::Error,
    },

    /// The private directory for stages could not be made.
    #[error("stage: the directory `{}` could not be made; {}", path.display(), remedy(source))]
    StageDirectory {
        /// The directory, or the part of it that failed.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The artifact could not be opened.
    #[error("stage: the artifact `{}` could not be opened; {}", path.display(), remedy(source))]
    ArtifactOpen {
        /// The artifact.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// Something that is not a regular file is where the artifact should be.
    #[error(
        "stage: expected a regular file at `{}`, found {found}; remove it, or point the artifact \
         path at the library itself",
        path.display()
    )]
    ArtifactKind {
        /// The path of the artifact.
        path: PathBuf,
        /// What is there instead, with its article, as in "a directory".
        found: &'static str,
    },

    /// The artifact is not one that the program takes, by its [`Trust`](crate::Trust), or others could write where its
    /// copies are to be kept.
    #[error("stage: {difference}")]
    Untrusted {
        /// What is wrong, with both sides and the remedy.
        difference: Box<Difference>,
    },

    /// The artifact is larger than the limit.
    #[error(
        "stage: the artifact `{}` has {len} bytes, the limit is {limit}; raise the limit if it \
         really is that large, otherwise build it again",
        path.display()
    )]
    ArtifactTooLarge {
        /// The artifact.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
        /// The limit in bytes.
        limit: u64,
    },

    /// The artifact changed while it was copied. The step is worth another try.
    #[error(
        "stage: the artifact `{}` changed while it was copied: before {before}, after {after}; \
         it is taken again when it has settled",
        path.display()
    )]
    ArtifactChanged {
        /// The artifact.
        path: PathBuf,
        /// Its identity before the copy, in words.
        before: String,
        /// Its identity after the copy, in words.
        after: String,
    },

    /// The artifact could not be read.
    #[error("stage: the artifact `{}` could not be read; {}", path.display(), remedy(source))]
    ArtifactRead {
        /// The artifact.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The stage could not be written.
    #[error(
        "stage: {needed} bytes could not be written to `{}`; {}",
        path.display(),
        remedy(source)
    )]
    StageWrite {
        /// The file that was being written. It has been removed.
        path: PathBuf,
        /// The length of the whole stage in bytes.
        needed: u64,
        /// What the system said.
        source: io::Error,
    },

    /// The system's loader refused the stage.
    #[error("load: the loader refused `{}`: {reason}", path.display())]
    LibraryOpen {
        /// The stage.
        path: PathBuf,
        /// The loader's own words.
        reason: String,
    },

    /// A symbol is not in the loaded library.
    #[error(
        "load: `{}` has no symbol `{symbol}`: {reason}; build the hot crate again with the same \
         version of liveswap",
        path.display()
    )]
    SymbolMissing {
        /// The stage.
        path: PathBuf,
        /// The symbol that was looked for.
        symbol: String,
        /// The loader's own words.
        reason: String,
    },
}

impl Error {
    /// Whether the same step may succeed a moment later with nothing done by anyone.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::ArtifactChanged { .. })
    }
}

/// Why a file is not, or not yet, a whole artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfinished {
    /// The file ends before something its own headers promise.
    #[error("it is cut short: with {what} it needs {expected} bytes, it has {found}")]
    Cut {
        /// The part that lies behind the end of the file.
        what: String,
        /// How many bytes the file must have for that part.
        expected: u64,
        /// How many bytes it has.
        found: u64,
    },
    /// The bytes are not those of a dynamic library.
    #[error("it is not a dynamic library: {why}")]
    NotAnImage {
        /// What was found instead.
        why: String,
    },
    /// Something that is not a regular file has the name.
    #[error("it is not a regular file but {found}")]
    NotAFile {
        /// What it is, with its article, as in "a directory".
        found: &'static str,
    },
    /// The file is there and cannot be read.
    #[error("it cannot be read: {why}")]
    Unreadable {
        /// What the system said.
        why: String,
    },
    /// The file is a whole dynamic library without something an artifact has.
    #[error("it is a whole dynamic library, but {what} is missing")]
    Lacks {
        /// What is missing, with its article, as in "the manifest".
        what: String,
    },
}

/// What a person can do about a failed call to the system.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => "free space on that disk",
        io::ErrorKind::QuotaExceeded => "free space in your quota",
        io::ErrorKind::FileTooLarge => "raise the file size limit of this process",
        io::ErrorKind::PermissionDenied => "give this user access to it",
        io::ErrorKind::ReadOnlyFilesystem => "choose a target directory on a writable disk",
        io::ErrorKind::NotFound => "it, or the directory it is in, was removed: build again",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "remove what stands in its place"
        }
        _ => "see the cause",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn a_message_names_the_step_the_item_both_values_and_the_remedy() {
        let error = Error::ArtifactTooLarge { path: "target/libgame.so".into(), len: 5, limit: 4 };
        let text = error.to_string();
        for part in ["stage:", "target/libgame.so", "5 bytes", "limit is 4", "raise the limit"] {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
    }

    #[test]
    fn a_full_disk_has_its_own_remedy_and_keeps_its_cause() {
        let error = Error::StageWrite {
            path: "x.so".into(),
            needed: 9,
            source: io::Error::from(io::ErrorKind::StorageFull),
        };
        assert!(error.to_string().contains("9 bytes"));
        assert!(error.to_string().contains("free space on that disk"));
        assert!(error.source().is_some());
    }

    #[test]
    fn only_a_changed_artifact_is_worth_the_same_try_again() {
        let changed = Error::ArtifactChanged {
            path: "x.so".into(),
            before: "1 byte".into(),
            after: "2 bytes".into(),
        };
        assert!(changed.is_transient());
        assert!(!Error::ArtifactKind { path: "x.so".into(), found: "a directory" }.is_transient());
    }

    #[test]
    fn errors_cross_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
    }
}
