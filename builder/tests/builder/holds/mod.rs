//! What the code of shared artifacts leaves behind: counted, named, waited for, and then the artifact goes.

mod lab;
mod leases;
mod states;

use lab::Lab;

const SIGSEGV: i32 = 11;

/// A worker calls a function of generation 1 that leaves something behind, then generation 2 is swapped in.
fn left(function: &[&str]) -> Lab {
    let mut lab = Lab::start();
    lab.swap(1);
    lab.ask(&["worker", "caller"]);
    assert_eq!(lab.call_on("caller", function), "2");
    lab.swap(2);
    lab
}

/// What was left ended, ran code of its own version, and the generation went.
fn ends_well(mut lab: Lab, ended: &str, version: &str) {
    lab.ask(&["signal", "left", "wait-ended", ended]);
    lab.ask(&["signal", "left", "wait-saw", version]);
    lab.unloaded(1);
    assert_eq!(lab.images(), "1");
    assert_eq!(lab.events(&["retained"]), "0");
    assert_eq!(lab.ask(&["call", "version"]), "3");
    lab.finish();
}

#[test]
fn clean_code_goes_at_every_swap_under_calling_threads() {
    const SWAPS: u64 = 60;
    let mut lab = Lab::start();
    lab.ask(&["storm", "3", "threads"]);
    for generation in 1..=SWAPS {
        lab.ask(&["storm-calls", "10"]);
        lab.swap(generation);
    }
    let answer = lab.ask(&["storm-stop"]);
    assert!(answer.contains("torn=0"), "{answer}");
    for generation in 1..SWAPS {
        lab.unloaded(generation);
    }
    assert_eq!(lab.images(), "1");
    assert_eq!(lab.events(&["retained"]), "0");
    lab.finish();
}

#[test]
fn what_the_program_s_own_threads_keep_of_the_standard_library_holds_nothing() {
    let mut lab = Lab::start();
    lab.swap(1);
    lab.ask(&["worker", "caller"]);
    assert!(lab.call_on("caller", &["current"]).starts_with("ThreadId("));
    assert_eq!(lab.call_on("caller", &["clean", "5"]), "5 true 5");
    assert_eq!(lab.call_on("caller", &["joined"]), "2");
    lab.call_on("caller", &["trace"]);
    lab.swap(2);
    // The thread lives on.
    lab.unloaded(1);
    assert_eq!(lab.images(), "1");
    lab.ask(&["end", "caller"]);
    lab.finish();
}

/// A payload of its own type would be dropped by its code, and a literal text lies in it: what arrives is the program's.
#[test]
fn what_a_panic_carries_does_not_need_the_code_that_panicked() {
    let mut lab = Lab::start();
    lab.swap(1);
    for (function, arrives) in [
        (&["custom"][..], "literal: panic with a payload of the hot crate's own type"),
        (&["formatted", "5"], "formatted: v2 does not like 5"),
    ] {
        let answer = lab.try_ask(&[&["call"], function].concat());
        assert_eq!(answer, Err(format!("err panicked {arrives}")));
    }
    lab.swap(2);
    lab.unloaded(1);
    lab.finish();
}

#[test]
fn a_thread_holds_its_code_and_is_named() {
    let mut lab = left(&["detached", "left"]);
    lab.ask(&["signal", "left", "wait-entered", "1"]);
    let held = lab.event(&["draining generation=1", "a thread that hot code started"]);
    assert!(held.contains("in `hot::leftovers::detached`"), "{held}");
    let status = lab.ask(&["status"]);
    assert!(status.contains("1 shared draining [a thread that hot code started"), "{status}");
    assert_eq!(lab.images(), "2");
    // Neither the end of its caller nor another swap ends it.
    lab.ask(&["end", "caller"]);
    lab.swap(3);
    lab.unloaded(2);
    assert_eq!(lab.images(), "2");
    lab.swap(4);
    lab.unloaded(3);
    lab.ask(&["signal", "left", "open"]);
    ends_well(lab, "1", "2");
}

#[test]
fn a_thread_of_a_thread_holds_its_code() {
    let mut lab = left(&["chained", "left"]);
    lab.ask(&["signal", "left", "wait-entered", "1"]);
    let held = lab.event(&["draining generation=1 holders=a thread that hot code started"]);
    assert!(held.contains("in `hot::leftovers::chained`"), "{held}");
    assert_eq!(lab.images(), "2");
    lab.ask(&["signal", "left", "open"]);
    ends_well(lab, "1", "2");
}

