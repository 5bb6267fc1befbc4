//! What the runtime is and has done, at one moment.

use std::path::PathBuf;
use std::time::Duration;

use crate::event::{EditClass, Holder, Kind, Reload, Signed};

/// A picture of the runtime, made by its owner thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The hot crate's name.
    pub hot_crate: String,
    /// The generation that calls enter now.
    pub current: u64,
    /// Every generation that is still mapped, oldest first; the last is the current one.
    pub generations: Vec<GenerationStatus>,
    /// How many reloads ended in each way.
    pub counts: Counts,
    /// The last reload.
    pub last: Option<Reload>,
    /// The files that are watched for an artifact.
    pub artifacts: Vec<PathBuf>,
    /// How they are watched, in words.
    pub watching: String,
    /// Where this process keeps its stages.
    pub stages: PathBuf,
    /// Whose artifacts are taken, in words.
    pub trust: String,
    /// What the searches of this process's memory cost ([`Builder::scan_memory`](crate::Builder::scan_memory)), those for
    /// other runtimes in it included; `None` as long as there was none.
    pub searched: Option<Searched>,
}

/// What the searches of the process's memory for pointers into old generations cost, on a thread of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Searched {
    /// How often memory was searched; one answer may take several passes, and one pass may serve several generations.
    pub passes: u64,
    /// How many bytes the last pass read.
    pub bytes: u64,
    /// How long the last pass took.
    pub took: Duration,
}

/// One generation that is still mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationStatus {
    /// Its number.
    pub number: u64,
    /// Where its code comes from.
    pub kind: Kind,
    /// What kind of edit it was; `None` for the code linked into the program.
    pub class: Option<EditClass>,
    /// By whom its bytes are signed, where the program asks for signatures.
    pub signed: Option<Signed>,
    /// What it does.
    pub state: GenerationState,
    /// How long ago it was published.
    pub age: Duration,
    /// By which signature addresses inside its image may get out, in words; `None` where by none, and for the code linked into
    /// the program.
    ///
    /// Where there is none, and its imports let none out either, it is unloaded without a search of memory
    /// ([`Builder::scan_memory`](crate::Builder::scan_memory)).
    pub may_escape: Option<String>,
    /// What holds it; for the current generation only what it left behind.
    pub holders: Vec<Holder>,
}

/// What a generation does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GenerationState {
    /// Calls enter it.
    Current,
    /// It is the program's own code, and a newer one is current.
    Linked,
    /// It waits until nothing holds it.
    Draining,
    /// Nothing is known to hold it; for a while its code is inaccessible, so that a stray call is noticed
    /// ([`Builder::quarantine`](crate::Builder::quarantine)).
    Quarantined,
    /// It stays mapped on purpose.
    Retained {
        /// Why.
        why: String,
        /// How many bytes of its image are in memory now; see [`Retirement::Retained`](crate::Retirement::Retained).
        bytes: u64,
    },
}

/// How many reloads ended in each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// A new generation became current.
    pub swapped: u64,
    /// The artifact was the current one.
    pub unchanged: u64,
    /// The artifact was refused.
    pub refused: u64,
    /// A newer artifact arrived first.
    pub superseded: u64,
    /// Generations whose image left the process.
    pub unloaded: u64,
}
