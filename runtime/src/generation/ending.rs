//! How a generation ends that nothing is known to hold: step by step, and no step says more than it knows.
//!
//! 1. **counted**: whatever its code left behind can be counted; that the counts are zero is seen before the first step and
//!    after the last.
//! 2. **judged** by its imports: it called nobody who may keep a pointer to it.
//! 3. **looked for** in the program's memory: no address inside its image is in it. Not where none can be: where neither a
//!    signature nor an import, nor a panic or a state, can have let one out. A search takes time and takes for an address
//!    whatever looks like one; that argument does neither.
//! 4. **quarantined**: for a while its code was inaccessible, and nobody called it.
//! 5. **closed**: its image leaves the process.
//!
//! Every step is asked again at every look, and the first that is not [`Verdict::Clear`] ends the look; a step that needs
//! time answers [`Verdict::NotYet`] and is asked again then. What a step found once it has to remember by itself.

use std::time::{Duration, Instant};

/// What a step says of a generation.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing is in the way of the next step.
    Clear,
    /// It is not known yet; to be asked again then.
    NotYet(Instant),
    /// The generation stays, because of this.
    Stays(String),
}

/// What came of a look at a generation, or an artifact, that nothing is known to hold.
#[derive(Debug)]
pub(crate) enum Ending<T> {
    /// Its image left the process.
    Gone,
    /// Whether it may go is still being found out; to be looked at again then.
    Later(T, Instant),
    /// It has to stay.
    Stays(T),
}

/// Which steps are taken, beside those without which nothing is ever unloaded.
#[derive(Debug, Clone)]
pub(crate) struct Protections {
    /// Whether a shared artifact is judged by its imports.
    pub(crate) judge_imports: bool,
    /// Whether memory is searched for pointers to it.
    pub(crate) scan: bool,
    /// For how long its code is inaccessible before it goes; zero for no quarantine.
    pub(crate) quarantine: Duration,
}

impl Protections {
    /// No other step: for code that never ran.
    pub(super) fn none() -> Protections {
        Protections { judge_imports: false, scan: false, quarantine: Duration::ZERO }
    }
}

impl Default for Protections {
    fn default() -> Protections {
        let quarantine = match cfg!(debug_assertions) {
            true => Duration::from_secs(2),
            false => Duration::ZERO,
        };
        Protections { judge_imports: true, scan: false, quarantine }
    }
}
