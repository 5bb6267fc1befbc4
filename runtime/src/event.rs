//! What the runtime tells: how each reload ended, what drains, what was unloaded, what went wrong.

mod cause;
mod holder;
mod state;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use cause::{Cause, HotPanic};
pub use holder::{Holder, HolderKind};
pub use liveswap_abi::hook::Role;
pub use state::UnusedState;

/// Something that happened, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "events are few, and a box would stand in every reader's way"
)]
pub enum Event {
    /// A reload ended; every artifact that was taken up ends in exactly one of these.
    Reloaded(Reload),
    /// A generation that is no longer current is still held, and has been for a while.
    Draining {
        /// The generation.
        generation: u64,
        /// What holds it.
        holders: Vec<Holder>,
    },
    /// A generation that is no longer current was taken care of for good or for now.
    Retired {
        /// The generation.
        generation: u64,
        /// Whether its image left.
        outcome: Retirement,
    },
    /// Hot code of a standalone artifact panicked; the panic is on its way to the caller.
    Panicked {
        /// The panic's message.
        message: String,
        /// File, line and column.
        location: String,
    },
    /// A `#[hot(on_load)]` or `#[hot(on_retire)]` function panicked, or could not be run; nothing else changed.
    HookPanicked {
        /// The generation that it belongs to.
        generation: u64,
        /// When it is called.
        role: Role,
        /// Its path, and the panic.
        panic: HotPanic,
    },
    /// A value that a former run left is not used, and its state begins anew.
    StateNotUsed(UnusedState),
    /// The builder reported a build that fails; the program goes on with the code it has.
    ///
    /// Told with the first error that the compiler reports, while it still works, and again with
    /// each one after it; the next [`BuildStarted`](Event::BuildStarted) ends them.
    BuildFailed {
        /// The compiler's errors so far as it renders them.
        rendered: String,
    },
    /// The builder reported that a build began.
    BuildStarted,
    /// The builder reported a build that ended well. What became of its artifact is told by
    /// [`Reloaded`](Event::Reloaded), unless it is the one of before.
    BuildFinished,
    /// An edit that was built has no effect here: the program goes on with what it was compiled of. Said by the builder,
    /// which knows the sources.
    WithoutEffect {
        /// The edited item, with its modules and its type.
        item: String,
        /// Why it has none.
        why: String,
        /// What to do about it.
        remedy: String,
    },
    /// A line that the builder would have put on the terminal, which this program owns.
    Line {
        /// The line, without colors and without its end.
        text: String,
    },
    /// Watching had to change its method.
    Watching {
        /// How the artifact is watched now, in words.
        method: String,
    },
    /// This reader was slow: so many events before the next one were dropped.
    Lagged {
        /// How many.
        missed: u64,
    },
}

/// One artifact's way through the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it happened.
    pub cause: Cause,
    /// The artifact that was taken up; of a generation of the history, the one it came from. Empty for the code linked into
    /// the program.
    pub artifact: PathBuf,
    /// The blake3 digest of its bytes in hexadecimal digits; `None` where they could not be read.
    pub digest: Option<String>,
    /// By whom its bytes are signed, and the comment that is signed too; `None` where the program does not ask for a
    /// signature, or there is no valid one.
    pub signed: Option<Signed>,
    /// How long each step took.
    pub timings: Timings,
}

/// What is known of a signature besides that it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The number of the key that made it, as minisign shows it.
    pub key: String,
    /// The comment that is signed too.
    pub trusted_comment: String,
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by the key {}: {}", self.key, self.trusted_comment)
    }
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The new generation is current.
    Swapped {
        /// Its number.
        generation: u64,
        /// Whether it brings its own standard library.
        kind: Kind,
        /// What kind of edit it is.
        class: EditClass,
        /// Public hot functions and values that the generation before did not have, or had with another signature.
        added: Vec<String>,
    },
    /// The artifact is the one that is current already.
    Unchanged {
        /// The number of that generation.
        generation: u64,
    },
    /// The artifact cannot replace what runs; nothing changed.
    Refused(Refusal),
    /// A newer artifact arrived before this one was swapped in; nothing changed.
    Superseded,
}

