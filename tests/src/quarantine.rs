//! Quarantine: pointers to old code that nobody knew of are found out when they are used, and no other fault is hidden.

use std::time::{Duration, Instant};

use liveswap_testkit::process::Ended;

use crate::harness::{Host, Workbench, swap, v2, v3};

const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;

/// Longer than any test takes.
const LONG: &str = "600000";

/// The same without a quarantine: unloaded at once.
const NONE: &str = "0";

/// A program whose generations stay in quarantine for so many milliseconds.
fn start(bench: &Workbench, milliseconds: &str) -> Host {
    bench.program().arg("--quarantine", milliseconds).arg("--scan", "false").start()
}

/// Has the program keep something of generation 1, swaps in generation 2, and waits until the first is in quarantine.
fn kept(bench: &Workbench, keep: &[&str]) -> Host {
    let mut host = start(bench, LONG);
    swap(bench, &mut host, &v2(), 1);
    host.ask(keep);
    swap(bench, &mut host, &v3(), 2);
    host.ask(&["wait-status", "1 standalone quarantined []"]);
    host
}

/// The event that says who called.
fn struck(host: &mut Host) -> String {
    host.event(&["retired generation=1 retained why=a stray call of `"])
}

#[test]
fn a_stored_function_is_called_and_the_program_goes_on() {
    let bench = Workbench::new();
    let mut host = kept(&bench, &["stray", "keep-function"]);
    host.ask(&["worker", "caller"]);
    assert_eq!(host.ask(&["on", "caller", "stray", "call-function"]), "12");
    let event = struck(&mut host);
    assert!(
        event.contains("stray call of `hot_fixture::strays::plain` on thread `caller`"),
        "{event}"
    );
    let (_, callers) = event.split_once("return addresses on the stack are in ").expect("callers");
    assert!(callers.starts_with("`host::strays::call_kept`, `host::strays::stray`"), "{event}");
    // For ever: what was used once can be used again.
    swap(&bench, &mut host, &v2(), 3);
    host.ask(&["wait-status", "2 standalone quarantined"]);
    let status = host.ask(&["status"]);
    assert!(status.contains("1 standalone retained (a stray call of"), "{status}");
    assert_eq!(host.ask(&["stray", "call-function"]), "12");
    assert_eq!(host.events(&["retired generation=1"]), 1);
    host.runs(2);
    host.ask(&["end", "caller"]);
    host.finish();
}

/// Code and constants are read again from the stage when they are used; what was written to is kept.
#[test]
fn a_retained_generation_gives_back_what_the_system_can_read_again() {
    let bench = Workbench::new();
    let mut host = kept(&bench, &["stray", "keep-function"]);
    let resident = |host: &mut Host| -> [u64; 2] {
        let answer = host.ask(&["stray", "resident"]);
        let (constant, writable) = answer.split_once(' ').expect("two numbers");
        [constant.parse().expect("a number"), writable.parse().expect("a number")]
    };
    let [before, _] = resident(&mut host);
    assert_eq!(host.ask(&["stray", "call-function"]), "12");
    let event = struck(&mut host);
    let (_, bytes) = event.rsplit_once(" bytes=").expect("how much it keeps");
    let bytes: u64 = bytes.parse().expect("a number");
    // Looking at the loader's list reads a page of it again, and those around it.
    let [after, writable] = resident(&mut host);
    assert!(after * 2 < before, "{before} KiB were in memory and {after} are");
    assert!(
        (writable * 1024..(before + writable) * 1024 / 2).contains(&bytes),
        "{event}: {writable}"
    );
    assert_eq!(host.ask(&["stray", "call-function"]), "12");
    host.runs(3);
    host.finish();
}

#[test]
fn a_stored_value_is_used_and_dropped_and_the_program_goes_on() {
    for first in ["use-value", "drop-value"] {
        let bench = Workbench::new();
        let mut host = kept(&bench, &["stray", "keep-value", "value"]);
        if first == "use-value" {
            assert_eq!(host.ask(&["stray", "use-value"]), "hello from v2");
        }
        host.ask(&["stray", "drop-value"]);
        assert_eq!(host.ask(&["signal", "value", "wait-saw", "2"]), "2");
        let event = struck(&mut host);
        assert!(event.contains("hot_fixture::strays::"), "{event}");
        host.runs(3);
        host.finish();
    }
}

