//! The kit, tried on a hot crate of its own: every way to change it, and every way in which that can end.
//!
//! Tests that need a second process start this program again with one of the tests in `child`.

#![deny(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is how a failure is told")]

mod child;
mod edits;
mod ends;
mod faults;
mod parked;
mod processes;
mod together;
