//! `calls`: what one call costs, on one thread and on two at once.
//!
//! The function adds a constant, and each result is the next call's argument: nothing hides what a call costs.
//! Short rounds alternate between the ways to call and the numbers of threads, so that whatever else the machine does
//! falls on all of them, and the medians of the rounds are compared.

use std::hint::{self, black_box};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::Error;
use crate::host::Host;
use crate::peer::Peer;
use crate::report::{Report, Table, Target};
use crate::statistics::{median, rounded};
use crate::subject::{self, Loop, Subject};

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Rounds of each way and number of threads.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// How long a round is meant to take, in milliseconds.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    round_ms: u32,
}

/// Nanoseconds a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Cost {
    /// With one thread.
    t1: f64,
    /// With two threads that call at once.
    t2: f64,
}

/// The medians.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    direct: Cost,
    indirect: Cost,
    /// With a generation loaded from an artifact.
    liveswap: Cost,
    hot_lib_reloader: Cost,
    /// With a runtime, before the first swap: the code linked into the program.
    liveswap_linked: Cost,
    rounds: u32,
}

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Figures, Error> {
    subject::set_indirect();
    let host = Host::start()?;
    let _peer = Peer::start()?;
    let linked = measure(&[Subject::Liveswap], options)?;
    host.swap_to(1)?;
    match bench_hot::version() {
        1 => {}
        found => return Err(Error::WrongVersion { step: "calls", expected: 1, found }),
    }
    let swapped = measure(&Subject::ALL, options)?;
    let [direct, indirect, liveswap, hot_lib_reloader] = swapped[..] else {
        return Err(Error::Unknown { step: "calls", what: "the cost of each way to call" });
    };
    let liveswap_linked = linked.first().copied().unwrap_or_default();
    let rounds = options.rounds;
    Ok(Figures { direct, indirect, liveswap, hot_lib_reloader, liveswap_linked, rounds })
}

impl Report for Figures {
    fn table(&self) -> Table {
        let named = Subject::ALL.map(Subject::name).into_iter().chain(["Liveswap, generation 0"]);
        let costs = [
            self.direct,
            self.indirect,
            self.liveswap,
            self.hot_lib_reloader,
            self.liveswap_linked,
        ];
        let headings = ["ns a call, medians", "1 thread", "/ indirect", "2 threads", "/ indirect"];
        named.zip(costs).fold(Table::new(headings), |table, (name, cost)| {
            let ratio = |cost: f64, to: f64| format!("{:.2}", cost / to);
            table.row([
                name.to_owned(),
                format!("{:.2}", cost.t1),
                ratio(cost.t1, self.indirect.t1),
                format!("{:.2}", cost.t2),
                ratio(cost.t2, self.indirect.t2),
            ])
        })
    }

    fn targets(&self) -> Vec<Target> {
        let Figures { indirect, liveswap, hot_lib_reloader: peer, .. } = self;
        vec![
            Target::at_most("Liveswap / indirect, 1 thread,", liveswap.t1 / indirect.t1, 2.0),
            Target::at_most("Liveswap / indirect, 2 threads,", liveswap.t2 / indirect.t2, 2.0),
            Target::at_least("hot-lib-reloader / Liveswap, 1 thread,", peer.t1 / liveswap.t1, 25.0),
            Target::at_least(
                "hot-lib-reloader / Liveswap, 2 threads,",
                peer.t2 / liveswap.t2,
                25.0,
            ),
        ]
    }
}

/// The medians of `subjects`, in their order.
fn measure(subjects: &[Subject], options: &Options) -> Result<Vec<Cost>, Error> {
    let round = Duration::from_millis(options.round_ms.into());
    let mut plans = Vec::new();
    for &subject in subjects {
        for threads in [1, 2] {
            // One round to find out how many calls make one of the right length.
            let trial = run_round(subject, threads, 20_000)?;
            let calls = (round.as_nanos() as f64 / trial.max(0.1)) as u64;
            plans.push((subject, threads, calls.max(1000), Vec::new()));
        }
    }
    for _ in 0..options.rounds {
        for (subject, threads, calls, samples) in &mut plans {
            samples.push(run_round(*subject, *threads, *calls)?);
        }
    }
    let medians: Vec<f64> = plans.iter().map(|(.., samples)| rounded(median(samples), 3)).collect();
    Ok(medians.chunks_exact(2).map(|pair| Cost { t1: pair[0], t2: pair[1] }).collect())
}