/// What the quarantine is for.
#[test]
fn without_the_quarantine_the_program_would_die() {
    for (keep, last) in [
        (&["stray", "keep-function"][..], "call-function"),
        (&["stray", "keep-value", "value"], "use-value"),
        (&["stray", "keep-value", "value"], "drop-value"),
    ] {
        let bench = Workbench::new();
        let mut host = start(&bench, NONE);
        swap(&bench, &mut host, &v2(), 1);
        host.ask(keep);
        swap(&bench, &mut host, &v3(), 2);
        host.unloaded(1);
        host.send(&["stray", last]);
        host.send(&["return"]);
        assert_eq!(host.wait(), Ended::BySignal(SIGSEGV), "{last}");
    }
}

#[test]
fn threads_that_call_at_once_all_get_their_answers() {
    const THREADS: usize = 16;
    let bench = Workbench::new();
    let mut host = kept(&bench, &["stray", "keep-function"]);
    let answers = host.ask(&["stray", "call-function-at-once", &THREADS.to_string()]);
    assert_eq!(answers, format!("{:?}", [12; THREADS]));
    struck(&mut host);
    host.finish();
}

#[test]
fn what_a_call_finds_in_errno_is_what_was_there() {
    let bench = Workbench::new();
    let mut host = kept(&bench, &["stray", "keep-function"]);
    assert_eq!(host.ask(&["stray", "call-function-keeping-errno"]), "12 4321");
    struck(&mut host);
    host.finish();
}

#[test]
fn calls_of_kept_functions_while_generations_come_and_go() {
    const SWAPS: u64 = 20;
    let bench = Workbench::new();
    let mut host = start(&bench, LONG);
    host.ask(&["storm", "2", "threads"]);
    for generation in 1..=SWAPS {
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
        if generation > 1 {
            // Of the generation before, whatever has become of its code by now.
            let before = if generation % 2 == 1 { "13" } else { "12" };
            let answers = host.ask(&["stray", "call-function-at-once", "2"]);
            assert_eq!(answers, format!("[{before}, {before}]"));
        }
        host.ask(&["stray", "keep-function"]);
    }
    assert!(host.ask(&["storm-stop"]).contains("torn=0"));
    host.finish();
}

#[test]
fn the_oldest_leave_when_many_are_in_quarantine() {
    const SWAPS: u64 = 12;
    const AT_MOST: u64 = 8;
    let bench = Workbench::new();
    let mut host = start(&bench, LONG);
    for generation in 1..=SWAPS {
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
    }
    for generation in 1..SWAPS - AT_MOST {
        host.unloaded(generation);
    }
    assert_eq!(host.events(&["retired"]), (SWAPS - AT_MOST - 1) as usize);
    host.runs(3);
    host.finish();
}

/// A program that says nothing has a quarantine in builds with debug assertions, and it ends.
#[test]
fn a_quarantine_is_there_unless_told_otherwise_and_ends() {
    let bench = Workbench::new();
    let mut program = bench.bare_program(&bench.link_to_host("host"));
    program.command.arg("--artifact").arg(bench.artifact());
    program.command.arg("--stage-dir").arg(bench.root());
    let mut host = program.start();
    swap(&bench, &mut host, &v2(), 1);
    let before = Instant::now();
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    assert!(before.elapsed() >= Duration::from_secs(2), "{:?}", before.elapsed());
    assert_eq!(host.ask(&["images"]), "1");
    host.finish();
}

