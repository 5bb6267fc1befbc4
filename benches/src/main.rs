//! Liveswap measured side by side with what it is compared to, in one run.
//!
//! ```sh
//! cargo run --release -p liveswap-benches --bin liveswap-bench -- calls
//! cargo run --release -p liveswap-benches --bin liveswap-bench -- stall
//! cargo run --release -p liveswap-benches --bin liveswap-bench -- swap
//! cargo run --release -p liveswap-benches --bin liveswap-bench -- soak --swaps 1000
//! cargo run --release -p liveswap-benches --bin liveswap-bench -- soak --swaps 10000 --hostile
//! cargo run --release -p liveswap-benches --bin liveswap-bench -- migrate
//! cargo run --release -p liveswap-benches --bin liveswap-bench -- scale
//! cargo run --release -p liveswap-benches --bin liveswap-bench -- traces
//! cargo run --release -p liveswap-benches --bin liveswap-bench -- edit-to-live --crate deps
//! ```
//!
//! Each prints a table and which targets hold. With `--json` the last line is one JSON object; with `--check` a target
//! that is missed is a failure. Everything alternates within one run, so ratios mean something on a busy machine too.
//!
//! This program is itself the host of the hot crate `bench-hot`, whose library cargo leaves beside it. Versions of that
//! library, and of `bench-peer` for hot-lib-reloader, are copies with another number at a marked place: real artifacts,
//! as many as it takes, without a compiler in the way (`patch.rs`). Only three compile: `edit-to-live` and `traces` workspaces of their own, in
//! a temporary directory, and `scale` a crate as large as is asked for, once.

#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod artifact;
#[allow(unsafe_code, reason = "the bare loader is one of the things that are compared")]
mod bare;
mod calls;
mod edit_to_live;
mod error;
mod host;
mod migrate;
mod patch;
#[allow(unsafe_code, reason = "what hot-lib-reloader generates is unsafe code")]
mod peer;
mod process;
mod report;
mod scale;
mod soak;
mod stall;
mod statistics;
#[allow(unsafe_code, reason = "a bare function pointer is one of the things that are compared")]
mod subject;
mod swap;
mod traces;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::report::Report;

/// Liveswap measured side by side with what it is compared to, in one run.
#[derive(Debug, Parser)]
#[command(name = "liveswap-bench", version)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,

    /// Print the figures as one JSON object in the last line.
    #[arg(long, global = true)]
    json: bool,

    /// Fail if a target is missed.
    #[arg(long, global = true)]
    check: bool,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// What a call costs: direct, indirect, Liveswap, hot-lib-reloader.
    Calls(calls::Options),
    /// What a thread that calls without pause feels of swaps.
    Stall(stall::Options),
    /// From an artifact on the disk to its behavior seen by a caller.
    Swap(swap::Options),
    /// Carrying a large state over to another layout, beside writing and reading it alone.
    Migrate(migrate::Options),
    /// What the checks at load cost where a hot crate is large.
    Scale(scale::Options),
    /// What events and spans of hot code cost, beside those of the program itself.
    Traces(traces::Options),
    /// What is left of many swaps: memory, images, descriptors, stages, wrong results.
    Soak(soak::Options),
    /// From a saved file to its behavior in a running program, beside other tools and the bare compiler.
    EditToLive(edit_to_live::Options),
}

fn main() -> ExitCode {
    liveswap_builder::maybe_run_as_wrapper();
    if let Some(code) = edit_to_live::stand_in() {
        return code;
    }
    let cli = Cli::parse();
    if cfg!(debug_assertions) {
        eprintln!("liveswap-bench: this build is not optimized; add --release for figures");
    }
    let held = match &cli.bench {
        Bench::Calls(options) => calls::run(options).and_then(|figures| cli.report(&figures)),
        Bench::Stall(options) => stall::run(options).and_then(|figures| cli.report(&figures)),
        Bench::Swap(options) => match options.holds {
            Some(holds) => {
                swap::holds::run(options, holds).and_then(|figures| cli.report(&figures))
            }
            None => swap::run(options).and_then(|figures| cli.report(&figures)),
        },
        Bench::Migrate(options) => migrate::run(options).and_then(|figures| cli.report(&figures)),
        Bench::Traces(options) => traces::run(options).and_then(|figures| cli.report(&figures)),
        Bench::Soak(options) => match options.hostile {
            true => soak::hostile::run(options).and_then(|figures| cli.report(&figures)),
            false => soak::run(options).and_then(|figures| cli.report(&figures)),
        },
        Bench::Scale(options) => scale::run(options).and_then(|figures| cli.report(&figures)),
        Bench::EditToLive(options) => {
            edit_to_live::run(options).and_then(|figures| cli.report(&figures))
        }
    };
    match held {
        Ok(held) if held || !cli.check => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("liveswap-bench: {}", error::words(&error));
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    /// Prints what a bench found; whether all targets are reached.
    fn report(&self, figures: &impl Report) -> Result<bool, Error> {
        report::write(figures, self.json, &mut io::stdout().lock()).map_err(Error::Report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn json_and_check_may_stand_after_the_bench() {
        let cli = ["liveswap-bench", "soak", "--swaps", "5", "--json", "--check"];
        let cli = Cli::try_parse_from(cli).unwrap();
        assert!(cli.json && cli.check);
        assert!(Cli::try_parse_from(["liveswap-bench", "soak", "--swaps", "0"]).is_err());
    }
}
