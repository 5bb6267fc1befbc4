//! Faults: whatever goes wrong around an artifact ends in the right event, the program goes on, and the next good artifact is
//! taken. The table is in `docs/safety.md`, by the numbers that begin with F.
//!
//! Samples are drawn by a seed that is printed. `LIVESWAP_FAULTS_SAMPLES` says how many are drawn of each kind, and
//! `LIVESWAP_FAULTS_SEED` which ones.

mod bytes;
mod clock;
mod code;
mod initializers;
mod killed;
mod kinds;
mod limits;
mod overflow;

use std::process::Command;

use crate::harness::{Host, Workbench, swap, v2, v3};

/// A program in its first generation, `v2`.
pub(crate) struct Case {
    pub(crate) bench: Workbench,
    pub(crate) host: Host,
}

impl Case {
    pub(crate) fn new(bench: Workbench, mut host: Host) -> Case {
        swap(&bench, &mut host, &v2(), 1);
        Case { bench, host }
    }

    /// Asserts that nothing has changed, that the next good artifact is taken, and that nothing is left at the end.
    #[track_caller]
    pub(crate) fn goes_on(self) {
        let Case { bench, mut host } = self;
        host.runs(2);
        assert_eq!(host.ask(&["generation"]), "1");
        assert_eq!(host.ask(&["images"]), "1", "what was refused does not stay loaded");
        swap(&bench, &mut host, &v3(), 2);
        host.runs(3);
        host.unloaded(1);
        host.finish();
    }
}

/// Whether this user may make namespaces of its own, in which limits and mounts are nobody else's. Says so where not.
pub(crate) fn has_namespaces() -> bool {
    let made = Command::new("unshare").args(["-Urm", "true"]).output();
    let is_permitted = made.is_ok_and(|made| made.status.success());
    if !is_permitted {
        eprintln!("not shown here: this user may not make namespaces (`unshare -Urm true` fails)");
    }
    is_permitted
}

/// Runs a tool that must succeed.
#[track_caller]
pub(crate) fn tool(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
}
