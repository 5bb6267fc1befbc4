//! A runtime's life: what it finds at its start, what it tells, and what is left when it ends.

use std::fs::{self, File};
use std::time::Duration;

use crate::harness::{Workbench, rename_over, swap, v1, v2, v3};

#[test]
fn no_artifact_at_the_start_is_normal() {
    let bench = Workbench::new();
    fs::remove_dir(bench.directory()).unwrap();
    let mut host = bench.start();
    host.runs(1);
    let answer = host.ask(&["reload-now"]);
    assert!(answer.starts_with("refused step=settle"), "{answer}");
    assert!(answer.contains("expected={an artifact} found={nothing}"), "{answer}");
    fs::create_dir(bench.directory()).unwrap();
    swap(&bench, &mut host, &v2(), 1);
    host.runs(2);
    host.finish();
}

#[test]
fn a_newer_artifact_at_the_start_is_taken() {
    let bench = Workbench::new();
    bench.install(&v2());
    let mut host = bench.start();
    host.ask(&["wait-generation", "1"]);
    host.runs(2);
    host.finish();
}

#[test]
fn an_older_artifact_at_the_start_is_part_of_the_program() {
    let bench = Workbench::new();
    let executable = bench.link_to_host("target/debug/host");
    let older = bench.root().join("target/debug").join(v1().file_name());
    let newer = bench.root().join("target/debug/deps").join(v1().file_name());
    fs::create_dir(newer.parent().unwrap()).unwrap();
    fs::copy(v2().artifact(), &older).unwrap();
    let linked = fs::metadata(&executable).unwrap().modified().unwrap();
    let file = File::options().write(true).open(&older).unwrap();
    file.set_modified(linked - Duration::from_secs(10)).unwrap();

    let program = bench.bare_program(&executable);
    let mut host = program.stages_under(&bench.root().join("target/debug")).start();
    for (generation, version) in [(1, v3()), (2, v1()), (3, v3())] {
        rename_over(&version.artifact(), &newer);
        let swapped = host.swapped(generation);
        assert!(swapped.ends_with(newer.to_str().unwrap()), "{swapped}");
    }
    host.runs(3);
    assert_eq!(host.events(&["swapped"]), 3);
    host.finish();
}

#[test]
fn identical_bytes_are_no_new_generation() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    bench.install(&v2());
    host.event(&["unchanged generation=1"]);
    assert_eq!(host.ask(&["reload-now"]), "unchanged generation=1");
    assert_eq!(host.ask(&["generation"]), "1");
    assert_eq!(host.ask(&["images"]), "1");
    // The check is against what is current, not against everything that was.
    swap(&bench, &mut host, &v3(), 2);
    swap(&bench, &mut host, &v2(), 3);
    host.finish();
}

#[test]
fn reload_now_takes_what_is_there() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--poll", "3600000").start();
    bench.install(&v2());
    let answer = host.ask(&["reload-now"]);
    assert!(
        answer.starts_with("swapped generation=1 kind=standalone class=body added=[]"),
        "{answer}"
    );
    host.runs(2);
    host.finish();
}

#[test]
fn status_and_timings_tell_what_happened() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let before = host.ask(&["status"]);
    assert!(before.contains("current=0 generations={0 linked current []}"), "{before}");
    swap(&bench, &mut host, &v2(), 1);
    let timings = host.ask(&["timings"]);
    for step in ["settle", "stage", "verify", "load", "check", "swap", "total"] {
        assert!(timings.contains(&format!("{step}: ")), "{step} in {timings}");
        assert!(!timings.contains(&format!("{step}: 0ns")), "{step} in {timings}");
    }

    host.begin_call("holder", &["held", "hold"]);
    host.ask(&["signal", "hold", "wait-entered", "1"]);
    swap(&bench, &mut host, &v3(), 2);
    let status = host.ask(&["status"]);
    for part in [
        "current=2",
        "0 linked linked []; 1 standalone draining [a call of `hot_fixture::blocking::held` on thread `holder`",
        "2 standalone current []",
        "swapped: 2, unchanged: 0, refused: 0, superseded: 0, unloaded: 0",
        "by the system's events",
        "libhot_fixture.so",
    ] {
        assert!(status.contains(part), "{part} in {status}");
    }
    host.ask(&["signal", "hold", "open"]);
    host.unloaded(1);
    let after = host.ask(&["status"]);
    assert!(after.contains("generations={0 linked linked []; 2 standalone current []}"), "{after}");
    assert!(after.contains("unloaded: 1"), "{after}");
    host.finish();
}

#[test]
fn a_second_runtime_of_the_same_crate_is_refused() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let error = host.ask(&["start-again"]);
    assert!(error.contains("a runtime of `hot_fixture` is running already"), "{error}");
    swap(&bench, &mut host, &v2(), 1);
    host.runs(2);
    host.finish();
}

#[test]
fn a_later_runtime_goes_on_where_the_former_ended() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.begin_call("holder", &["held", "hold"]);
    host.ask(&["signal", "hold", "wait-entered", "1"]);
    swap(&bench, &mut host, &v3(), 2);

    host.ask(&["shutdown"]);
    assert!(host.stage_directories().is_empty(), "shutting down removes the stages");
    host.runs(3);
    host.ask(&["start"]);
    assert_eq!(host.ask(&["generation"]), "2");
    // The artifact that is there is the one that runs.
    host.event(&["unchanged generation=2"]);
    host.runs(3);

    host.ask(&["signal", "hold", "open"]);
    assert_eq!(host.ask(&["answer", "holder"]), "2");
    host.unloaded(1);
    swap(&bench, &mut host, &v1(), 3);
    host.runs(1);
    host.unloaded(2);
    host.finish();
}

#[test]
fn starting_and_ending_many_times_leaves_nothing() {
    let bench = Workbench::new();
    let mut host = bench.program().spawn();
    for generation in 1..=10 {
        host.ask(&["start"]);
        let version = if generation % 2 == 1 { v2() } else { v3() };
        swap(&bench, &mut host, &version, generation);
        host.ask(&["shutdown"]);
        assert!(host.stage_directories().is_empty());
    }
    host.runs(3);
    host.finish();
}
