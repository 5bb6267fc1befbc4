//! A program that is killed at any step of a reload leaves nothing to the next one but what that removes.

use std::fs::File;
use std::io::Write;

use liveswap_testkit::process::Ended;

use crate::harness::{Host, Workbench, swap, v2, v3};

/// Kills the program, and asserts that the next one removes what it left and takes the artifact.
#[track_caller]
fn killed(bench: &Workbench, host: Host) {
    let id = host.id();
    assert_eq!(host.kill(), Ended::BySignal(9));
    let is_left = |path: &std::path::PathBuf| path.to_string_lossy().contains(&format!("/{id}-"));
    assert!(bench.stage_directories().iter().any(is_left), "nobody could remove it");
    let mut next = bench.start();
    assert!(!bench.stage_directories().iter().any(is_left), "the next one removes it");
    bench.install(&v3());
    next.ask(&["wait-version", "3"]);
    next.runs(3);
    next.finish();
}

#[test]
fn at_settle() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let bytes = std::fs::read(v2().artifact()).unwrap();
    let mut file = File::create(bench.artifact()).unwrap();
    file.write_all(&bytes[..bytes.len() / 2]).unwrap();
    host.runs(1);
    assert_eq!(host.ask(&["generation"]), "0");
    killed(&bench, host);
}

#[test]
fn at_every_step_up_to_the_swap() {
    for step in ["stage", "verify", "load", "check", "self-check", "migrate", "swap"] {
        let bench = Workbench::new();
        let mut host = bench.program().arg("--stop-at", step).start();
        bench.install(&v2());
        host.event(&[&format!("stopped at {step}")]);
        // The program is not what waits.
        host.runs(1);
        killed(&bench, host);
    }
}

/// The second reload, with a generation to lose.
#[test]
fn at_every_step_of_a_later_reload() {
    for step in ["load", "swap"] {
        let bench = Workbench::new();
        let mut host = bench.program().arg("--stop-at", &format!("{step} 2")).start();
        swap(&bench, &mut host, &v2(), 1);
        bench.install(&v3());
        host.event(&[&format!("stopped at {step}")]);
        host.runs(2);
        killed(&bench, host);
    }
}

#[test]
fn at_drain() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--report-after", "50").start();
    swap(&bench, &mut host, &v2(), 1);
    host.begin_call("holder", &["held", "hold"]);
    host.ask(&["signal", "hold", "wait-entered", "1"]);
    swap(&bench, &mut host, &v3(), 2);
    host.event(&["draining generation=1"]);
    killed(&bench, host);
}

/// What is half done when the program is killed is not seen by one that runs beside it.
#[test]
fn beside_another_program() {
    let bench = Workbench::new();
    let mut living = bench.start();
    let mut host = bench.program().arg("--stop-at", "load").start();
    bench.install(&v2());
    host.event(&["stopped at load"]);
    living.swapped(1);
    assert_eq!(host.kill(), Ended::BySignal(9));
    swap(&bench, &mut living, &v3(), 2);
    living.runs(3);
    bench.start().kill();
    // Two are left: that of the living, and that of the one that was just killed.
    assert_eq!(bench.stage_directories().len(), 2);
    living.runs(3);
    bench.start().finish_beside(1);
    living.finish();
}
