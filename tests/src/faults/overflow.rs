//! More happens in the watched directory than the system's queue of events holds.

use std::fs::{self, File};
use std::process::Command;

use super::{Case, tool};
use crate::harness::{Workbench, rename_over, v3};

#[test]
fn an_artifact_that_came_while_events_were_lost() {
    let bench = Workbench::new();
    let host = bench.start();
    let mut case = Case::new(bench, host);
    let held = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let held: usize = held.trim().parse().unwrap();
    assert!(held <= 1 << 20, "too many for a test: {held}");

    let signal = |name: &str| tool(Command::new("kill").arg(name).arg(case.host.id().to_string()));
    signal("-STOP");
    // Each is created, closed and removed, under another name than the one before: equal events would become one.
    for number in 0..held / 2 + 1 {
        let path = case.bench.directory().join(format!("{}", number % 64));
        File::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
    }
    rename_over(&v3().artifact(), &case.bench.artifact());
    signal("-CONT");
    case.host.swapped(2);
    case.host.runs(3);
    case.host.finish();
}
