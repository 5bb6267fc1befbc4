//! Going back: to a generation of the history because the program asks for it, or because the current one panicked.
//!
//! Both take the kept stage through the same steps as an artifact.

use std::path::PathBuf;
use std::time::Instant;

use super::pipeline::Taken;
use super::{Origin, Owner};
use crate::clock::{Clock, SystemClock};
use crate::event::{Cause, HotPanic, Kind, Outcome, Refusal, Reload};
use crate::refuse;

impl Owner {
    /// Makes a generation of the history current.
    pub(super) fn activate(&mut self, generation: u64) -> Reload {
        self.reload(&Origin::Kept { of: generation }, None, Cause::Activated { of: generation })
    }

    /// Makes the generation before the current one current, and sets the current one aside.
    pub(super) fn roll_back(&mut self) -> Reload {
        let left = self.lineage.current.number;
        let Some(&to) = self.history.before().first() else {
            let since = SystemClock.now();
            let outcome = Outcome::Refused(refuse::nothing_before(left));
            let cause = Cause::Activated { of: left };
            return self.finish(outcome, cause, PathBuf::new(), Taken::default(), Some(since));
        };
        let digest = self.lineage.current.digest;
        let reload = self.activate(to);
        if reload.outcome.swapped().is_some() {
            self.history.withdraw(left, digest, "the program rolled it back");
        }
        reload
    }

    /// Takes the current generation back if it is the one that panicked, and early enough.
    ///
    /// Tries one generation before it after the other, the program's own code at last; only how the last try ended is told.
    pub(super) fn panicked(&mut self, generation: u64, panic: &HotPanic, at: Instant) {
        let current = &self.lineage.current;
        let Some(policy) = self.settings.rollback_on_panic else { return };
        let age = at.saturating_duration_since(current.published);
        if current.number != generation || current.kind == Kind::Linked || age > policy.window {
            return;
        }
        let digest = current.digest;
        let started = SystemClock.now();
        let targets = self.history.before();
        for (index, &of) in targets.iter().enumerate() {
            let cause = Cause::Withdrawn { generation, of, panic: Box::new(panic.clone()) };
            let origin = Origin::Kept { of };
            let (outcome, taken) = self.take_up(&origin, None);
            let swapped = outcome.swapped().is_some();
            if swapped || index + 1 == targets.len() {
                if swapped {
                    self.history.withdraw(generation, digest, &panic.to_string());
                }
                let artifact = self.artifact(&origin);
                self.finish(outcome, cause, artifact, taken, Some(started));
                return;
            }
        }
    }
}

/// The refusal of a generation that cannot be activated.
pub(super) fn not_kept(owner: &Owner, of: u64) -> Refusal {
    let kept = owner.history.entries().into_iter().filter(|entry| entry.is_kept);
    let kept: Vec<u64> = kept.map(|entry| entry.generation).collect();
    refuse::not_kept(of, &kept)
}
