//! What a build tells while it runs, and what it brings.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diagnostics::Diagnostic;
use crate::freshness::Stale;

/// The kind of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ArtifactKind {
    /// Holds the hot crate's own code; everything else is taken from the host at load.
    Shared,
    /// Holds its own standard library and dependencies.
    Standalone,
}

/// Why an artifact is a standalone one although a shared one was wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotShared {
    /// Standalone artifacts were asked for.
    Settings,
    /// This platform has no shared artifacts.
    Platform,
    /// The configured linker is called in a way in which its work cannot be changed.
    Linker {
        /// The linker.
        program: PathBuf,
    },
    /// The host could not be linked with everything in it.
    Host {
        /// What the linker said.
        why: String,
    },
    /// The artifact needs symbols that the host does not export.
    MissingSymbols {
        /// Their mangled names.
        symbols: Vec<String>,
    },
    /// The link without what the host has failed.
    Link {
        /// What the linker said.
        why: String,
    },
}

impl fmt::Display for NotShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = |text: &str| text.lines().next().unwrap_or("no reason given").to_owned();
        match self {
            Self::Settings => f.write_str("standalone artifacts were asked for"),
            Self::Platform => f.write_str("this platform has no shared artifacts"),
            Self::Linker { program } => {
                write!(f, "the work of the linker {} cannot be changed", program.display())
            }
            Self::Host { why } => {
                write!(f, "the program cannot be linked with everything in it: {}", first(why))
            }
            Self::MissingSymbols { symbols } => match symbols.as_slice() {
                [one] => write!(f, "the program lacks the symbol {one}"),
                several => {
                    let first = several.first().map_or("", String::as_str);
                    write!(f, "the program lacks {} symbols, such as {first}", several.len())
                }
            },
            Self::Link { why } => {
                write!(f, "the link without what the program has failed: {}", first(why))
            }
        }
    }
}

/// A dylib that a build left on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Where it is. The path stays the same from build to build; the file is replaced whole.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The blake3 hash of its bytes.
    pub digest: [u8; 32],
    /// Its kind.
    pub kind: ArtifactKind,
    /// Why it is not a shared one.
    pub not_shared: Option<NotShared>,
}

/// How an artifact relates to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Change {
    /// It is new.
    Built,
    /// It is, byte for byte, the one that was there.
    Unchanged,
}

/// How long the steps of a build took.
///
/// The moments count from the build's start, so that a caller can add the time since the save.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Until the work began: waiting for a cancelled build to end.
    pub waited: Duration,
    /// Looking whether what was captured still holds.
    pub checked_freshness: Duration,
    /// Capturing the compiler's command again, through cargo.
    pub captured: Duration,
    /// Rebuilding changed dependencies.
    pub dependencies: Duration,
    /// The moment at which the first error or warning was known.
    pub first_diagnostic: Option<Duration>,
    /// The compiler's own work on the hot crate, without the link.
    pub compiled: Duration,
    /// The link, the comparison of imports and exports included.
    pub linked: Duration,
    /// Reading, comparing and publishing the artifact.
    pub published: Duration,
    /// Everything.
    pub total: Duration,
}

/// What a successful build brings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The number of the build; later builds have larger numbers.
    pub number: u64,
    /// The dylib.
    pub artifact: Artifact,
    /// Whether it is a new one.
    pub change: Change,
    /// The program that linked it.
    pub linker: PathBuf,
    /// Why the compiler's command was captured again, if it was.
    pub recaptured: Option<Stale>,
    /// Packages of dependencies that were rebuilt for this artifact.
    pub rebuilt: Vec<String>,
    /// In what the running host is behind the sources: each a sentence for people. The artifact
    /// brings these parts along; host code goes on with its own until the host is restarted.
    pub host_behind: Vec<String>,
    /// Warnings of the hot crate.
    pub warnings: usize,
    /// How long the steps took.
    pub timings: Timings,
}

/// What a build tells while it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum BuildEvent {
    /// Work has begun.
    Started {
        /// The number of the build.
        number: u64,
    },
    /// Cargo is asked for the compiler's command, for this reason.
    Capturing(Stale),
    /// A line of cargo's own progress.
    Cargo(String),
    /// A changed dependency is rebuilt.
    Dependency {
        /// Its package.
        package: String,
    },
    /// The hot crate is compiled.
    Compiling {
        /// Its package.
        package: String,
    },
    /// The compiler reported something.
    Diagnostic(Diagnostic),
}
