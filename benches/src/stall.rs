//! `stall`: what a thread that calls without pause feels of swaps.
//!
//! The time from the end of one call to the end of the next goes into one of two histograms: windows with one swap in
//! them, from the writing of the artifact to the unloading of the code it replaces, alternate with windows of the same
//! length in which nothing happens. The loop does not allocate, does not wait, and leaves no time unaccounted for.
//!
//! A window is 20 ms long, so there are many more swaps than anyone could save. Swaps without a pause between them
//! (`--every-ms 0`) show in the 99.99 % what one swap costs: the system interrupts every processor of the process a few
//! times when memory is protected and unmapped, and that is more than one call in ten thousand then.

use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::error::Error;
use crate::host::Host;
use crate::report::{Report, Table, Target};
use crate::statistics::rounded;

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Swaps in all.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    swaps: u32,

    /// Time from one swap to the next, in milliseconds; 0 for as soon as the last one is over.
    #[arg(long, default_value_t = 20)]
    every_ms: u64,
}

/// What was felt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    baseline_p9999_ns: u64,
    swapping_p9999_ns: u64,
    max_stall_us: f64,
    baseline_max_us: f64,
    calls: u64,
    swaps: u32,
    /// Results that neither version gives.
    wrong: u64,
    baseline_p50_ns: u64,
    swapping_p50_ns: u64,
    baseline_p999_ns: u64,
    swapping_p999_ns: u64,
    /// How often the caller found that another version answered than before.
    changes_seen: u64,
    swapping_seconds: f64,
    baseline_seconds: f64,
}

const IDLE: u8 = 0;
const BASELINE: u8 = 1;
const SWAPPING: u8 = 2;
const END: u8 = 3;

/// The versions that take turns.
const VERSIONS: [u64; 2] = [1, 2];

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Figures, Error> {
    let host = Host::start()?;
    // From here on the program's own code is a wrong answer too.
    host.swap_to(VERSIONS[0])?;
    let seen = Seen::new()?;
    let window = AtomicU8::new(IDLE);
    let (seen, took) = thread::scope(|scope| {
        let caller = thread::Builder::new()
            .name("caller".to_owned())
            .spawn_scoped(scope, || seen.call(&window))
            .map_err(Error::Thread)?;
        let took = windows(&host, options, &window);
        window.store(END, Ordering::Relaxed);
        let seen = caller.join().map_err(|_| Error::Panicked { step: "stall" })?;
        Ok::<_, Error>((seen, took?))
    })?;
    Ok(seen.figures(options.swaps, took))
}

/// Alternates the windows; returns how long those with and without swaps were in all.
fn windows(
    host: &Host,
    options: &Options,
    window: &AtomicU8,
) -> Result<(Duration, Duration), Error> {
    let every = Duration::from_millis(options.every_ms);
    let (mut swapping, mut baseline) = (Duration::ZERO, Duration::ZERO);
    for swap in 1..=options.swaps {
        // Relaxed, here and below: which window a call falls into need not be exact to the call.
        window.store(SWAPPING, Ordering::Relaxed);
        let start = Instant::now();
        host.swap_to(VERSIONS[swap as usize % VERSIONS.len()])?;
        host.retired()?;
        thread::sleep(every.saturating_sub(start.elapsed()));
        swapping += start.elapsed();

        window.store(BASELINE, Ordering::Relaxed);
        let (start, length) = (Instant::now(), start.elapsed());
        thread::sleep(length);
        window.store(IDLE, Ordering::Relaxed);
        baseline += start.elapsed();
    }
    Ok((swapping, baseline))
}

/// What the caller saw.
#[derive(Debug)]
struct Seen {
    baseline: Histogram<u64>,
    swapping: Histogram<u64>,
    wrong: u64,
    changes: u64,
}

impl Seen {
    fn new() -> Result<Seen, Error> {
        // Bounds make room for every value at once: recording never allocates.
        let histogram = || Histogram::new_with_bounds(1, 60_000_000_000, 3);
        Ok(Seen { baseline: histogram()?, swapping: histogram()?, wrong: 0, changes: 0 })
    }

    fn call(mut self, window: &AtomicU8) -> Seen {
        let mut state = 0x9E37_79B9_7F4A_7C15;
        let mut version = VERSIONS[0];
        let mut last = Instant::now();
        loop {
            let window = window.load(Ordering::Relaxed);
            let answered = bench_hot::version_of(state, bench_hot::stamp(state));
            state = bench_hot::advance(state);
            self.wrong += u64::from(!VERSIONS.contains(&answered));
            self.changes += u64::from(answered != version);
            version = answered;
            let now = Instant::now();
            let took = now.duration_since(last).as_nanos() as u64;
            last = now;
            match window {
                BASELINE => self.baseline.saturating_record(took),
                SWAPPING => self.swapping.saturating_record(took),
                END => return self,
                _ => {}
            }
        }
    }