#[test]
fn a_destructor_holds_its_code_for_as_long_as_a_thread_of_the_program_lives() {
    let mut lab = left(&["local", "left"]);
    let held = lab.event(&["draining generation=1 holders=a thread-local destructor of hot code"]);
    let named = "in `hot::leftovers::local` on thread `caller`, for at least";
    assert!(held.contains(named), "{held}");
    for generation in 3..=6 {
        lab.swap(generation);
        lab.unloaded(generation - 1);
    }
    assert_eq!(lab.images(), "2");
    assert_eq!(lab.ask(&["signal", "left", "ended"]), "0");
    lab.ask(&["end", "caller"]);
    lab.ask(&["signal", "left", "wait-ended", "1"]);
    lab.unloaded(1);
    assert_eq!(lab.images(), "1");
    lab.finish();
}

#[test]
fn a_destructor_that_calls_hot_code_reaches_the_newest() {
    let mut lab = left(&["local_that_calls", "left"]);
    lab.event(&["draining generation=1", "a thread-local destructor of hot code"]);
    lab.ask(&["end", "caller"]);
    ends_well(lab, "1", "3");
}

#[test]
fn what_hot_code_asks_of_the_c_library_itself_is_counted() {
    let mut lab = left(&["key", "left"]);
    let held = lab.event(&["draining generation=1", "a thread-local destructor of hot code"]);
    assert!(held.contains("in `hot::leftovers::key` on thread `caller`"), "{held}");
    lab.ask(&["end", "caller"]);
    ends_well(lab, "1", "2");
}

#[test]
fn a_thousand_threads_with_destructors_are_counted_and_waited_for() {
    let mut lab = left(&["many", "left", "1000"]);
    lab.ask(&["signal", "left", "wait-entered", "1000"]);
    lab.event(&["draining generation=1"]);
    let status = lab.ask(&["status"]);
    let (described, rest) =
        status.split_once(" more threads and ").expect("more than are described");
    let last = described.rsplit(' ').next().expect("a number");
    let first = rest.split(' ').next().expect("a number");
    let more: usize =
        [last, first].iter().map(|number| number.parse::<usize>().expect("a number")).sum();
    // A thread and a destructor each.
    assert_eq!(
        status.matches("in `hot::leftovers::many` on thread `many-").count() + more,
        2000,
        "{status}"
    );
    lab.ask(&["signal", "left", "open"]);
    ends_well(lab, "1000", "2");
}

#[test]
fn threads_and_destructors_that_end_during_swaps_hold_until_they_have_ended() {
    const SWAPS: u64 = 30;
    const THREADS: u64 = 20;
    let mut lab = Lab::start();
    lab.ask(&["worker", "caller"]);
    for generation in 1..=SWAPS {
        lab.swap(generation);
        // Those of the generation before end from now on, so while the next one is swapped in.
        lab.ask(&["signal", &(generation - 1).to_string(), "open"]);
        let signal = generation.to_string();
        lab.call_on("caller", &["many", &signal, &THREADS.to_string()]);
    }
    lab.ask(&["signal", &SWAPS.to_string(), "open"]);
    for generation in 1..=SWAPS {
        let ended = THREADS.to_string();
        lab.ask(&["signal", &generation.to_string(), "wait-ended", &ended]);
    }
    for generation in 1..SWAPS {
        lab.unloaded(generation);
    }
    assert_eq!(lab.images(), "1");
    assert_eq!(lab.events(&["retained"]), "0");
    lab.finish();
}

#[test]
fn what_the_main_thread_keeps_stays_to_the_end_and_does_no_harm() {
    let mut lab = Lab::start();
    lab.swap(1);
    for function in ["local", "key", "local_that_calls"] {
        lab.ask(&["call", function, "left"]);
    }
    lab.swap(2);
    lab.event(&["draining generation=1"]);
    assert_eq!(lab.images(), "2");
    lab.finish();
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
        let mut lab = left(&[function, "left"]);
        lab.event(&["draining generation=1"]);
        if function == "detached" {
            // The thread looks at its signal now and then, in code that is gone: the program may be dead before it can
            // answer. Nobody waits for the thread, so the program has to be there for it to fail.
            lab.send(&["close-anyway"]);
            lab.send(last);
            lab.send(&["signal", "left", "wait-ended", "1"]);
        } else {
            assert_eq!(lab.ask(&["close-anyway"]), "1 of 2 are left", "{function}");
            lab.send(last);
        }
        assert_eq!(lab.end(), (None, Some(SIGSEGV)), "{function}");
    }
}
