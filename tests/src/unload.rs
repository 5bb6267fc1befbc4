//! Unloading: clean code goes; code that left something behind stays, with the reason, until that has ended.

use liveswap_testkit::process::Ended;

use crate::harness::{Host, Workbench, swap, v2, v3};

const SIGSEGV: i32 = 11;

/// Has a worker call a function of generation 1 that leaves something behind, and swaps in generation 2.
fn leave_behind(bench: &Workbench, host: &mut Host, function: &str) {
    swap(bench, host, &v2(), 1);
    host.ask(&["worker", "caller"]);
    assert_eq!(host.call_on("caller", &[function, "left"]), "2");
    swap(bench, host, &v3(), 2);
}

/// What was left behind ended, ran code of its own version, and the generation went.
fn ends_well(host: &mut Host, version: &str) {
    ends_well_of(host, 1, version);
}

/// As [`ends_well`], where that many things were left.
fn ends_well_of(host: &mut Host, count: u32, version: &str) {
    host.ask(&["signal", "left", "wait-ended", &count.to_string()]);
    host.ask(&["signal", "left", "wait-saw", version]);
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "1");
    host.runs(3);
}

#[test]
fn clean_code_goes_at_once() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.ask(&["worker", "caller"]);
    assert_eq!(host.call_on("caller", &["clean", "5"]), "5 true 5");
    assert_eq!(host.call(&["clean", "3"]), "3 true 3");
    assert_eq!(host.call(&["trace"]), "true");
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "1");
    assert_eq!(host.events(&["retained"]), 0);
    host.ask(&["end", "caller"]);
    host.finish();
}

#[test]
fn a_running_thread_keeps_its_code_until_it_ends() {
    let bench = Workbench::new();
    let mut host = bench.start();
    leave_behind(&bench, &mut host, "detached");
    host.ask(&["signal", "left", "wait-entered", "1"]);
    let held = host.event(&["draining generation=1", "a thread that hot code started"]);
    assert!(held.contains("in `hot_fixture::leftovers::detached`"), "{held}");
    let status = host.ask(&["status"]);
    assert!(status.contains("1 standalone draining ["), "{status}");
    assert!(status.contains("a thread that hot code started in `hot_fixture::"), "{status}");
    assert_eq!(host.ask(&["images"]), "2");

    // Neither the end of its caller nor another swap ends the thread.
    host.ask(&["end", "caller"]);
    swap(&bench, &mut host, &v2(), 3);
    host.unloaded(2);
    assert_eq!(host.ask(&["images"]), "2");
    host.ask(&["signal", "left", "open"]);
    host.ask(&["signal", "left", "wait-ended", "1"]);
    host.unloaded(1);
    assert_eq!(host.ask(&["signal", "left", "versions"]), "[2]");
    assert_eq!(host.ask(&["images"]), "1");
    host.runs(2);
    host.finish();
}

#[test]
fn a_program_can_end_while_a_thread_of_old_code_runs() {
    let bench = Workbench::new();
    let mut host = bench.start();
    leave_behind(&bench, &mut host, "detached");
    host.event(&["draining generation=1"]);
    host.finish();
}

#[test]
fn a_thousand_threads_with_destructors_are_counted_and_waited_for() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.ask(&["worker", "caller"]);
    assert_eq!(host.call_on("caller", &["many", "left", "1000"]), "2");
    swap(&bench, &mut host, &v3(), 2);
    host.ask(&["signal", "left", "wait-entered", "1000"]);
    let held = host.event(&["draining generation=1", "more threads and"]);
    assert!(held.contains("`many-"), "{held}");
    host.ask(&["signal", "left", "open"]);
    host.ask(&["end", "caller"]);
    ends_well_of(&mut host, 1000, "2");
    host.finish();
}

#[test]
fn a_thread_of_a_thread_keeps_its_code() {
    let bench = Workbench::new();
    let mut host = bench.start();
    leave_behind(&bench, &mut host, "chained");
    host.ask(&["signal", "left", "wait-entered", "1"]);
    host.ask(&["end", "caller"]);
    let held = host.event(&["draining generation=1 holders=a thread that hot code started"]);
    assert!(held.contains("in `hot_fixture::leftovers::chained`"), "{held}");
    host.ask(&["signal", "left", "open"]);
    ends_well(&mut host, "2");
    host.finish();
}

/// The same without asking what holds the generation.
#[test]
fn without_the_counts_the_program_would_die() {
    for (function, last) in [
        ("local", &["end", "caller"][..]),
        ("key", &["end", "caller"]),
        ("local_that_calls", &["end", "caller"]),
        ("detached", &["signal", "left", "open"]),
    ] {
        let bench = Workbench::new();
        let mut host = bench.start();
        leave_behind(&bench, &mut host, function);
        host.event(&["draining generation=1"]);
        if function == "detached" {
            // The thread looks at its signal now and then, in code that is gone: the program may be dead before it can
            // answer. Nobody waits for the thread, so the program has to be there for it to fail.
            host.send(&["close-anyway"]);
            host.send(last);
            host.send(&["signal", "left", "wait-ended", "1"]);
        } else {
            assert_eq!(host.ask(&["close-anyway"]), "1 of 2 are left", "{function}");
            host.send(last);
        }
        host.send(&["return"]);
        assert_eq!(host.wait(), Ended::BySignal(SIGSEGV), "{function}");
    }
}

#[test]
fn a_joined_thread_leaves_only_what_its_caller_keeps() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.ask(&["worker", "caller"]);
    assert_eq!(host.call_on("caller", &["joined"]), "2");
    swap(&bench, &mut host, &v3(), 2);
    host.ask(&["end", "caller"]);
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "1");
    host.finish();
}

