//! What tools see that look at every access to memory. Each needs a tool or a build of its own, so `.ci/run` asks for them.

use liveswap_testkit::process::Ended;

use crate::harness::{Kept, Workbench, swap, v2, v3};

/// What valgrind ends the program with if it saw an error; the program itself never does.
const ERRORS_SEEN: &str = "--error-exitcode=99";

#[test]
#[ignore = "needs valgrind: .ci/run valgrind"]
fn swap_cycles_are_clean_under_valgrind() {
    let bench = Workbench::new();
    // Leaks are not looked for: code that was let go of on purpose stays.
    let options = ["--quiet", ERRORS_SEEN, "--leak-check=no"];
    let mut host = bench.program().under("valgrind", &options).start();
    let states = Kept::made_by(&mut host);
    swap(&bench, &mut host, &v2(), 1);
    host.runs(2);
    swap(&bench, &mut host, &v3(), 2);
    host.runs(3);
    host.unloaded(1);
    swap(&bench, &mut host, &v2(), 3);
    host.runs(2);
    host.unloaded(2);
    states.assert_untouched(&mut host, "three swaps");
    let told = host.stderr();
    assert!(!told.contains("== Invalid") && !told.contains("== Conditional jump"), "{told}");
    host.finish();
}

/// Without this, a suite that was not instrumented at all would pass as well.
#[test]
#[ignore = "needs AddressSanitizer: .ci/run asan"]
fn a_planted_use_after_free_is_seen_by_the_sanitizer() {
    let bench = Workbench::new();
    let planted = v3().edit(
        "lib.rs",
        "    a + b\n",
        "    let gone = Box::into_raw(Box::new(b));\n    drop(unsafe { Box::from_raw(gone) });\n    a + unsafe { gone.read_volatile() }\n",
    );
    let mut host = bench.start();
    swap(&bench, &mut host, &planted, 1);
    host.runs(3);
    host.send(&["call", "add", "1", "2"]);
    assert_eq!(host.wait(), Ended::With(1));
    let told = host.stderr();
    assert!(told.contains("AddressSanitizer: heap-use-after-free"), "{told}");
}

/// Without this, a suite in which nobody looks for leaks would pass as well.
#[test]
#[ignore = "needs LeakSanitizer: .ci/run lsan"]
fn a_planted_leak_of_code_that_was_unloaded_is_seen_by_the_sanitizer() {
    let bench = Workbench::new();
    let planted = v2().edit(
        "lib.rs",
        "    a + b\n",
        "    std::mem::forget(std::hint::black_box(vec![b; 12_345]));\n    a + b\n",
    );
    let mut host = bench.start();
    swap(&bench, &mut host, &planted, 1);
    assert_eq!(host.call(&["add", "1", "2"]), "3");
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    host.send(&["return"]);
    assert_eq!(host.wait(), Ended::With(23));
    let told = host.stderr();
    assert!(told.contains("LeakSanitizer: detected memory leaks"), "{told}");
    assert!(told.contains("in 1 object(s)") && told.contains("hot_fixture::add"), "{told}");
}
