//! Leases that a caller keeps for some turns, longer than the thread that took them lives.

use std::thread;

use bench_hostile::course::Course;
use bench_hostile::lease::{self, Witness};
use bench_hostile::version_of;
use liveswap::Lease;

/// What one caller keeps.
pub(super) struct Kept {
    course: &'static Course,
    leases: Vec<Until>,
    /// How many were dropped.
    dropped: u64,
}

/// A lease, the version that made it, and the turn at which it is dropped.
struct Until {
    witness: Lease<dyn Witness>,
    version: u64,
    turn: u64,
}

impl Kept {
    pub(super) fn on(course: &'static Course) -> Kept {
        Kept { course, leases: Vec::new(), dropped: 0 }
    }

    /// Takes a lease and keeps it until the turn `until`.
    pub(super) fn take(&mut self, until: u64) {
        let mut taken = None;
        let version = self.course.ask(|| {
            let witness = taken.insert(lease::witness(self.course));
            told(witness, until)
        });
        self.leases.extend(taken.map(|witness| Until { witness, version, turn: until }));
    }

    /// Has every lease tell its version, and drops those whose turn has come, every other one on a thread of its own; how many
    /// those were.
    pub(super) fn look(&mut self, turn: u64) -> u64 {
        for Until { witness, version, .. } in &mut self.leases {
            self.course.blame(u64::from(told(witness, turn) != *version));
        }
        let mut elsewhere = 0;
        for Until { witness, .. } in self.leases.extract_if(.., |lease| lease.turn <= turn) {
            self.dropped += 1;
            if self.dropped.is_multiple_of(2) {
                // Nobody joins it: it may drop its lease at any moment of the next swaps.
                let builder = thread::Builder::new().name("drops".to_owned());
                elsewhere += u64::from(builder.spawn(move || drop(witness)).is_ok());
            }
        }
        elsewhere
    }
}

/// The version that a lease tells.
fn told(witness: &mut Lease<dyn Witness>, state: u64) -> u64 {
    version_of(state, witness.testify(state))
}