#[test]
fn a_thread_local_with_a_destructor_keeps_its_code_until_it_has_run() {
    let bench = Workbench::new();
    let mut host = bench.start();
    leave_behind(&bench, &mut host, "local");
    let held = host.event(&["draining generation=1", "a thread-local destructor of hot code"]);
    let named = "in `hot_fixture::leftovers::local` on thread `caller`, for at least";
    assert!(held.contains(named), "{held}");
    let status = host.ask(&["status"]);
    assert!(status.contains("draining [a thread-local destructor of hot code"), "{status}");
    host.ask(&["end", "caller"]);
    ends_well(&mut host, "2");
    host.finish();
}

#[test]
fn a_destructor_that_ran_before_the_swap_keeps_nothing() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.ask(&["worker", "caller"]);
    for function in ["local", "key", "local_that_calls"] {
        host.call_on("caller", &[function, function]);
    }
    host.call_on("caller", &["current"]);
    host.ask(&["end", "caller"]);
    for function in ["local", "key", "local_that_calls"] {
        assert_eq!(host.ask(&["signal", function, "ended"]), "1", "{function}");
    }
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    assert_eq!(host.events(&["retained"]), 0);
    host.finish();
}

/// The case in which a library that is closed too early takes the process with it when the thread ends.
#[test]
fn a_thread_that_asked_for_its_own_handle_ends_safely_after_the_swap() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    for caller in ["first", "second"] {
        host.ask(&["worker", caller]);
        assert!(host.call_on(caller, &["current"]).starts_with("ThreadId("));
    }
    swap(&bench, &mut host, &v3(), 2);
    host.ask(&["end", "first"]);
    host.ask(&["end", "second"]);
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "1");
    host.runs(3);
    host.finish();
}

#[test]
fn a_value_under_a_key_of_the_c_library_keeps_its_code() {
    let bench = Workbench::new();
    let mut host = bench.start();
    leave_behind(&bench, &mut host, "key");
    let held = host.event(&["draining generation=1", "a thread-local destructor of hot code"]);
    assert!(held.contains("in `hot_fixture::leftovers::key` on thread `caller`"), "{held}");
    host.ask(&["end", "caller"]);
    ends_well(&mut host, "2");
    host.finish();
}

#[test]
fn a_destructor_of_old_code_can_call_the_newest() {
    let bench = Workbench::new();
    let mut host = bench.start();
    leave_behind(&bench, &mut host, "local_that_calls");
    host.event(&["draining generation=1"]);
    host.ask(&["end", "caller"]);
    ends_well(&mut host, "3");
    host.finish();
}

#[test]
fn a_destructor_of_the_program_can_call_hot_code() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    // Made before the thread's first call, so it is destroyed after what the gate keeps for the thread.
    for (worker, first) in [("early", "own_local_that_calls"), ("late", "version")] {
        host.ask(&["worker", worker]);
        let words = if first == "version" { vec![first] } else { vec![first, worker] };
        host.call_on(worker, &words);
        host.call_on(worker, &["own_local_that_calls", worker]);
        host.call_on(worker, &["version"]);
        host.ask(&["end", worker]);
        host.ask(&["signal", worker, "wait-saw", "2"]);
    }
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    host.finish();
}

#[test]
fn what_the_main_thread_keeps_stays_to_the_end_and_does_no_harm() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    for function in ["local", "key", "local_that_calls"] {
        host.call(&[function, "left"]);
    }
    host.call(&["joined"]);
    host.call(&["current"]);
    swap(&bench, &mut host, &v3(), 2);
    host.event(&["draining generation=1"]);
    host.runs(3);
    host.finish();
}

#[test]
fn eighty_swaps_do_not_use_up_what_is_shared() {
    const SWAPS: u64 = 80;
    let bench = Workbench::new();
    let mut host = bench.start();
    for generation in 1..=SWAPS {
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
        host.ask(&["worker", "caller"]);
        for function in ["key", "local"] {
            host.call_on("caller", &[function, "left"]);
        }
        host.call_on("caller", &["current"]);
        host.ask(&["end", "caller"]);
    }
    for generation in 1..SWAPS {
        host.unloaded(generation);
    }
    assert_eq!(host.ask(&["images"]), "1");
    assert_eq!(host.events(&["retained"]), 0);
    assert_eq!(host.ask(&["signal", "left", "ended"]), (2 * SWAPS).to_string());
    host.finish();
}

/// One thread lives through all of it, so every generation leaves a key with a value; there is no room to follow that
/// many, and those that cannot be followed are kept instead of guessed about.
#[test]
fn more_keys_than_can_be_followed_are_kept() {
    const SWAPS: u64 = 70;
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["worker", "caller"]);
    for generation in 1..=SWAPS {
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
        host.call_on("caller", &["key", "left"]);
    }
    host.event(&["retained", "cannot be counted"]);
    host.ask(&["end", "caller"]);
    assert_eq!(host.ask(&["signal", "left", "ended"]), SWAPS.to_string());
    host.unloaded(1);
    host.runs(3);
    host.finish();
}

#[test]
fn threads_that_begin_and_end_while_generations_change() {
    const SWAPS: u64 = 30;
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["storm", "3", "threads"]);
    for generation in 1..=SWAPS {
        host.ask(&["storm-calls", "20"]);
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
    }
    let answer = host.ask(&["storm-stop"]);
    assert!(answer.contains("torn=0"), "{answer}");
    for generation in 1..SWAPS {
        host.unloaded(generation);
    }
    assert_eq!(host.ask(&["images"]), "1");
    host.finish();
}
