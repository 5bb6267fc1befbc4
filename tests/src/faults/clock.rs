//! Clocks that go back: that of a file, and that of the system.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::Case;
use crate::harness::{Version, Workbench, swap, v2, v3};

/// Puts the version in the artifact's place with this time of modification.
fn install_dated(bench: &Workbench, version: &Version, modified: SystemTime) {
    let aside = bench.root().join("dated");
    fs::copy(version.artifact(), &aside).unwrap();
    File::options().write(true).open(&aside).unwrap().set_modified(modified).unwrap();
    fs::rename(&aside, bench.artifact()).unwrap();
}

#[test]
fn an_artifact_that_is_older_than_the_one_before() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let now = SystemTime::now();
    let times = [now, now - Duration::from_secs(86_400), SystemTime::UNIX_EPOCH, now];
    for (generation, modified) in (1..).zip(times) {
        let version = if generation % 2 == 1 { v2() } else { v3() };
        install_dated(&bench, &version, modified);
        host.swapped(generation);
        host.runs(if generation % 2 == 1 { 2 } else { 3 });
    }
    host.finish();
}

/// Its time says that it was made tomorrow, and nothing waits for tomorrow.
#[test]
fn an_artifact_of_the_future() {
    let bench = Workbench::new();
    let host = bench.start();
    let mut case = Case::new(bench, host);
    let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    install_dated(&case.bench, &v3(), tomorrow);
    case.host.swapped(2);
    swap(&case.bench, &mut case.host, &v2(), 3);
    case.host.runs(2);
    case.host.finish();
}

/// What waits, waits by a clock that is never set: an artifact settles, an old generation is reported, and goes.
#[test]
fn the_system_s_clock_is_set_back_and_forth() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--report-after", "100").start();
    for (generation, seconds) in (1..).zip(["86400", "-86400", "1000000000", "0"]) {
        let at = host.ask(&["clock", seconds]);
        let version = if generation % 2 == 1 { v2() } else { v3() };
        fs::copy(version.artifact(), bench.artifact()).unwrap();
        host.swapped(generation);
        host.runs(if generation % 2 == 1 { 2 } else { 3 });
        if generation > 1 {
            host.unloaded(generation - 1);
        }
        let timings = host.ask(&["timings"]);
        assert!(timings.contains("total"), "{timings} at {at}");
    }
    host.begin_call("holder", &["held", "hold"]);
    host.ask(&["signal", "hold", "wait-entered", "1"]);
    swap(&bench, &mut host, &v2(), 5);
    host.ask(&["clock", "86400"]);
    host.event(&["draining generation=4"]);
    host.ask(&["signal", "hold", "open"]);
    host.unloaded(4);
    host.finish();
}
