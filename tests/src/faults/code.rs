//! Code of an artifact that does what it should not before or while it is current.

use super::Case;
use crate::harness::{Workbench, swap, v1, v2, v3};

/// A call that never returns keeps its generation for ever and nothing else: later swaps go on, and it is named.
#[test]
fn a_hot_function_that_never_returns() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--report-after", "50").start();
    swap(&bench, &mut host, &v2(), 1);
    host.begin_call("stuck", &["held", "never"]);
    host.ask(&["signal", "never", "wait-entered", "1"]);
    for (generation, version) in (2..).zip([v3(), v1(), v2(), v3()]) {
        swap(&bench, &mut host, &version, generation);
        if generation > 2 {
            host.unloaded(generation - 1);
        }
    }
    let told = host.event(&["draining generation=1", "on thread `stuck`"]);
    assert!(told.contains("a call of `hot_fixture::blocking::held`"), "{told}");
    host.runs(3);
    let status = host.ask(&["status"]);
    assert!(status.contains("1 standalone draining [a call of "), "{status}");
    assert_eq!(host.ask(&["images"]), "2", "the one that is held, and the current one");
    host.finish();
}

/// An infinite loop, which nothing can end.
#[test]
fn a_self_check_that_never_ends() {
    let bench = Workbench::new();
    let host = bench.program().arg("--self-check-deadline", "200").start();
    let mut case = Case::new(bench, host);
    let endless = v3().with(
        "#[hot(self_check)]\nfn endless() -> Result<(), String> {\n    loop {\n        signal::pause();\n    }\n}",
    );
    case.bench.install(&endless);
    let told = case.host.event(&["refused step=self-check"]);
    assert!(told.contains("expected={an answer within 200ms}"), "{told}");
    case.host.runs(2);
    // Its code stays, because it runs; everything else goes on.
    assert_eq!(case.host.ask(&["images"]), "2");
    swap(&case.bench, &mut case.host, &v3(), 2);
    case.host.runs(3);
    case.host.unloaded(1);
    case.host.finish();
}