    fn figures(&self, swaps: u32, (swapping, baseline): (Duration, Duration)) -> Figures {
        let micros = |histogram: &Histogram<u64>| rounded(histogram.max() as f64 / 1000.0, 1);
        Figures {
            baseline_p9999_ns: self.baseline.value_at_quantile(0.9999),
            swapping_p9999_ns: self.swapping.value_at_quantile(0.9999),
            max_stall_us: micros(&self.swapping),
            baseline_max_us: micros(&self.baseline),
            calls: self.swapping.len() + self.baseline.len(),
            swaps,
            wrong: self.wrong,
            baseline_p50_ns: self.baseline.value_at_quantile(0.5),
            swapping_p50_ns: self.swapping.value_at_quantile(0.5),
            baseline_p999_ns: self.baseline.value_at_quantile(0.999),
            swapping_p999_ns: self.swapping.value_at_quantile(0.999),
            changes_seen: self.changes,
            swapping_seconds: rounded(swapping.as_secs_f64(), 3),
            baseline_seconds: rounded(baseline.as_secs_f64(), 3),
        }
    }
}

impl Report for Figures {
    fn table(&self) -> Table {
        let row = |what: &str, none: String, swapping: String| [what.to_owned(), none, swapping];
        let ns = |what, none: u64, swapping: u64| row(what, none.to_string(), swapping.to_string());
        Table::new(["from call to call", "no swaps", "swapping"])
            .row(ns("median, ns", self.baseline_p50_ns, self.swapping_p50_ns))
            .row(ns("99.9 %, ns", self.baseline_p999_ns, self.swapping_p999_ns))
            .row(ns("99.99 %, ns", self.baseline_p9999_ns, self.swapping_p9999_ns))
            .row(row(
                "longest, us",
                self.baseline_max_us.to_string(),
                self.max_stall_us.to_string(),
            ))
            .row(row("swaps", "0".to_owned(), self.swaps.to_string()))
            .row(row(
                "seconds",
                self.baseline_seconds.to_string(),
                self.swapping_seconds.to_string(),
            ))
    }

    fn targets(&self) -> Vec<Target> {
        let ratio = self.swapping_p9999_ns as f64 / self.baseline_p9999_ns as f64;
        vec![
            Target::at_most("99.99 % swapping / no swaps", ratio, 1.5),
            Target::at_most("wrong results", self.wrong as f64, 0.0),
            Target::at_least("changes of version seen", self.changes_seen as f64, 1.0),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(baseline: &[u64], swapping: &[u64]) -> Seen {
        let mut seen = Seen::new().unwrap();
        baseline.iter().for_each(|took| seen.baseline.record(*took).unwrap());
        swapping.iter().for_each(|took| seen.swapping.record(*took).unwrap());
        seen
    }

    fn figures(seen: &Seen) -> Figures {
        seen.figures(100, (Duration::from_millis(1500), Duration::from_millis(1501)))
    }

    #[test]
    fn the_keys_are_those_that_are_promised() {
        let mut seen = seen(&[40; 10], &[50; 20]);
        seen.wrong = 3;
        let json = serde_json::to_value(figures(&seen)).unwrap();
        assert_eq!(json["baseline_p9999_ns"], 40);
        assert_eq!(json["swapping_p9999_ns"], 50);
        assert_eq!(json["baseline_max_us"], 0.0);
        assert_eq!(json["max_stall_us"], 0.1);
        assert_eq!(
            (&json["calls"], &json["swaps"], &json["wrong"]),
            (&30.into(), &100.into(), &3.into())
        );
    }

    #[test]
    fn one_call_in_ten_thousand_decides() {
        let mut calls = vec![40; 99_989];
        calls.extend([1_000; 11]);
        let mut seen = seen(&[40; 100_000], &calls);
        seen.changes = 100;
        let figures = figures(&seen);
        assert_eq!((figures.swapping_p999_ns, figures.swapping_p9999_ns), (40, 1_000));
        let held: Vec<bool> = figures.targets().iter().map(Target::holds).collect();
        assert_eq!(held, [false, true, true]);
    }

    #[test]
    fn a_stall_of_any_length_is_kept() {
        let mut seen = seen(&[], &[]);
        seen.swapping.saturating_record(2_000_000);
        assert_eq!(figures(&seen).max_stall_us, 2000.9, "within a thousandth, never less");
        seen.swapping.saturating_record(u64::MAX);
        assert!(figures(&seen).max_stall_us > 59e6);
    }

    #[test]
    fn a_run_in_which_no_version_changed_proves_nothing() {
        let figures = figures(&seen(&[40], &[40]));
        assert!(!figures.targets().iter().all(Target::holds));
    }
}
