//! `swap`: from an artifact that is complete on the disk to its behavior seen by a caller.
//!
//! The clock starts when the complete file is about to get its name, and stops when a call, made again and again,
//! first answers with the new version. Rounds alternate between Liveswap, the bare cost of copying and loading the very
//! same file, and hot-lib-reloader with its own library.
//!
//! With `--holds`, old generations are held meanwhile: see [`holds`].

pub(crate) mod holds;

use std::fs;
use std::hint;
use std::path::Path;
use std::time::{Duration, Instant};

use liveswap::event::Timings;
use serde::Serialize;

use crate::artifact::Artifact;
use crate::bare;
use crate::error::Error;
use crate::host::{DEADLINE, Host};
use crate::peer::{self, Peer};
use crate::report::{Report, Table, Target};
use crate::statistics::{median, rounded};

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Rounds, of each one swap.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// So many calls, pins, threads and thread-local values hold old generations, instead of a comparison with others.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) holds: Option<u32>,
}

/// The medians.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    settled_to_live_us: f64,
    copy_dlopen_us: f64,
    hot_lib_reloader_us: f64,
    rounds: u32,
    artifact_bytes: u64,
    peer_bytes: u64,
    steps: Steps,
}

/// Where Liveswap's time went, by its own clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Steps {
    settle_us: f64,
    stage_us: f64,
    verify_us: f64,
    load_us: f64,
    check_us: f64,
    self_check_us: f64,
    swap_us: f64,
}

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Figures, Error> {
    let host = Host::start()?;
    let peer = Peer::start()?;
    let mut samples: [Vec<f64>; 3] = Default::default();
    let mut timings = Vec::new();
    // The first swaps of each are other than the rest: caches, the linked generation, the peer's first watch.
    for version in 1..=u64::from(options.rounds) + WARM_UP {
        let ready = host.write(version)?;
        let start = Instant::now();
        ready.appear()?;
        let live = start + seen("Liveswap", version, start, bench_hot::version)?;
        let reload = host.swapped(version)?;
        if version > 1 {
            host.retired()?;
        }
        let bare = copy_and_load(host.artifact().path(), host.artifact().directory())?;
        let ready = peer.artifact().write(version + 1)?;
        let peer_start = Instant::now();
        ready.appear()?;
        let peer = seen("hot-lib-reloader", version + 1, peer_start, peer::version)?;
        if version > WARM_UP {
            let round = [live - start, bare, peer];
            samples.iter_mut().zip(round).for_each(|(all, one)| all.push(micros(one)));
            timings.push(reload.timings);
        }
    }
    let [settled_to_live_us, copy_dlopen_us, hot_lib_reloader_us] =
        samples.map(|all| rounded(median(&all), 1));
    Ok(Figures {
        settled_to_live_us,
        copy_dlopen_us,
        hot_lib_reloader_us,
        rounds: options.rounds,
        artifact_bytes: bytes(host.artifact())?,
        peer_bytes: bytes(peer.artifact())?,
        steps: Steps::medians(&timings),
    })
}

const WARM_UP: u64 = 3;

impl Steps {
    fn medians(timings: &[Timings]) -> Steps {
        let step = |of: fn(&Timings) -> Duration| {
            let all: Vec<f64> = timings.iter().map(|timings| micros(of(timings))).collect();
            rounded(median(&all), 1)
        };
        Steps {
            settle_us: step(|timings| timings.settle),
            stage_us: step(|timings| timings.stage),
            verify_us: step(|timings| timings.verify),
            load_us: step(|timings| timings.load),
            check_us: step(|timings| timings.check),
            self_check_us: step(|timings| timings.self_check),
            swap_us: step(|timings| timings.swap),
        }
    }

