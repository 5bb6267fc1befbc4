//! What the messages carry: artifacts, reloads and their answers, and pictures of both sides.

use serde::{Deserialize, Serialize};

/// An artifact on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The hot crate, with underscores.
    pub hot_crate: String,
    /// Where it is.
    pub path: String,
    /// The blake3 digest of its bytes, in hexadecimal digits.
    pub digest: String,
}

/// A state that could not be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotSaved {
    /// Its name.
    pub name: String,
    /// Why, in words.
    pub why: String,
}

/// One artifact's way through the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// The hot crate, with underscores.
    pub hot_crate: String,
    /// Where the artifact is.
    pub artifact: String,
    /// The blake3 digest of its bytes in hexadecimal digits, where it is known.
    pub digest: Option<String>,
    /// By whom it is signed and the comment that is signed too, where the program asks for a signature.
    #[serde(default)]
    pub signed: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it happened, in words; `None` for an artifact that appeared.
    #[serde(default)]
    pub cause: Option<String>,
    /// How long each step took.
    pub timings: Timings,
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The new generation is current.
    Swapped {
        /// Its number.
        generation: u64,
        /// The kind of artifact, as in "standalone".
        kind: String,
        /// The class of the edit where it is known, as in "body".
        class: Option<String>,
        /// Hot functions that no earlier generation had.
        added: Vec<String>,
    },
    /// The artifact is the one that is current already.
    Unchanged {
        /// The number of that generation.
        generation: u64,
    },
    /// The artifact cannot replace what runs; nothing changed.
    Refused {
        /// The step that refused, as in "check".
        step: String,
        /// What is in the way; never empty.
        differences: Vec<Difference>,
    },
    /// A newer artifact arrived before this one was swapped in; nothing changed.
    Superseded,
}

/// One reason of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The item.
    pub item: String,
    /// What the running program needs.
    pub expected: String,
    /// What the artifact has.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

/// How long the steps of a reload took, in microseconds; zero for those that were not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// From the first notice of the artifact until it was whole.
    pub settle: u64,
    /// Making the private copy.
    pub stage: u64,
    /// Reading and comparing the manifest.
    pub verify: u64,
    /// The system's loader.
    pub load: u64,
    /// Comparing identity and signatures.
    pub check: u64,
    /// Waiting for the answers of its self-checks.
    #[serde(default)]
    pub self_check: u64,
    /// Making the new values of states whose layout changed.
    #[serde(default)]
    pub migrate: u64,
    /// For how long nobody could open those states.
    #[serde(default)]
    pub paused: u64,
    /// Publishing the table and the fence that goes with it.
    pub swap: u64,
    /// From the first notice to the end.
    pub total: u64,
}

/// What a runtime says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// The hot crate, with underscores.
    pub hot_crate: String,
    /// The number of the current generation.
    pub generation: u64,
    /// Every generation that is still there, the oldest first.
    pub generations: Vec<Generation>,
    /// How many reloads ended in a swap.
    pub swapped: u64,
    /// How many were refused.
    pub refused: u64,
    /// How many brought what was there already.
    pub unchanged: u64,
    /// How many were overtaken.
    pub superseded: u64,
    /// How the artifact is watched, in words.
    pub watching: String,
    /// What the searches of the program's memory cost; `None` as long as there was none.
    #[serde(default)]
    pub searched: Option<Searched>,
}

/// What the searches of a program's memory for pointers into old generations cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Searched {
    /// How often memory was searched.
    pub passes: u64,
    /// How many bytes the last pass read.
    pub bytes: u64,
    /// How long the last pass took, in microseconds.
    pub took: u64,
}

/// A generation that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// The kind of artifact it came from, as in "standalone".
    pub kind: String,
    /// The class of the edit that it was, as in "body"; `None` for the code linked into the program.
    #[serde(default)]
    pub class: Option<String>,
    /// By whom it is signed and the comment that is signed too, where the program asks for a signature.
    #[serde(default)]
    pub signed: Option<String>,
    /// By which signature addresses inside its image may get out, in words; `None` where by none.
    #[serde(default)]
    pub may_escape: Option<String>,
    /// What holds it, in words.
    pub holders: Vec<String>,
    /// Why its image stays mapped though nothing may use it any more.
    pub retained: Option<String>,
    /// How many bytes of a retained image are in memory.
    #[serde(default)]
    pub bytes: u64,
    /// Whether it is in quarantine: nothing is known to hold it, and a stray call of it would be noticed.
    #[serde(default)]
    pub quarantined: bool,
}

/// One edit's way from the save to the running program, step by step, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Steps {
    /// What was edited, by name.
    pub what: String,
    /// How it ended: `swapped`, `unchanged`, `refused` or `superseded`.
    pub outcome: String,
    /// From the save to the start of the build.
    pub noticed: u64,
    /// Waiting for a build that was overtaken to end.
    pub waited: u64,
    /// Capturing the compiler's command again, through cargo.
    pub captured: u64,
    /// Building dependencies that were edited.
    pub dependencies: u64,
    /// The compiler's own work.
    pub compiled: u64,
    /// The link.
    pub linked: u64,
    /// Reading, comparing and publishing the artifact.
    pub published: u64,
    /// The program's steps.
    pub reload: Timings,
    /// From the save to the answer.
    pub total: u64,
}

/// What a session of `cargo liveswap run` does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Session {
    /// The process of `cargo liveswap`.
    pub pid: u32,
    /// The package of the host.
    pub host: String,
    /// The packages that are hot.
    pub hot: Vec<String>,
    /// Where the artifacts are.
    pub artifact_directory: String,
    /// How many builds there were.
    pub builds: u64,
    /// How the last build ended, in words.
    pub last_build: Option<String>,
    /// The process of the program while it runs.
    pub program: Option<u32>,
    /// How often the program was started anew.
    pub restarts: u64,
    /// Where everything that was said is written to.
    pub log: String,
    /// The steps of the last edit that a program answered.
    #[serde(default)]
    pub last_edit: Option<Steps>,
    /// What the program's runtimes said; empty when none is connected, or none answered in time.
    pub status: Vec<Status>,
}