/// Nanoseconds a call in one round: the mean of its threads.
fn run_round(subject: Subject, threads: usize, calls: u64) -> Result<f64, Error> {
    let start = Start::of(threads);
    let costs = thread::scope(|scope| {
        let spawn = || {
            thread::Builder::new()
                .name("caller".to_owned())
                .spawn_scoped(scope, || subject.with(Chain { calls, start: &start }))
        };
        let mut callers = Vec::new();
        for _ in 1..threads {
            callers.push(spawn().map_err(Error::Thread)?);
        }
        let mut costs = vec![subject.with(Chain { calls, start: &start })];
        for caller in callers {
            costs.push(caller.join().map_err(|_| Error::Panicked { step: "calls" })?);
        }
        Ok::<_, Error>(costs)
    })?;
    Ok(costs.iter().sum::<f64>() / costs.len() as f64)
}

/// Lets threads begin at the same moment, all of them running: one that had to be woken would miss half of a round.
struct Start {
    missing: AtomicUsize,
}

impl Start {
    fn of(threads: usize) -> Start {
        Start { missing: AtomicUsize::new(threads) }
    }

    fn line_up(&self) {
        // Release and acquire: nothing of a round is done before all are here.
        self.missing.fetch_sub(1, Ordering::AcqRel);
        while self.missing.load(Ordering::Acquire) > 0 {
            hint::spin_loop();
        }
    }
}

/// Calls, each with the result of the one before.
struct Chain<'a> {
    calls: u64,
    start: &'a Start,
}

impl Loop for Chain<'_> {
    type Result = f64;

    #[inline(never)]
    fn run(self, call: impl Fn(u64) -> u64) -> f64 {
        // A thread's first call does more than the others.
        let mut state = call(black_box(0x9E37_79B9_7F4A_7C15));
        self.start.line_up();
        let start = Instant::now();
        for _ in 0..self.calls {
            state = call(state);
        }
        let elapsed = start.elapsed();
        black_box(state);
        elapsed.as_nanos() as f64 / self.calls as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let cost = |t1, t2| Cost { t1, t2 };
        Figures {
            direct: cost(2.5, 2.6),
            indirect: cost(2.5, 2.5),
            liveswap: cost(3.0, 5.5),
            hot_lib_reloader: cost(140.0, 130.0),
            liveswap_linked: cost(2.8, 2.9),
            rounds: 3,
        }
    }

    #[test]
    fn the_keys_are_those_that_are_promised() {
        let json = serde_json::to_value(figures()).unwrap();
        for key in ["direct", "indirect", "liveswap", "hot_lib_reloader"] {
            for threads in ["t1", "t2"] {
                assert!(json[key][threads].is_f64(), "{key}.{threads}");
            }
        }
        assert_eq!(json["liveswap"]["t2"], 5.5);
    }

    #[test]
    fn each_number_of_threads_has_its_own_targets() {
        let held: Vec<bool> = figures().targets().iter().map(Target::holds).collect();
        assert_eq!(held, [true, false, true, false]);
        assert!(figures().table().to_string().contains("2.20"), "5.5 / 2.5");
    }

    #[test]
    fn a_chain_makes_as_many_calls_as_asked() {
        let made = std::cell::Cell::new(0);
        let count = |state| {
            made.set(made.get() + 1);
            state
        };
        let start = Start::of(1);
        let cost = Chain { calls: 1000, start: &start }.run(count);
        assert_eq!(made.get(), 1001);
        assert!(cost > 0.0);
    }
}
