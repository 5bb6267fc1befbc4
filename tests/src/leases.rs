//! Values of hot code that outlive their call: they hold their code, and what they hold goes when the last one is dropped.

use liveswap_testkit::process::Ended;

use crate::harness::{Host, Workbench, swap, v2, v3};

const SIGSEGV: i32 = 11;
const SIGABRT: i32 = 6;

/// A lease called `kept`, made by generation 1, with generation 2 current.
fn kept(bench: &Workbench, kind: &str) -> Host {
    let mut host = bench.start();
    swap(bench, &mut host, &v2(), 1);
    host.ask(&["lease", "make", "kept", kind, "left"]);
    swap(bench, &mut host, &v3(), 2);
    host
}

fn goes(host: &mut Host) {
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "1");
    assert_eq!(host.events(&["retained"]), 0);
    host.runs(3);
}

#[test]
fn a_trait_object_of_old_code_can_be_used_and_dropped_after_the_swap() {
    let bench = Workbench::new();
    let mut host = kept(&bench, "shape");
    let held = host.event(&["draining generation=1", "a lease of `"]);
    let made = "a lease of `dyn hot_fixture::leases::Shape` made in `hot_fixture::leases::shape` on thread `host`";
    assert!(held.contains(made), "{held}");
    let status = host.ask(&["status"]);
    assert!(status.contains("1 standalone draining [a lease of `dyn"), "{status}");
    // Its own code, and what that calls is the newest.
    assert_eq!(host.ask(&["lease", "use", "kept"]), "2 3 1");
    swap(&bench, &mut host, &v2(), 3);
    host.unloaded(2);
    assert_eq!(host.ask(&["lease", "use", "kept"]), "2 2 2");
    assert_eq!(host.ask(&["lease", "use-elsewhere", "kept"]), "2 2 3");
    assert_eq!(host.ask(&["images"]), "2");
    host.ask(&["lease", "drop", "kept"]);
    assert_eq!(host.ask(&["signal", "left", "versions"]), "[2]");
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "1");
    host.finish();
}

#[test]
fn every_kind_of_value_is_used_and_ends() {
    for (kind, said, seen) in [
        ("shape", "2 3 1", "[2]"),
        // Called by its own type, so by the program's code; dropped by the code that made it.
        ("plain", "1 3", "[2]"),
        ("calling", "2 3 1", "[3]"),
        ("numbers", "[4, 9, 16]", "[]"),
        ("closure", "12", "[]"),
        ("future", "2", "[2]"),
    ] {
        let bench = Workbench::new();
        let mut host = kept(&bench, kind);
        host.event(&["draining generation=1", "a lease of `"]);
        host.ask(&["signal", "left", "open"]);
        assert_eq!(host.ask(&["lease", "use", "kept"]), said, "{kind}");
        host.ask(&["lease", "drop-elsewhere", "kept"]);
        assert_eq!(host.ask(&["signal", "left", "versions"]), seen, "{kind}");
        goes(&mut host);
        host.finish();
    }
}

/// The same without asking what holds the generation.
#[test]
fn without_the_hold_the_program_would_die() {
    for (kind, last) in [
        ("shape", "use"),
        ("shape", "drop"),
        ("plain", "drop"),
        ("closure", "use"),
        ("future", "use"),
    ] {
        let bench = Workbench::new();
        let mut host = kept(&bench, kind);
        host.event(&["draining generation=1"]);
        assert_eq!(host.ask(&["close-anyway"]), "1 of 2 are left", "{kind}");
        host.send(&["lease", last, "kept"]);
        host.send(&["return"]);
        assert_eq!(host.wait(), Ended::BySignal(SIGSEGV), "{kind} {last}");
    }
}

#[test]
fn a_thousand_leases_are_waited_for_one_and_all() {
    let bench = Workbench::new();
    let mut host = kept(&bench, "many");
    let held = host.event(&["draining generation=1", "968 more leases"]);
    assert!(held.contains("a lease of `dyn hot_fixture::leases::Shape`"), "{held}");
    assert_eq!(host.ask(&["lease", "use", "kept"]), "2000");
    assert_eq!(host.ask(&["lease", "scatter", "kept"]), "0");
    assert_eq!(host.ask(&["signal", "left", "ended"]), "1000");
    goes(&mut host);
    host.finish();
}

#[test]
fn leases_that_are_dropped_while_generations_change_let_them_go() {
    const SWAPS: u64 = 30;
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["worker", "caller"]);
    for generation in 1..=SWAPS {
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
        let name = generation.to_string();
        host.ask(&["lease", "make", &name, "many", "left"]);
        if generation > 1 {
            // While the owner thread looks at what the last swap replaced, and through the next one.
            let before = (generation - 1).to_string();
            host.ask(&["begin", "caller", "lease", "scatter", &before]);
        }
        if generation > 2 {
            host.ask(&["answer", "caller"]);
        }
    }
    host.ask(&["answer", "caller"]);
    for generation in 1..SWAPS {
        host.unloaded(generation);
    }
    assert_eq!(host.ask(&["signal", "left", "ended"]), (1000 * (SWAPS - 1)).to_string());
    assert_eq!(host.ask(&["images"]), "1");
    assert_eq!(host.events(&["retained"]), 0);
    host.finish();
}

