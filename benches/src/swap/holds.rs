//! `swap --holds`: what a swap costs while old generations are held by many.
//!
//! Several old generations are held by calls that go on, pins, leases, threads of hot code and thread-local values, as many
//! of each.
//! The rounds before and after they are made are compared: same process, same artifact, same clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use bench_hostile::course::Course;
use bench_hostile::lease::{self, Witness};
use bench_hostile::{leftovers, version_of};
use liveswap::Lease;
use liveswap::event::{Holder, HolderKind, Timings};
use serde::Serialize;

use super::{Options, Steps, WARM_UP, micros, seen};
use crate::error::Error;
use crate::host::{DEADLINE, Host};
use crate::report::{Report, Table, Target};
use crate::statistics::{median, rounded};

/// The medians.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Held {
    /// From the disk to a caller, with the holds.
    live_us: f64,
    /// The same before there were any.
    live_without_us: f64,
    /// The longest way from the disk to a caller, with the holds.
    live_max_us: f64,
    /// As the runtime counts them.
    holds: usize,
    generations_held: u64,
    rounds: u32,
    /// Where the time went, by the runtime's own clock.
    steps: Steps,
    steps_without: Steps,
}

/// What the rounds took.
#[derive(Debug, Default)]
struct Rounds {
    live: Vec<f64>,
    timings: Vec<Timings>,
}

/// So many old generations share the holds.
const GENERATIONS: u64 = 10;

/// Kinds of holds.
const KINDS: u32 = 5;

/// Measures.
pub(crate) fn run(options: &Options, holds: u32) -> Result<Held, Error> {
    let host = Host::start_hostile(Duration::ZERO, false)?;
    // Threads that nobody joins use it until they end.
    let course: &'static Course = Box::leak(Box::default());
    let mut version = 0;
    rounds(&host, &mut version, WARM_UP as u32)?;
    let without = rounds(&host, &mut version, options.rounds)?;
    let mut leases = Vec::new();
    let (with, found) = thread::scope(|scope| {
        let result = hold(&host, course, scope, holds, &mut version, &mut leases)
            .and_then(|found| Ok((rounds(&host, &mut version, options.rounds)?, found)));
        // Before anything is returned, or the scope would wait for the holders for ever.
        course.set_turn(Course::END);
        result
    })?;
    for (expected, witness) in &mut leases {
        let found = version_of(version, witness.testify(version));
        if found != *expected {
            return Err(Error::WrongVersion { step: "swap", expected: *expected, found });
        }
    }
    let middle = |samples: &[f64]| rounded(median(samples), 1);
    Ok(Held {
        live_us: middle(&with.live),
        live_without_us: middle(&without.live),
        live_max_us: rounded(with.live.iter().copied().fold(0.0, f64::max), 1),
        holds: found,
        generations_held: GENERATIONS,
        rounds: options.rounds,
        steps: Steps::medians(&with.timings),
        steps_without: Steps::medians(&without.timings),
    })
}

fn rounds(host: &Host, version: &mut u64, count: u32) -> Result<Rounds, Error> {
    let mut rounds = Rounds::default();
    for _ in 0..count {
        *version += 1;
        let ready = host.write(*version)?;
        let start = Instant::now();
        ready.appear()?;
        let live = seen("Liveswap", *version, start, bench_hostile::version)?;
        let reload = host.swapped(*version)?;
        rounds.live.push(micros(live));
        rounds.timings.push(reload.timings);
    }
    Ok(rounds)
}

