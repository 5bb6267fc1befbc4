//! `soak`: what is left of many swaps while several threads call without pause.
//!
//! A result counts as wrong unless it comes from a version that was current at some moment of its call: not older than
//! the last one that was reported as swapped in before the call, and not newer than the last one that was put on the disk
//! before its end.
//!
//! With `--hostile`, hot code leaves behind what it can and artifacts are bad: see [`hostile`].

mod callers;
mod figures;
pub(crate) mod hostile;
mod kept;
mod spoil;
mod tasks;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use liveswap::Retirement;
use serde::Serialize;

use crate::error::Error;
use crate::host::Host;
use crate::process;
use crate::report::{Report, Table, Target};
use crate::statistics::rounded;

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Swaps in all.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    swaps: u32,

    /// Threads that call without pause.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,

    /// Threads, thread-local values, leases, tasks, long calls and pins hold old generations, and one artifact in ten is bad.
    #[arg(long)]
    pub(crate) hostile: bool,

    /// For how many milliseconds the code of what nothing holds any more is inaccessible before it is unloaded.
    #[arg(long, requires = "hostile", default_value_t = 20)]
    quarantine_ms: u64,

    /// Search the program's memory for pointers into a generation before it is unloaded; what only looks like one may keep it.
    #[arg(long, requires = "hostile")]
    scan_memory: bool,

    /// What everything random in a hostile run comes from; printed at the start of each.
    #[arg(long, requires = "hostile")]
    seed: Option<u64>,
}

/// What was left.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    swaps: u32,
    /// Growth of resident memory since the warm-up.
    rss_growth_kib: i64,
    /// Stages mapped at once, at most, looked at after each swap since the warm-up.
    images_mapped: usize,
    /// Growth of the number of open descriptors since the warm-up.
    fd_growth: i64,
    /// Files of stages that outlived their generation or the runtime.
    stages_left: usize,
    /// Results of versions that were not current during the call.
    wrong: u64,
    /// Swaps before the first look at memory and descriptors.
    warm_up: u32,
    calls: u64,
    /// Generations that could not be unloaded.
    retained: usize,
    rss_kib: i64,
    seconds: f64,
}

/// What the calling threads and the swapping one tell each other.
#[derive(Debug)]
struct Board {
    /// The newest version that was reported as swapped in.
    swapped: AtomicU64,
    /// The newest version that may be on the disk.
    written: AtomicU64,
    end: AtomicBool,
}

/// What one thread saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    calls: u64,
    wrong: u64,
}

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Figures, Error> {
    let host = Host::start()?;
    let board = Board { swapped: 0.into(), written: 0.into(), end: false.into() };
    let start = Instant::now();
    let (mut figures, seen) = thread::scope(|scope| {
        let mut callers = Vec::new();
        let started = (0..options.threads).try_for_each(|_| {
            let builder = thread::Builder::new().name("caller".to_owned());
            callers.push(builder.spawn_scoped(scope, || board.call())?);
            Ok(())
        });
        let figures =
            started.map_err(Error::Thread).and_then(|()| swap_all(&host, options, &board));
        // Before anything is returned, or the scope would wait for the callers for ever.
        board.end.store(true, Ordering::Relaxed);
        let mut seen = Seen::default();
        for caller in callers {
            let one = caller.join().map_err(|_| Error::Panicked { step: "soak" })?;
            seen = Seen { calls: seen.calls + one.calls, wrong: seen.wrong + one.wrong };
        }
        Ok::<_, Error>((figures?, seen))
    })?;
    figures.stages_left = stages_left(host)?;
    figures.seconds = rounded(start.elapsed().as_secs_f64(), 3);
    (figures.calls, figures.wrong) = (seen.calls, seen.wrong);
    Ok(figures)
}

/// How many files of stages outlive their generation, or the runtime, which ends.
fn stages_left(host: Host) -> Result<usize, Error> {
    // What the history keeps, the current generation's among them, is meant to be there.
    let meant = host.runtime().history()?.iter().filter(|entry| entry.digest.is_some()).count();
    let kept = process::entries_besides_lock(host.runtime().stage_directory())?;
    let stages = host.stages();
    let artifact = host.end();
    let left = process::entries_besides_lock(&stages)?;
    drop(artifact);
    Ok(kept.saturating_sub(meant) + left)
}