#[test]
fn a_forgotten_lease_keeps_its_code_for_ever_and_is_named() {
    let bench = Workbench::new();
    let mut host = kept(&bench, "plain");
    host.ask(&["lease", "forget", "kept"]);
    for (generation, version) in [(3, v2()), (4, v3())] {
        swap(&bench, &mut host, &version, generation);
        host.unloaded(generation - 1);
    }
    let status = host.ask(&["status"]);
    let named = "a lease of `hot_fixture::leases::Circle` made in `hot_fixture::leases::plain` on thread `host`";
    assert!(status.contains(named), "{status}");
    assert_eq!(host.ask(&["images"]), "2");
    host.finish();
}

#[test]
fn a_lease_inside_another_holds_its_own_code() {
    let bench = Workbench::new();
    let mut host = kept(&bench, "shape");
    host.ask(&["lease", "wrap", "kept", "outer"]);
    swap(&bench, &mut host, &v2(), 3);
    // Version 3 around version 2; both generations are held.
    assert_eq!(host.ask(&["lease", "use", "kept"]), "23 2 1");
    let status = host.ask(&["status"]);
    assert_eq!(status.matches("draining [a lease of").count(), 2, "{status}");
    host.ask(&["lease", "drop-elsewhere", "kept"]);
    host.unloaded(1);
    host.unloaded(2);
    assert_eq!(host.ask(&["signal", "outer", "versions"]), "[3]");
    assert_eq!(host.ask(&["signal", "left", "versions"]), "[2]");
    assert_eq!(host.ask(&["images"]), "1");
    host.finish();
}

#[test]
fn newer_code_can_drop_a_lease_of_older_code() {
    let bench = Workbench::new();
    let mut host = kept(&bench, "shape");
    assert_eq!(host.ask(&["lease", "end", "kept"]), "3");
    assert_eq!(host.ask(&["signal", "left", "versions"]), "[2]");
    goes(&mut host);
    host.finish();
}

#[test]
fn a_panic_of_the_value_is_caught_where_it_happened_and_raised_again() {
    let bench = Workbench::new();
    let mut host = kept(&bench, "shape");
    assert_eq!(host.ask(&["lease", "fail", "kept"]), "panicked formatted: the shape of version 2");
    assert_eq!(host.ask(&["lease", "use", "kept"]), "2 3 1");
    host.ask(&["lease", "drop", "kept"]);
    goes(&mut host);
    // Past the lease nothing can catch it: as for any trait object out of an image with a standard library of its own.
    host.ask(&["lease", "make", "next", "shape", "left"]);
    host.send(&["lease", "fail-directly", "next"]);
    assert_eq!(host.wait(), Ended::BySignal(SIGABRT));
}

#[test]
fn a_panic_of_a_drop_or_a_future_reaches_whoever_caused_it() {
    let bench = Workbench::new();
    let mut host = kept(&bench, "panicking");
    let panicked = host.try_ask(&["lease", "drop", "kept"]).unwrap_err();
    assert_eq!(panicked, "panicked formatted: the drop of version 2");
    assert_eq!(host.ask(&["signal", "left", "ended"]), "1");
    goes(&mut host);
    host.finish();

    let bench = Workbench::new();
    let mut host = kept(&bench, "failing_future");
    host.ask(&["signal", "left", "open"]);
    let panicked = host.try_ask(&["lease", "use", "kept"]).unwrap_err();
    assert_eq!(panicked, "panicked formatted: the future of version 2");
    goes(&mut host);
    host.finish();
}

#[test]
fn what_a_lease_starts_and_leaves_is_counted() {
    let bench = Workbench::new();
    let mut host = kept(&bench, "shape");
    host.ask(&["worker", "caller"]);
    host.ask(&["on", "caller", "lease", "start-thread", "kept"]);
    host.ask(&["on", "caller", "lease", "leave-local", "kept"]);
    host.ask(&["signal", "left", "wait-entered", "1"]);
    host.ask(&["lease", "drop", "kept"]);
    let status = host.ask(&["status"]);
    assert!(status.contains("a thread that hot code started"), "{status}");
    assert!(
        status.contains("a thread-local destructor of hot code on thread `caller`"),
        "{status}"
    );
    assert!(!status.contains("a lease"), "{status}");
    host.ask(&["signal", "left", "open"]);
    host.ask(&["signal", "left", "wait-ended", "2"]);
    assert_eq!(host.ask(&["images"]), "2");
    host.ask(&["end", "caller"]);
    host.ask(&["signal", "left", "wait-ended", "3"]);
    goes(&mut host);
    host.finish();
}

#[test]
fn a_future_that_hot_code_spawns_runs_on_the_program_s_executor() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.ask(&["lease", "spawn", "left"]);
    swap(&bench, &mut host, &v3(), 2);
    host.ask(&["signal", "left", "wait-entered", "3"]);
    let held = host.event(&["draining generation=1", "a lease of `dyn"]);
    assert!(held.contains("made in `hot_fixture::leases::spawned`"), "{held}");
    assert_eq!(host.ask(&["images"]), "2");
    host.ask(&["signal", "left", "open"]);
    host.ask(&["signal", "left", "wait-ended", "1"]);
    assert_eq!(host.ask(&["signal", "left", "versions"]), "[2]");
    goes(&mut host);
    host.finish();
}

#[test]
fn a_lease_of_the_program_s_own_code_holds_nothing() {
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["lease", "make", "kept", "shape", "left"]);
    swap(&bench, &mut host, &v2(), 1);
    assert_eq!(host.ask(&["lease", "use", "kept"]), "1 2 1");
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    let status = host.ask(&["status"]);
    assert!(status.contains("0 linked linked []"), "{status}");
    host.ask(&["lease", "drop", "kept"]);
    assert_eq!(host.ask(&["signal", "left", "versions"]), "[1]");
    host.finish();
}