/// Has old generations held, until the course ends; how many holds the runtime counts.
fn hold<'scope>(
    host: &'scope Host,
    course: &'static Course,
    scope: &'scope Scope<'scope, '_>,
    holds: u32,
    version: &mut u64,
    leases: &mut Vec<(u64, Lease<dyn Witness>)>,
) -> Result<usize, Error> {
    let each = u64::from(holds.div_ceil(GENERATIONS as u32 * KINDS));
    let pins = Arc::new(AtomicU64::new(0));
    for generation in 1..=GENERATIONS {
        *version += 1;
        host.swap_to(*version)?;
        for _ in 0..each {
            leases.push((*version, lease::witness(course)));
            let pins = Arc::clone(&pins);
            spawn(scope, move || leftovers::stay(course, Course::END))?;
            spawn(scope, move || {
                let pin = host.runtime().pin();
                // Release pairs with the acquire below.
                pins.fetch_add(1, Ordering::Release);
                let _ = course.later_than(0);
                drop(pin);
            })?;
            spawn(scope, move || {
                leftovers::leave_value(course);
                let _ = course.later_than(0);
            })?;
            if !leftovers::start_thread(course, Course::END) {
                return Err(Error::Unknown { step: "swap", what: "whether a thread was started" });
            }
        }
        // The next swap may come only when all are inside this one; a thread has a thread-local value of its own.
        let deadline = Instant::now() + DEADLINE;
        // Acquire pairs with the release above.
        while course.under_way() < 5 * each * generation
            || pins.load(Ordering::Acquire) < each * generation
        {
            if Instant::now() > deadline {
                let what = format!("{holds} holds");
                return Err(Error::TimedOut { step: "swap", what, within: DEADLINE });
            }
            host.events().next_within(LOOK);
        }
    }
    // What is inside the newest is told of an old one only.
    *version += 1;
    host.swap_to(*version)?;
    held(host)
}

/// Between two looks at what holds generations.
const LOOK: Duration = Duration::from_millis(5);

fn spawn<'scope>(
    scope: &'scope Scope<'scope, '_>,
    run: impl FnOnce() + Send + 'scope,
) -> Result<(), Error> {
    let builder = thread::Builder::new().name("holder".to_owned()).stack_size(STACK);
    builder.spawn_scoped(scope, run).map(drop).map_err(Error::Thread)
}

/// A thousand threads are no load on a small machine's memory.
const STACK: usize = 64 << 10;

/// How many holds the runtime counts, on all generations.
fn held(host: &Host) -> Result<usize, Error> {
    let status = host.runtime().status()?;
    let holders = status.generations.iter().flat_map(|generation| &generation.holders);
    Ok(holders.map(count).sum())
}

fn count(holder: &Holder) -> usize {
    match holder.kind {
        HolderKind::More { threads, thread_locals, leases } => threads + thread_locals + leases,
        _ => 1,
    }
}

impl Report for Held {
    fn table(&self) -> Table {
        let table = Table::new(["medians", "us without holds", "us with them"]);
        let us = |value: f64| format!("{value:.0}");
        let live = [("on disk to live", self.live_without_us, self.live_us)];
        let steps = self.steps_without.rows().into_iter().zip(self.steps.rows());
        let steps = steps.map(|((what, without), (_, with))| (what, without, with));
        live.into_iter()
            .chain(steps)
            .fold(table, |table, (what, without, with)| {
                table.row([what.to_owned(), us(without), us(with)])
            })
            .row(["longest".to_owned(), String::new(), us(self.live_max_us)])
            .row(["holds".to_owned(), "0".to_owned(), self.holds.to_string()])
    }

    fn targets(&self) -> Vec<Target> {
        vec![Target::at_most("ms on disk to live", self.live_us / 1000.0, 10.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_milliseconds_are_allowed() {
        let held = |live_us| Held {
            live_us,
            live_without_us: 900.0,
            live_max_us: 12_000.0,
            holds: 1000,
            generations_held: GENERATIONS,
            rounds: 50,
            steps: Steps::default(),
            steps_without: Steps::default(),
        };
        let holds = |live_us| held(live_us).targets().iter().all(Target::holds);
        assert!(holds(9_900.0));
        assert!(!holds(10_100.0));
        assert!(!holds(f64::NAN));
    }
}
