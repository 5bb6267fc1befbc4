//! The host of the Liveswap demo: a game that keeps running while its rules are edited.
//!
//! The world and the canvas live here; everything that happens in them comes from the hot crate
//! `reloadable_logic`. In a terminal it is a game; without one, or with `--headless`, it plays
//! itself and prints one line a second.

#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
mod details;
mod game;
mod guard;
mod headless;
mod keys;
mod pace;
mod reload;
mod screen;
mod status;
mod stderr;
mod stop;
mod terminal;
mod watchdog;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let headless = args.headless || !std::io::stdout().is_terminal();
    guard::install();
    let played = stop::Stop::listen(headless).and_then(|stop| {
        if headless { headless::run(&args, &stop) } else { terminal::run(&args, &stop) }
    });
    match played {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the lines has had enough, as with `| head`.
        Err(error) if headless && error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("demo-app: {error}");
            ExitCode::FAILURE
        }
    }
}
