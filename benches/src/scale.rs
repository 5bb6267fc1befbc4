//! `scale`: what the checks at load cost where a hot crate is large.
//!
//! A hot crate of as many functions and types as are asked for, and a program that links it, are generated and compiled
//! once; versions of it are copies with another number, as everywhere here (`patch.rs`). Each round loads the file
//! without anything around it, and has the program swap it in.

mod text;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use liveswap_testkit::process::{Fixture, Toolbox};
use serde::Serialize;

use crate::artifact::Artifact;
use crate::bare;
use crate::edit_to_live::child::Child;
use crate::error::Error;
use crate::host::DEADLINE;
use crate::report::{Report, Table, Target};
use crate::statistics::{median, rounded};

/// What is generated and how it is measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Hot functions.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    functions: u32,

    /// Types that they use.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(..=50_000))]
    types: u32,

    /// Rounds, of each one swap.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// The medians.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    functions: u32,
    types: u32,
    /// The loader alone.
    dlopen_ms: f64,
    /// What the runtime adds to it: reading the manifest, describing all types, and comparing them.
    check_ms: f64,
    /// Publishing the table.
    swap_us: f64,
    /// The loader as the runtime calls it, with connecting the two copies of the hot crate.
    load_ms: f64,
    /// The part of `check_ms` that reads the file.
    verify_ms: f64,
    /// Starting the runtime, where the program describes its own types.
    start_ms: f64,
    /// Compiling, if nobody had done so.
    build_ms: f64,
    rounds: u32,
    artifact_bytes: u64,
}

/// What the program says of one swap.
struct Swapped {
    version: u64,
    /// Load, verify, check and swap, in nanoseconds.
    steps: [f64; 4],
}

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Figures, Error> {
    let begun = Instant::now();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let tools = Toolbox::new(workspace, &["liveswap", "liveswap-abi", "liveswap-macros"])?;
    let sources = text::hot_crate(options.functions as usize, options.types as usize);
    let hot = Fixture::new(text::CRATE, sources).using(["liveswap_abi", "liveswap_macros"]);
    let compiled = tools.compile(&hot)?;
    let linked = compiled.join(format!("lib{}.rlib", text::CRATE));
    let host = Fixture::program("scale_host", [("main.rs", text::HOST)])
        .using(["liveswap"])
        .linking(text::CRATE, linked);
    let host = tools.compile(&host)?.join(format!("scale_host{}", std::env::consts::EXE_SUFFIX));
    let artifact = Artifact::built(&compiled.join(hot.file_name()), &text::MARKER, 1)?;
    let build_ms = millis(begun.elapsed());

    let mut command = Command::new(host);
    command.arg(artifact.path()).arg(artifact.directory());
    let mut program = Child::start("scale", command)?;
    let (functions, start) = program.line("start of the program", DEADLINE, ready)?;
    let mut samples: [Vec<f64>; 5] = Default::default();
    for version in 1..=u64::from(options.rounds) + WARM_UP {
        let ready = artifact.write(version)?;
        let bare = load(ready.path(), artifact.directory())?;
        ready.appear()?;
        let swapped = program.line("swap", DEADLINE, swapped)?;
        if swapped.version != version {
            let (expected, found) = (version, swapped.version);
            return Err(Error::WrongVersion { step: "scale", expected, found });
        }
        if version > WARM_UP {
            let [load, verify, check, swap] = swapped.steps.map(|nanos| nanos / 1e6);
            let round = [millis(bare), load, verify, check, swap];
            samples.iter_mut().zip(round).for_each(|(all, one)| all.push(one));
        }
    }
    let bytes = fs::metadata(artifact.path()).map_err(|source| Error::File {
        action: "looked at",
        path: artifact.path().to_owned(),
        source,
    })?;
    let [dlopen, load, verify, check, swap] = samples.map(|all| median(&all));
    Ok(Figures {
        functions,
        types: options.types,
        dlopen_ms: rounded(dlopen, 2),
        check_ms: rounded(verify + check, 2),
        swap_us: rounded(swap * 1e3, 1),
        load_ms: rounded(load, 2),
        verify_ms: rounded(verify, 2),
        start_ms: rounded(start / 1e6, 1),
        build_ms: rounded(build_ms, 0),
        rounds: options.rounds,
        artifact_bytes: bytes.len(),
    })
}

