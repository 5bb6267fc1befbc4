//! Tests that edit hot code while it runs, and assert what that changed.
//!
//! A test program that links a hot crate is a host like any other: what it was linked with is generation 0. A [`Lab`]
//! copies the crate's workspace to a private directory, starts a runtime in the test's own process, and builds and swaps
//! in whatever the test edits in the copy. The user's sources are never touched.
//!
//! ```no_run
//! # mod rules { liveswap_abi::hot_crate!(); pub fn discount(price: u32) -> u32 { price / 10 } }
//! use liveswap_testkit::{Error, Lab};
//!
//! // in a file of `tests/`, under `#[test]`
//! fn a_larger_discount() -> Result<(), Error> {
//!     let lab = Lab::for_crate("shop-rules")?;
//!     assert_eq!(rules::discount(100), 10);
//!     lab.edit("src/lib.rs", |text| text.replace("price / 10", "price / 5"))?.swap()?;
//!     assert_eq!(rules::discount(100), 20);
//!     lab.edit("src/lib.rs", |text| text.replace("price: u32", "price: u64"))?
//!         .expect_refused()?
//!         .naming("discount");
//!     Ok(())
//! }
//! # fn main() -> Result<(), Error> { a_larger_discount() }
//! ```
//!
//! # What it can do
//!
//! - Edit ([`edit`](Lab::edit), [`write`](Lab::write), [`remove`](Lab::remove)), also the manifest and the workspace's
//!   packages that the hot crate is made of, and take it back ([`restore`](Lab::restore)).
//! - [`swap`](Lab::swap), [`build`](Lab::build) only, [`expect_refused`](Lab::expect_refused),
//!   [`expect_build_error`](Lab::expect_build_error), [`expect_unchanged`](Lab::expect_unchanged). Each waits for the answer
//!   to exactly the artifact that it made. Errors are readable as they are: a test that returns [`Error`] shows what
//!   the compiler said.
//! - [`versions`](Lab::versions) in a row; calls [`parked`](Point) inside while something is swapped; artifacts
//!   [spoiled](Fault) for one step of the pipeline; the [`runtime`](Lab::runtime) itself for everything else.
//! - What would take the test's own process down is tried on [programs in processes of their own](process).
//!
//! # Several tests at once
//!
//! - In one process (`cargo test`), a hot crate has one current generation. Labs of one crate therefore wait for each other;
//!   labs of different crates do not. A test without a lab sees whatever a lab beside it has swapped in: where
//!   that matters, start a lab there, too, which costs a few milliseconds, or put such tests into another file.
//! - In several processes (`cargo nextest`, several test files), labs have copies and target directories of their own.
//! - The copy is taken when the first lab starts after the test was built; what is saved in the checkout while tests run is
//!   for the next build of the test.
//! - When a lab drops, generation 0 is current again, and its statics are as they were left. Every artifact has statics of
//!   its own, which begin anew with it. Old generations are unloaded as in every host, so a call that is still inside one
//!   finishes there.
//!
//! # What it costs
//!
//! The lab finds out how cargo built the running test and begins with the libraries that cargo built, so no dependency is
//! compiled again. The first lab of a test program costs about the compilation of the hot crate. After that a swap costs what the
//! compiler and the linker take for the hot crate alone, and about 40 ms besides. What was built before from the same sources, in this run
//! or an earlier one, is not compiled at all: such a swap of the demo's hot crate takes 30 to 60 ms. Everything is in the
//! target directory, under `liveswap/testkit`: artifacts up to 512 MB a crate, and what nobody used for a week is removed.
//!
//! # What it needs
//!
//! - The hot crate is a dependency of the test, or the library beside it. Tests inside the crate (`#[cfg(test)]`) link
//!   another crate than its users do, and cannot have a lab.
//! - The workspace is copied, with everything below its root but target directories and version control; the hot crate must not be made of
//!   packages outside it.
//! - A program that links this crate becomes the compiler or the linker when it is started with the variable
//!   `LIVESWAP_WRAPPER`, before its `main`; the builder sets it for the processes it starts. Link it into tests only.

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod cache;
mod caller;
mod copy;
mod error;
mod fault;
mod inputs;
mod lab;
mod maker;
mod offer;
mod outcome;
mod park;
mod place;
#[cfg(unix)]
pub mod process;
mod project;
mod queue;
mod seed;
#[allow(unsafe_code, reason = "a function is put where the system calls it before `main`")]
mod stand_in;
mod start;
mod versions;

pub use error::Error;
pub use fault::Fault;
pub use lab::Lab;
pub use outcome::{BuildFailure, Built, Refused, Swap};
pub use park::{Parked, Point};
pub use start::LabBuilder;
pub use versions::Versions;