impl Outcome {
    /// The generation that is current because of this reload.
    #[must_use]
    pub fn swapped(&self) -> Option<u64> {
        match self {
            Outcome::Swapped { generation, .. } => Some(*generation),
            _ => None,
        }
    }

    /// Why the artifact was refused.
    #[must_use]
    pub fn refused(&self) -> Option<&Refusal> {
        match self {
            Outcome::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// What kind of edit a new generation is, compared with the one before, as far as the program can see it.
///
/// The fourth class is [`Outcome::Refused`]. Private functions, and types that no public function's signature reaches, are the
/// hot crate's own matter and count in none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EditClass {
    /// Public functions and values have the signatures and layouts they had; some that the program was not compiled with may be
    /// gone.
    Body,
    /// Besides, there are new ones: functions or values, possibly of new types.
    Additive,
    /// A layout changed, only inside state that can be carried over, and was.
    Migrates,
}

impl fmt::Display for EditClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EditClass::Body => "body",
            EditClass::Additive => "additive",
            EditClass::Migrates => "migrates",
        })
    }
}

/// Which kind of artifact a generation came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The code linked into the host itself.
    Linked,
    /// Standard library and dependencies come from the host.
    Shared,
    /// Brings its own standard library and dependencies.
    Standalone,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Linked => "linked",
            Kind::Shared => "shared",
            Kind::Standalone => "standalone",
        })
    }
}

/// A step of the pipeline before the swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Waiting until the artifact is whole.
    Settle,
    /// Making the private copy.
    Stage,
    /// Reading the manifest, before any of the artifact's code can run.
    Verify,
    /// The system's loader.
    Load,
    /// Comparing identity and signatures with what runs.
    Check,
    /// The artifact's own `#[hot(self_check)]` functions.
    SelfCheck,
    /// Carrying states over whose layout changed.
    Migrate,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Settle => "settle",
            Step::Stage => "stage",
            Step::Verify => "verify",
            Step::Load => "load",
            Step::Check => "check",
            Step::SelfCheck => "self-check",
            Step::Migrate => "migrate",
        })
    }
}

/// Why an artifact was refused: the step, and every difference found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The step that refused.
    pub step: Step,
    /// What is in the way; never empty.
    pub differences: Vec<Difference>,
}

impl Refusal {
    /// A refusal with one difference.
    #[must_use]
    pub fn one(step: Step, difference: Difference) -> Refusal {
        Refusal { step, differences: vec![difference] }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused at {}", self.step)?;
        for (index, difference) in self.differences.iter().enumerate() {
            write!(f, "{} {difference}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

/// One reason of a refusal: the item, what the program has, what the artifact has, and what to do.
///
/// In words it reads ``World.player.health: u32 at 8 -> f32 at 8``, followed by the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The item, as in ``function `game::tick`, argument 1 (dt)`` or `World.player.health`.
    pub item: String,
    /// What the running program needs.
    pub expected: String,
    /// What the artifact has.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { item, expected, found, remedy } = self;
        write!(f, "{item}: {expected} -> {found}; {remedy}")
    }
}

/// How long the steps of a reload took; zero for those that were not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timings {
    /// From the last notice of the artifact until it had settled.
    pub settle: Duration,
    /// Making the private copy.
    pub stage: Duration,
    /// Reading and comparing the manifest.
    pub verify: Duration,
    /// The system's loader.
    pub load: Duration,
    /// Comparing identity and signatures.
    pub check: Duration,
    /// Waiting for the answers of its self-checks.
    pub self_check: Duration,
    /// Making the new values of states whose layout changed.
    pub migrate: Duration,
    /// For how long nobody could open the states that were carried over: part of `migrate` and `swap`.
    pub paused: Duration,
    /// Publishing the table and the fence that goes with it.
    pub swap: Duration,
    /// From the last notice to the end.
    pub total: Duration,
}

/// What became of a generation that is no longer current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retirement {
    /// Its image left the process.
    Unloaded,
    /// Its image stays mapped, on purpose; it is looked at again at every later swap.
    Retained {
        /// Why.
        why: String,
        /// How many bytes of its image are in memory, after what the system can read again from its stage was given back: what it
        /// wrote to, and what the loader changed in it. All that is mapped where the system does not tell.
        bytes: u64,
    },
}
