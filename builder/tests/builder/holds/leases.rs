//! Leases of shared artifacts.

use super::SIGSEGV;
use super::lab::Lab;

/// A lease called `kept`, made by generation 1, with generation 2 current.
fn kept(kind: &str) -> Lab {
    let mut lab = Lab::start();
    lab.swap(1);
    lab.ask(&["lease", "make", "kept", kind, "left"]);
    lab.swap(2);
    lab
}

fn goes(mut lab: Lab) {
    lab.unloaded(1);
    assert_eq!(lab.images(), "1");
    assert_eq!(lab.events(&["retained"]), "0");
    assert_eq!(lab.ask(&["call", "version"]), "3");
    lab.finish();
}

#[test]
fn a_lease_holds_its_code_and_is_named() {
    let mut lab = kept("shape");
    let held = lab.event(&["draining generation=1", "a lease of `"]);
    let made = "a lease of `dyn hot::leases::Shape` made in `hot::leases::shape` on thread `";
    assert!(held.contains(made), "{held}");
    assert_eq!(lab.ask(&["lease", "use", "kept"]), "2 3 1");
    for generation in 3..=4 {
        lab.swap(generation);
        lab.unloaded(generation - 1);
    }
    assert_eq!(lab.ask(&["lease", "use-elsewhere", "kept"]), "2 3 2");
    assert_eq!(lab.images(), "2");
    lab.ask(&["lease", "drop-elsewhere", "kept"]);
    assert_eq!(lab.ask(&["signal", "left", "versions"]), "[2]");
    goes(lab);
}

#[test]
fn every_kind_of_value_is_used_and_ends() {
    for (kind, said, seen) in [
        // Called by its own type, so by the program's code; dropped by the code that made it.
        ("plain", "1 3", "[2]"),
        ("calling", "2 3 1", "[3]"),
        ("numbers", "[4, 9, 16]", "[]"),
        ("closure", "12", "[]"),
        ("future", "2", "[2]"),
    ] {
        let mut lab = kept(kind);
        lab.event(&["draining generation=1", "a lease of `"]);
        lab.ask(&["signal", "left", "open"]);
        assert_eq!(lab.ask(&["lease", "use", "kept"]), said, "{kind}");
        lab.ask(&["lease", "drop-elsewhere", "kept"]);
        assert_eq!(lab.ask(&["signal", "left", "versions"]), seen, "{kind}");
        goes(lab);
    }
}

/// The same without asking what holds the generation.
#[test]
fn without_the_hold_the_program_would_die() {
    for (kind, last) in [("shape", "use"), ("plain", "drop"), ("closure", "use"), ("future", "use")]
    {
        let mut lab = kept(kind);
        lab.event(&["draining generation=1"]);
        assert_eq!(lab.ask(&["close-anyway"]), "1 of 2 are left", "{kind}");
        lab.send(&["lease", last, "kept"]);
        assert_eq!(lab.end(), (None, Some(SIGSEGV)), "{kind} {last}");
    }
}

#[test]
fn a_thousand_leases_are_waited_for_one_and_all() {
    let mut lab = kept("many");
    lab.event(&["draining generation=1", "968 more leases"]);
    assert_eq!(lab.ask(&["lease", "scatter", "kept"]), "0");
    assert_eq!(lab.ask(&["signal", "left", "ended"]), "1000");
    goes(lab);
}

#[test]
fn panics_of_the_value_reach_whoever_uses_or_drops_it() {
    let mut lab = kept("shape");
    for how in ["fail", "fail-directly"] {
        let panicked = lab.ask(&["lease", how, "kept"]);
        assert_eq!(panicked, "panicked formatted: the shape of version 2");
    }
    lab.ask(&["lease", "drop", "kept"]);
    goes(lab);
}

/// Its methods are called past the gate, so what they start is found in another way.
#[test]
fn what_a_lease_starts_and_leaves_is_counted() {
    let mut lab = kept("shape");
    lab.ask(&["worker", "caller"]);
    lab.ask(&["on", "caller", "lease", "start-thread", "kept"]);
    lab.ask(&["on", "caller", "lease", "leave-local", "kept"]);
    lab.ask(&["signal", "left", "wait-entered", "1"]);
    lab.ask(&["lease", "drop", "kept"]);
    let status = lab.ask(&["status"]);
    assert!(status.contains("a thread that hot code started"), "{status}");
    assert!(status.contains("a thread-local destructor of hot code"), "{status}");
    assert!(!status.contains("a lease"), "{status}");
    lab.ask(&["signal", "left", "open"]);
    lab.ask(&["signal", "left", "wait-ended", "2"]);
    assert_eq!(lab.images(), "2");
    lab.ask(&["end", "caller"]);
    lab.ask(&["signal", "left", "wait-ended", "3"]);
    goes(lab);
}

/// A thread that the program starts while a lease is there is the program's.
#[test]
fn threads_of_the_program_hold_nothing_where_leases_are_kept() {
    let mut lab = kept("shape");
    lab.ask(&["worker", "later"]);
    lab.ask(&["lease", "drop", "kept"]);
    lab.unloaded(1);
    lab.ask(&["end", "later"]);
    assert_eq!(lab.images(), "1");
    lab.finish();
}

#[test]
fn a_future_that_hot_code_spawns_runs_on_the_program_s_executor() {
    let mut lab = Lab::start();
    lab.swap(1);
    lab.ask(&["lease", "spawn", "left"]);
    lab.swap(2);
    lab.ask(&["signal", "left", "wait-entered", "3"]);
    let held = lab.event(&["draining generation=1", "a lease of `dyn"]);
    assert!(held.contains("made in `hot::leases::spawned`"), "{held}");
    lab.ask(&["signal", "left", "open"]);
    lab.ask(&["signal", "left", "wait-ended", "1"]);
    goes(lab);
}