const WARM_UP: u64 = 1;

/// Loads a copy of the file and lets it go; only the loading is counted.
fn load(artifact: &Path, directory: &Path) -> Result<Duration, Error> {
    let copy = directory.join("bare-copy.so");
    let failed = |action| {
        let path = copy.clone();
        move |source| Error::File { action, path, source }
    };
    fs::copy(artifact, &copy).map_err(failed("copied"))?;
    let start = Instant::now();
    let library = bare::load(&copy)?;
    let elapsed = start.elapsed();
    library.close().map_err(|source| Error::Load { path: copy.clone(), source })?;
    fs::remove_file(&copy).map_err(failed("removed"))?;
    Ok(elapsed)
}

/// The number of functions and the nanoseconds of the start.
fn ready(line: &str) -> Option<(u32, f64)> {
    let (functions, nanos) = line.strip_prefix("ready ")?.split_once(' ')?;
    Some((functions.parse().ok()?, nanos.parse().ok()?))
}

fn swapped(line: &str) -> Option<Swapped> {
    let mut words = line.strip_prefix("swapped ")?.split(' ');
    let version = words.next()?.parse().ok()?;
    let steps: Vec<f64> = words.map_while(|word| word.parse().ok()).collect();
    Some(Swapped { version, steps: steps.try_into().ok()? })
}

fn millis(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

impl Report for Figures {
    fn table(&self) -> Table {
        let rows = [
            ("dlopen of the same file", self.dlopen_ms),
            ("Liveswap: load", self.load_ms),
            ("  verify and check", self.check_ms),
            ("    verify", self.verify_ms),
            ("  swap", self.swap_us / 1e3),
            ("start of the program's runtime", self.start_ms),
            ("compiling, where it was not done before", self.build_ms),
        ];
        let what = format!("{} functions, {} types", self.functions, self.types);
        rows.iter().fold(Table::new([what.as_str(), "ms"]), |table, (what, ms)| {
            table.row([(*what).to_owned(), format!("{ms:.2}")])
        })
    }

    fn targets(&self) -> Vec<Target> {
        vec![Target::at_most("ms of checks over dlopen", self.check_ms, 50.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(check_ms: f64) -> Figures {
        Figures {
            functions: 10_000,
            types: 2_000,
            dlopen_ms: 9.5,
            check_ms,
            swap_us: 2000.5,
            load_ms: 11.0,
            verify_ms: 3.0,
            start_ms: 30.0,
            build_ms: 90_000.0,
            rounds: 10,
            artifact_bytes: 9_000_000,
        }
    }

    #[test]
    fn the_keys_are_those_that_are_promised() {
        let json = serde_json::to_value(figures(21.5)).unwrap();
        assert_eq!((&json["functions"], &json["types"]), (&10_000.into(), &2_000.into()));
        assert_eq!(json["dlopen_ms"], 9.5);
        assert_eq!(json["check_ms"], 21.5);
        assert_eq!(json["swap_us"], 2000.5);
    }

    #[test]
    fn fifty_milliseconds_over_dlopen() {
        let holds = |check| figures(check).targets().iter().all(Target::holds);
        assert!(holds(49.9));
        assert!(!holds(50.1));
        assert!(!holds(f64::NAN));
    }

    #[test]
    fn what_the_program_says_is_understood() {
        assert_eq!(ready("ready 250 1200"), Some((250, 1200.0)));
        let said = swapped("swapped 3 10 20 30 40").unwrap();
        assert_eq!((said.version, said.steps), (3, [10.0, 20.0, 30.0, 40.0]));
        assert!(swapped("swapped 3 10 20 30").is_none());
        assert!(swapped("panicked").is_none());
    }
}
