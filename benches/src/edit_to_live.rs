//! `edit-to-live`: from a saved file to the new behavior, seen by a program that runs.
//!
//! A constant of a hot crate is changed again and again, each time in the copy of another one of those that are compared,
//! so that all of them share whatever else the machine does. The clock starts when the saved file has its name and
//! stops when the program, which calls the hot function all the time, reports the new value; for a compiler or cargo alone it
//! stops when that ends.
//!
//! - `liveswap`: `cargo liveswap run`.
//! - `rustc_floor`: the command that cargo compiles the hot crate with, replayed with nothing around it.
//! - `cargo_build`: `cargo build` of the hot crate as a `cdylib`.
//! - `hot_lib_reloader_default`: as its README says, with `cargo watch` or, where that is not installed, with its 500 ms.
//! - `hot_lib_reloader_best`: `cargo build` in the moment of the save, and a debounce of 20 ms.
//! - `dx`: `dx serve --hotpatch`, with the hot crate in the program's own crate, where it is fastest.

mod capture;
pub(crate) mod child;
mod figures;
mod hosts;
mod hot_crate;
mod listen;
mod programs;
mod steps;
mod stop;
mod subject;
mod workspace;

use std::path::{Path, PathBuf};

pub(crate) use self::capture::stand_in;
use self::figures::{Figures, Samples};
use self::hot_crate::{HotCrate, Which};
use self::programs::own_program;
use self::subject::{Ground, Key};
use self::workspace::file;
use crate::error::Error;

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Edits, of each of those that are compared.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    edits: u32,

    /// The hot crate that is edited.
    #[arg(long = "crate", value_enum, default_value_t = Which::Small)]
    which: Which,

    /// Only these, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Key>,

    /// Where everything is compiled, to be found there by the next run [default: a temporary directory].
    #[arg(long, value_name = "DIRECTORY")]
    target_dir: Option<PathBuf>,

    /// Another `cargo-liveswap` than this checkout's.
    #[arg(long, value_name = "PROGRAM")]
    liveswap: Option<PathBuf>,
}

/// The first edits of each are other than the rest: incremental caches are filled, and watchers wake.
const WARM_UP: u32 = 2;

/// The first value that is saved; far from what stands in the crates.
const FIRST: u64 = 1000;

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Figures, Error> {
    stop::listen()?;
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checkout = checkout.parent().unwrap_or(checkout).to_owned();
    let hot = HotCrate::read(options.which, &checkout)?;
    let all = tempfile::Builder::new().prefix("liveswap-bench-").tempdir();
    let all = all.map_err(file("made", Path::new("a temporary directory")))?;
    // As the compilers name it.
    let directory = all.path().canonicalize().map_err(file("found", all.path()))?;
    let target = match &options.target_dir {
        Some(own) => std::path::absolute(own).map_err(file("found", own))?,
        None => directory.join("target"),
    };
    let keys = keys(&options.only);
    let liveswap = match &options.liveswap {
        Some(other) => std::path::absolute(other).map_err(file("found", other))?,
        None if keys.contains(&Key::Liveswap) => own_program(&checkout)?,
        None => PathBuf::new(),
    };
    let ground = Ground { checkout, directory, target, liveswap, hot };
    let mut subjects = Vec::new();
    for key in keys {
        eprintln!("liveswap-bench: building for {}", figures::name(key));
        if let Some(subject) = ground.prepare(key)? {
            subjects.push((key, subject, Samples::default()));
        }
    }
    for round in 0..WARM_UP + options.edits {
        for (_, subject, samples) in &mut subjects {
            match subject.edit(FIRST + u64::from(round)) {
                Ok((took, steps)) if round >= WARM_UP => samples.add(took, steps),
                Ok(_) => {}
                // Others lose a change now and then; the next one brings it along.
                Err(Error::TimedOut { .. }) if subject.may_lose() => {
                    samples.lost += u32::from(round >= WARM_UP);
                }
                Err(error) => return Err(error),
            }
        }
    }
    let samples = subjects.into_iter().map(|(key, _, samples)| (key, samples)).collect();
    Ok(Figures::new(options.which, options.edits, samples))
}

/// What is asked for, Liveswap first.
fn keys(only: &[Key]) -> Vec<Key> {
    use clap::ValueEnum;
    let all = Key::value_variants().iter().copied();
    all.filter(|key| only.is_empty() || only.contains(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_compared_unless_only_some_are_wanted() {
        assert_eq!(keys(&[]).len(), 6);
        let only = [Key::RustcFloor, Key::Liveswap];
        assert_eq!(keys(&only), [Key::Liveswap, Key::RustcFloor]);
    }
}
