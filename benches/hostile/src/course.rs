//! What the swapping thread and all others tell each other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use liveswap_macros::Layout;

use crate::{advance, stamp, version_of};

/// The course of a run: which versions may answer, how many artifacts were handed in, and what is still under way.
#[derive(Debug, Default, Layout)]
pub struct Course {
    /// The newest version that was reported as swapped in.
    swapped: AtomicU64,
    /// The newest good version that may be on the disk.
    written: AtomicU64,
    wrong: AtomicU64,
    calls: AtomicU64,
    /// What hot code left behind or stays in, and what has not ended.
    under_way: AtomicU64,
    turn: Mutex<u64>,
    turned: Condvar,
}

impl Course {
    /// Takes note that `version` may be on the disk from now on.
    pub fn write(&self, version: u64) {
        // Release pairs with the acquire in `asked`.
        self.written.store(version, Ordering::Release);
    }

    /// Takes note that `version` was reported as swapped in.
    pub fn swap(&self, version: u64) {
        // Release pairs with the acquire in `asked`.
        self.swapped.store(version, Ordering::Release);
    }

    /// Calls `count` times and counts the results that no version gave that was current during its call.
    #[must_use]
    pub fn call(&self, state: u64, count: u64) -> u64 {
        let mut wrong = 0;
        let state = (0..count).fold(state, |state, _| {
            let (_, is_current) = self.asked(|| version_of(state, stamp(state)));
            wrong += u64::from(!is_current);
            advance(state)
        });
        // Relaxed: read after the threads were joined, or for nothing that depends on it.
        self.calls.fetch_add(count, Ordering::Relaxed);
        self.blame(wrong);
        state
    }

    /// The version that `ask` answers, which is wrong if it was not current in between.
    #[must_use]
    pub fn ask(&self, ask: impl FnOnce() -> u64) -> u64 {
        let (answered, is_current) = self.asked(ask);
        self.blame(u64::from(!is_current));
        answered
    }

    #[inline]
    fn asked(&self, ask: impl FnOnce() -> u64) -> (u64, bool) {
        // Acquire pairs with the releases above: what was reported is what a call must find.
        let oldest = self.swapped.load(Ordering::Acquire);
        let answered = ask();
        let newest = self.written.load(Ordering::Acquire);
        (answered, (oldest..=newest).contains(&answered))
    }

    /// Counts results that are wrong.
    pub fn blame(&self, wrong: u64) {
        // Relaxed, as above.
        self.wrong.fetch_add(wrong, Ordering::Relaxed);
    }

    /// How many calls there were, and how many wrong results.
    #[must_use]
    pub fn calls_and_wrong(&self) -> (u64, u64) {
        // Relaxed, as above.
        (self.calls.load(Ordering::Relaxed), self.wrong.load(Ordering::Relaxed))
    }

    /// How many artifacts were handed in; [`Course::END`] when no more will come.
    #[must_use]
    pub fn turn(&self) -> u64 {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what [`Course::turn`] says and wakes whoever waits for it.
    pub fn set_turn(&self, turn: u64) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
        self.turned.notify_all();
    }

    /// Waits for a turn later than `turn` and returns it.
    #[must_use]
    pub fn later_than(&self, turn: u64) -> u64 {
        let now = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.turned.wait_while(now, |now| *now <= turn);
        *waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn that never comes before the end.
    pub const END: u64 = u64::MAX;

    /// What hot code left behind or stays in, and what has not ended.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        // Acquire pairs with the release in `Traveller`'s destructor.
        self.under_way.load(Ordering::Acquire)
    }
}

/// Something under way, until it drops.
#[derive(Debug)]
pub(crate) struct Traveller(&'static Course);

impl Traveller {
    pub(crate) fn on(course: &'static Course) -> Traveller {
        // Relaxed: nothing is read because of it.
        course.under_way.fetch_add(1, Ordering::Relaxed);
        Traveller(course)
    }

    pub(crate) fn course(&self) -> &'static Course {
        self.0
    }
}

impl Drop for Traveller {
    fn drop(&mut self) {
        // Release pairs with the acquire in `under_way`.
        self.0.under_way.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_outside_of_the_current_versions_is_wrong() {
        // No runtime runs here, so version 0 answers.
        let wrong = |swapped: u64, written: u64| {
            let course = Course::default();
            course.swap(swapped);
            course.write(written);
            let _ = course.call(7, 3);
            course.calls_and_wrong()
        };
        assert_eq!(wrong(0, 0), (3, 0));
        assert_eq!(wrong(0, 1), (3, 0), "the next version is on the disk and not yet swapped in");
        assert_eq!(wrong(1, 1), (3, 3), "a caller that was left behind");
    }
}
