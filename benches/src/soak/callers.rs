//! Threads that call without pause, and that have hot code leave behind whatever it can.
//!
//! Each works in shifts: a thread that calls for some turns and ends, so that the thread-local values that hot code left on
//! it end as well.

use std::ops::AddAssign;
use std::thread::{self, Scope, ScopedJoinHandle};

use bench_hostile::course::Course;
use bench_hostile::{advance, leftovers, stamp, task, version_of};
use fastrand::Rng;
use liveswap::Runtime;
use serde::Serialize;

use super::kept::Kept;
use super::tasks::Tasks;
use crate::error::Error;

/// For how many turns a shift goes on, what is left behind stays, at most.
const LONGEST: u64 = 12;

/// For how many turns a lease is kept, at most: longer than a shift.
const LONGEST_LEASE: u64 = 2 * LONGEST;

/// For how many turns a caller stays inside a call, or pinned, at most.
const LONGEST_CALL: u64 = 4;

/// How many of each kind of hold there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Holds {
    threads: u64,
    thread_locals: u64,
    leases: u64,
    /// Of the leases, those that were dropped on a thread of their own.
    dropped_elsewhere: u64,
    tasks: u64,
    /// Of the tasks, those that were dropped before they were done.
    tasks_dropped: u64,
    long_calls: u64,
    pins: u64,
}

/// What all callers share.
pub(crate) struct Callers<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) course: &'static Course,
    pub(crate) tasks: Tasks,
}

impl Callers<'_> {
    /// Starts a caller, which goes on until the course ends.
    pub(crate) fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        rng: Rng,
    ) -> Result<ScopedJoinHandle<'scope, Result<Holds, Error>>, Error> {
        let builder = thread::Builder::new().name("shifts".to_owned());
        builder.spawn_scoped(scope, || self.shifts(rng)).map_err(Error::Thread)
    }

    fn shifts(&self, mut rng: Rng) -> Result<Holds, Error> {
        let mut holds = Holds::default();
        let mut kept = Kept::on(self.course);
        while self.course.turn() != Course::END {
            let shift = rng.fork();
            let builder = thread::Builder::new().name("caller".to_owned());
            let shift = thread::scope(|scope| {
                let thread = builder.spawn_scoped(scope, || self.shift(shift, &mut kept));
                let thread = thread.map_err(Error::Thread)?;
                thread.join().map_err(|_| Error::Panicked { step: "soak" })
            });
            holds += shift?;
        }
        holds.dropped_elsewhere += kept.look(Course::END);
        holds.tasks_dropped += self.tasks.look(&mut rng);
        Ok(holds)
    }

    fn shift(&self, mut rng: Rng, kept: &mut Kept) -> Holds {
        let mut holds = Holds::default();
        let mut state = rng.u64(..);
        let mut turn = self.course.turn();
        let until = later(turn, &mut rng, LONGEST);
        while turn < until {
            state = self.course.call(state, CALLS);
            let now = self.course.turn();
            if now > turn && now != Course::END {
                self.act(now, &mut rng, &mut holds, kept);
                holds.dropped_elsewhere += kept.look(now);
                holds.tasks_dropped += self.tasks.look(&mut rng);
            }
            turn = now;
        }
        holds
    }

    /// One act a turn, or none.
    fn act(&self, turn: u64, rng: &mut Rng, holds: &mut Holds, kept: &mut Kept) {
        match rng.u8(0..12) {
            0 | 1 => {
                let started = leftovers::start_thread(self.course, later(turn, rng, LONGEST));
                holds.threads += u64::from(started);
            }
            2 | 3 => {
                leftovers::leave_value(self.course);
                holds.thread_locals += 1;
            }
            4 => {
                leftovers::stay(self.course, later(turn, rng, LONGEST_CALL));
                holds.long_calls += 1;
            }
            5 => {
                self.pinned(later(turn, rng, LONGEST_CALL));
                holds.pins += 1;
            }
            6 | 7 => {
                kept.take(later(turn, rng, LONGEST_LEASE));
                holds.leases += 1;
            }
            8 | 9 => {
                let started = task::start_task(self.course, later(turn, rng, LONGEST_LEASE));
                holds.tasks += u64::from(started);
            }
            _ => {}
        }
    }

    /// Calls one and the same generation until the turn `until`.
    fn pinned(&self, until: u64) {
        let pin = self.runtime.pin();
        let mut state = until;
        let first = version_of(state, stamp(state));
        let mut turn = self.course.turn();
        while turn < until {
            state = advance(state);
            self.course.blame(u64::from(version_of(state, stamp(state)) != first));
            turn = self.course.later_than(turn);
        }
        drop(pin);
    }
}

/// So many calls between two looks at the turn.
const CALLS: u64 = 256;

/// Some turn after `turn`, which is not the end.
fn later(turn: u64, rng: &mut Rng, longest: u64) -> u64 {
    turn.saturating_add(rng.u64(1..=longest))
}

impl AddAssign for Holds {
    fn add_assign(&mut self, other: Holds) {
        let Holds { tasks, tasks_dropped, long_calls, pins, .. } = other;
        let Holds { threads, thread_locals, leases, dropped_elsewhere, .. } = other;
        self.threads += threads;
        self.thread_locals += thread_locals;
        self.leases += leases;
        self.dropped_elsewhere += dropped_elsewhere;
        self.tasks += tasks;
        self.tasks_dropped += tasks_dropped;
        self.long_calls += long_calls;
        self.pins += pins;
    }
}

impl Holds {
    /// Each kind in words, and how many there were.
    pub(crate) fn rows(&self) -> [(&'static str, u64); 8] {
        let Holds { tasks, tasks_dropped, long_calls, pins, .. } = *self;
        let Holds { threads, thread_locals, leases, dropped_elsewhere, .. } = *self;
        [
            ("threads of hot code", threads),
            ("thread-local values", thread_locals),
            ("leases", leases),
            ("leases dropped on another thread", dropped_elsewhere),
            ("tasks on the program's executor", tasks),
            ("tasks dropped before they were done", tasks_dropped),
            ("long calls", long_calls),
            ("pins", pins),
        ]
    }
}
