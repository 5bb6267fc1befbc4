//! End to end: real artifacts are swapped into real programs.
//!
//! Every test runs a program in a process of its own and asserts how that ended, so a crash is a failure of one test.
//! The program (`fixtures/host`) is linked with the first version of a hot crate (`fixtures/hot`) and does what it is
//! told; the versions that are swapped in are the same text after edits, compiled once.

#![deny(unsafe_code)]
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is how a failure is told")]

mod harness;

mod builds;
mod calls;
mod escapes;
mod faults;
mod hooks;
mod layouts;
mod leases;
mod lifecycle;
mod locate;
mod lookup;
mod panics;
mod peer_failures;
mod plugins;
mod processes;
mod proofs;
mod quarantine;
mod refuse;
mod rollback;
mod state;
mod swap;
mod trust;
mod unload;
mod values;
mod veto;
mod watching;