    fn rows(&self) -> [(&'static str, f64); 7] {
        let Steps { settle_us, stage_us, verify_us, load_us, check_us, self_check_us, swap_us } =
            *self;
        [
            ("  settle", settle_us),
            ("  stage", stage_us),
            ("  verify", verify_us),
            ("  load", load_us),
            ("  check", check_us),
            ("  self-check", self_check_us),
            ("  swap", swap_us),
        ]
    }
}

/// How long after `start` a call first answered with `version`.
fn seen(
    who: &'static str,
    version: u64,
    start: Instant,
    call: impl Fn() -> u64,
) -> Result<Duration, Error> {
    loop {
        let answered = call();
        let elapsed = start.elapsed();
        if answered == version {
            return Ok(elapsed);
        }
        if elapsed > DEADLINE {
            let what = format!("answer of version {version}");
            return Err(Error::TimedOut { step: who, what, within: DEADLINE });
        }
        // hot-lib-reloader swaps only when it finds nobody calling, so a caller needs gaps.
        (0..100).for_each(|_| hint::spin_loop());
    }
}

/// What it takes to have a private copy of `artifact` loaded; unloading it is not counted.
fn copy_and_load(artifact: &Path, directory: &Path) -> Result<Duration, Error> {
    let copy = directory.join("bare-copy.so");
    let failed = |action| {
        let path = copy.clone();
        move |source| Error::File { action, path, source }
    };
    let start = Instant::now();
    fs::copy(artifact, &copy).map_err(failed("copied"))?;
    let library = bare::load(&copy)?;
    let elapsed = start.elapsed();
    library.close().map_err(|source| Error::Load { path: copy.clone(), source })?;
    fs::remove_file(&copy).map_err(failed("removed"))?;
    Ok(elapsed)
}

fn bytes(artifact: &Artifact) -> Result<u64, Error> {
    let path = artifact.path();
    let metadata = fs::metadata(path);
    metadata.map(|metadata| metadata.len()).map_err(|source| Error::File {
        action: "looked at",
        path: path.to_owned(),
        source,
    })
}

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1000.0
}

impl Report for Figures {
    fn table(&self) -> Table {
        let live = [("Liveswap: on disk to live", self.settled_to_live_us)];
        let others = [
            ("copy + dlopen of the same file", self.copy_dlopen_us),
            ("hot-lib-reloader: on disk to live", self.hot_lib_reloader_us),
        ];
        let rows = live.into_iter().chain(self.steps.rows()).chain(others);
        let table = Table::new(["medians", "us"]);
        rows.fold(table, |table, (what, us)| table.row([what.to_owned(), format!("{us:.0}")]))
    }

    fn targets(&self) -> Vec<Target> {
        let Figures { settled_to_live_us: live, copy_dlopen_us: bare, .. } = *self;
        let ratio = Target::at_most("on disk to live / copy + dlopen", live / bare, 3.0);
        let over = Target::at_most("ms over it", (live - bare) / 1000.0, 5.0);
        vec![ratio.or(over)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(settled_to_live_us: f64, copy_dlopen_us: f64) -> Figures {
        Figures {
            settled_to_live_us,
            copy_dlopen_us,
            hot_lib_reloader_us: 4000.0,
            rounds: 50,
            artifact_bytes: 400_000,
            peer_bytes: 300_000,
            steps: Steps::default(),
        }
    }

    #[test]
    fn the_keys_are_those_that_are_promised() {
        let json = serde_json::to_value(figures(900.5, 500.0)).unwrap();
        assert_eq!(json["settled_to_live_us"], 900.5);
        assert_eq!(json["copy_dlopen_us"], 500.0);
        assert_eq!(json["hot_lib_reloader_us"], 4000.0);
    }

    #[test]
    fn three_times_or_five_milliseconds_over() {
        let holds = |live, bare| figures(live, bare).targets().iter().all(Target::holds);
        assert!(holds(5_400.0, 500.0), "4.9 ms over");
        assert!(holds(29_000.0, 10_000.0), "2.9 times");
        assert!(!holds(31_000.0, 10_000.0));
        assert!(!holds(f64::NAN, 10_000.0));
    }
}
