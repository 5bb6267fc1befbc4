//! What every test uses: versions of a hot crate, compiled once; a place to put them; and a program that runs there.

mod compile;
mod host;
mod tools;
mod version;
mod workbench;

pub(crate) use compile::macros_library;
pub(crate) use host::{Ended, Host, swap};
pub(crate) use version::{Version, v1, v2, v3};
pub(crate) use workbench::{Program, Workbench, rename_over, write_slowly};

use std::time::{Duration, Instant};

/// How long anything is waited for. Nothing here takes a tenth of it on an idle machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until `done`, looking again and again.
///
/// # Panics
///
/// At the deadline, with what was waited for.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
