//! Programs in processes of their own, with hot crates that are compiled by the compiler itself.
//!
//! A [`Lab`](crate::Lab) swaps into the test's own process. What would take that down (a crash, a killed process, a
//! library that leaves too early) or needs several programs is tried on a program in a process of its own: the test
//! tells it what to do, a line at a time, and asserts what it answers and how it ends.
//!
//! Cargo is not asked for each version of a fixture, and neither is the builder: one call of the compiler makes it, from
//! texts in the test, against the libraries that cargo built for the test itself. That is the fast path for tests of a
//! runtime: it gives up what a [`Lab`](crate::Lab) is for (packages, features, dependencies that change). Each text is
//! compiled once, whoever else does so at the same time, and kept for the next run.
//!
//! - [`Toolbox`]: the libraries to compile against, the compiler, and the cache.
//! - [`Fixture`]: the text of a crate, its edits, and what it is compiled to.
//! - [`Process`]: a running program, its answers, its end.
//! - [`wait_until`], [`rename_over`], [`write_slowly`], [`directories`]: the rest of what such tests do.

mod child;
mod files;
mod fixture;
mod toolbox;

pub use child::{Ended, Process};
pub use files::{directories, rename_over, wait_until, write_slowly};
pub use fixture::{Fixture, Output};
pub use toolbox::Toolbox;

use std::time::Duration;

/// How long anything is waited for. Nothing takes a tenth of it on an idle machine.
pub const DEADLINE: Duration = Duration::from_secs(180);