/// Swaps as often as asked, and looks at what is left each time.
fn swap_all(host: &Host, options: &Options, board: &Board) -> Result<Figures, Error> {
    let mut figures = Figures {
        swaps: options.swaps,
        warm_up: WARM_UP.min(options.swaps / 2),
        ..Figures::default()
    };
    let mut before = process::Usage::now()?;
    for swap in 1..=options.swaps {
        let version = u64::from(swap);
        // Release pairs with the acquire in `call`.
        board.written.store(version, Ordering::Release);
        host.swap_to(version)?;
        // Release pairs with the acquire in `call`.
        board.swapped.store(version, Ordering::Release);
        if swap > figures.warm_up {
            figures.images_mapped = figures.images_mapped.max(host.images_mapped()?.len());
        }
        // The first swap replaces the program itself, of which nothing is heard.
        if swap > 1
            && let Retirement::Retained { .. } = host.retired()?
        {
            figures.retained += 1;
        }
        if swap == figures.warm_up {
            before = process::Usage::now()?;
        }
    }
    let after = process::Usage::at_rest(&before)?;
    figures.rss_growth_kib = after.rss_kib - before.rss_kib;
    figures.fd_growth = after.descriptors - before.descriptors;
    figures.rss_kib = after.rss_kib;
    Ok(figures)
}

/// What the first swaps leave in caches and pools is not growth.
const WARM_UP: u32 = 100;

impl Board {
    fn call(&self) -> Seen {
        let mut state = 0x9E37_79B9_7F4A_7C15;
        let mut seen = Seen::default();
        while !self.end.load(Ordering::Relaxed) {
            seen.calls += 1;
            seen.wrong += u64::from(!self.is_right(state));
            state = bench_hot::advance(state);
        }
        seen
    }

    /// Calls once; whether a version answered that was current during the call.
    fn is_right(&self, state: u64) -> bool {
        // Acquire pairs with the releases in `swap_all`: what was reported is what a call must find.
        let oldest = self.swapped.load(Ordering::Acquire);
        let answered = bench_hot::version_of(state, bench_hot::stamp(state));
        let newest = self.written.load(Ordering::Acquire);
        (oldest..=newest).contains(&answered)
    }
}

impl Report for Figures {
    fn table(&self) -> Table {
        let rows = [
            ("swaps", self.swaps.to_string()),
            ("calls", self.calls.to_string()),
            ("wrong results", self.wrong.to_string()),
            ("memory, KiB", self.rss_kib.to_string()),
            ("growth after the warm-up, KiB", self.rss_growth_kib.to_string()),
            ("images mapped at once", self.images_mapped.to_string()),
            ("growth of descriptors", self.fd_growth.to_string()),
            ("stages left", self.stages_left.to_string()),
            ("generations retained", self.retained.to_string()),
            ("seconds", format!("{:.1}", self.seconds)),
        ];
        let table = Table::new(["soak", ""]);
        rows.into_iter().fold(table, |table, (what, found)| table.row([what.to_owned(), found]))
    }

    fn targets(&self) -> Vec<Target> {
        vec![
            Target::at_most("wrong results", self.wrong as f64, 0.0),
            Target::at_most("KiB of growth", self.rss_growth_kib as f64, 2047.0),
            Target::at_most("images mapped", self.images_mapped as f64, 2.0),
            Target::at_most("growth of descriptors", self.fd_growth as f64, 0.0),
            Target::at_most("stages left", self.stages_left as f64, 0.0),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        Figures { swaps: 1000, images_mapped: 2, rss_growth_kib: -4, ..Figures::default() }
    }

    #[test]
    fn the_keys_are_those_that_are_promised() {
        let json = serde_json::to_value(figures()).unwrap();
        assert_eq!((&json["swaps"], &json["rss_growth_kib"]), (&1000.into(), &(-4).into()));
        assert_eq!((&json["images_mapped"], &json["fd_growth"]), (&2.into(), &0.into()));
        assert_eq!((&json["stages_left"], &json["wrong"]), (&0.into(), &0.into()));
    }

    #[test]
    fn each_leak_misses_its_own_target() {
        let missed = |figures: &Figures| -> Vec<usize> {
            let targets = figures.targets();
            (0..targets.len()).filter(|index| !targets[*index].holds()).collect()
        };
        assert!(missed(&figures()).is_empty());
        assert_eq!(missed(&Figures { wrong: 1, ..figures() }), [0]);
        assert_eq!(missed(&Figures { rss_growth_kib: 2048, ..figures() }), [1]);
        assert_eq!(missed(&Figures { images_mapped: 3, ..figures() }), [2]);
        assert_eq!(missed(&Figures { fd_growth: 1, ..figures() }), [3]);
        assert_eq!(missed(&Figures { stages_left: 1, ..figures() }), [4]);
    }

    #[test]
    fn an_answer_outside_of_the_current_versions_is_wrong() {
        // No runtime runs here, so version 0 answers.
        let is_right = |swapped: u64, written: u64| {
            let board =
                Board { swapped: swapped.into(), written: written.into(), end: false.into() };
            board.is_right(7)
        };
        assert!(is_right(0, 0));
        assert!(is_right(0, 1), "the next version is on the disk and not yet swapped in");
        assert!(!is_right(1, 1), "a caller that was left behind");
    }
}
