//! `cargo liveswap`: builds a program and its hot crates, runs it, and swaps in what is saved.

#![deny(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
mod backoff;
mod build;
mod builders;
mod cargo;
mod changed;
mod doctor;
mod error;
mod group;
mod inspect;
mod lines;
mod missing;
mod once;
mod program;
mod project;
mod report;
mod run;
mod saves;
mod server;
mod session;
mod signals;
mod sources;
mod states;
mod status;
mod terminal;

use std::process::ExitCode;

use args::Command;

/// The exit code of a failed build, as that of `cargo run`.
const FAILED: u8 = 101;

fn main() -> ExitCode {
    // Cargo and the compiler start this program in place of the compiler and the linker.
    liveswap_builder::maybe_run_as_wrapper();
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let done = match cli.command {
        Command::Run(args) => run::run(args),
        Command::Build(args) => once::build(args).map(|()| 0),
        Command::Inspect(args) => inspect::inspect(&args).map(|()| 0),
        Command::Status(args) => status::status(&args).map(|()| 0),
        Command::Doctor(args) => doctor::doctor(&args),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let text = error::chain(&error);
            report::print(&lines::bad("error", &text));
            ExitCode::from(FAILED)
        }
    }
}