/// [`Host::finish`] asserts that the program ends well, its libraries' own last functions included.
#[test]
fn a_program_can_end_while_a_generation_is_in_quarantine() {
    let bench = Workbench::new();
    kept(&bench, &["stray", "keep-function"]).finish();
    let mut host = kept(&bench, &["stray", "keep-function"]);
    host.send(&["exit", "3"]);
    assert_eq!(host.wait(), Ended::With(3));
    let mut host = kept(&bench, &["stray", "keep-function"]);
    host.ask(&["shutdown"]);
    assert_eq!(host.ask(&["stray", "call-function"]), "12", "also when nobody looks any more");
    host.finish();
}

#[test]
fn a_stack_overflow_is_still_told_as_one() {
    for worker in [false, true] {
        let bench = Workbench::new();
        let mut host = kept(&bench, &["stray", "keep-function"]);
        if worker {
            host.ask(&["worker", "deep"]);
            host.send(&["on", "deep", "stray", "overflow"]);
        } else {
            host.send(&["stray", "overflow"]);
        }
        assert_eq!(host.wait(), Ended::BySignal(SIGABRT));
        assert!(host.stderr().contains("has overflowed its stack"), "{}", host.stderr());
    }
}

#[test]
fn a_fault_in_current_code_still_ends_the_program() {
    let bench = Workbench::new();
    let mut host = kept(&bench, &["stray", "keep-function"]);
    host.send(&["stray", "read-null"]);
    assert_eq!(host.wait(), Ended::BySignal(SIGSEGV));
}

/// How a program ends that has a handler of its own, or none, is the same with a quarantine and without one.
#[test]
fn handlers_of_the_program_get_the_faults_that_are_theirs() {
    for (handler, fault, ended) in [
        ("plain", "read-null", Ended::With(77)),
        ("once", "read-null", Ended::With(77)),
        ("plain", "raise", Ended::With(77)),
        ("default", "read-null", Ended::BySignal(SIGSEGV)),
        ("default", "raise", Ended::BySignal(SIGSEGV)),
        ("ignore", "read-null", Ended::BySignal(SIGSEGV)),
        ("mending", "read-null", Ended::BySignal(SIGSEGV)),
    ] {
        for (time, later) in [(NONE, false), (LONG, false), (LONG, true)] {
            let bench = Workbench::new();
            let mut host = start(&bench, time);
            swap(&bench, &mut host, &v2(), 1);
            if later {
                // Ours is there already when the program's comes, and is put in front of it at the next quarantine.
                swap(&bench, &mut host, &v3(), 2);
                host.ask(&["wait-status", "1 standalone quarantined"]);
            }
            host.ask(&["stray", "handle", handler]);
            host.ask(&["stray", "keep-function"]);
            let (kept, next) = if later { (2, 3) } else { (1, 2) };
            let version = if later { v2() } else { v3() };
            swap(&bench, &mut host, &version, next);
            if time == NONE {
                host.unloaded(kept);
            } else {
                host.ask(&["wait-status", &format!("{kept} standalone quarantined")]);
                let answer = if later { "13" } else { "12" };
                assert_eq!(host.ask(&["stray", "call-function"]), answer, "{handler}");
                host.event(&[&format!("retired generation={kept} retained why=a stray call")]);
            }
            if handler == "mending" {
                assert_eq!(host.ask(&["stray", "fault-handled"]), "0");
                assert_eq!(host.ask(&["stray", "faults-handled"]), "1", "ours were not its");
            }
            host.send(&["stray", fault]);
            assert_eq!(host.wait(), ended, "{handler}, {fault}, {time}, {later}");
        }
    }
}

#[test]
fn a_program_that_ignores_the_signal_ignores_it_still() {
    let bench = Workbench::new();
    let mut host = start(&bench, LONG);
    swap(&bench, &mut host, &v2(), 1);
    host.ask(&["stray", "handle", "ignore"]);
    host.ask(&["stray", "keep-function"]);
    swap(&bench, &mut host, &v3(), 2);
    host.ask(&["wait-status", "1 standalone quarantined"]);
    assert_eq!(host.ask(&["stray", "raise"]), "still here");
    assert_eq!(host.ask(&["stray", "call-function"]), "12");
    struck(&mut host);
    host.finish();
}
