//! Panics of hot code: caught by whoever called, with message and place, and nothing else changes.

use liveswap_testkit::process::Ended;

use crate::harness::{Host, Version, Workbench, swap, v2, v3};

#[track_caller]
fn panics(host: &mut Host, words: &[&str]) -> String {
    let answer = host.try_ask(&[&["call"], words].concat());
    answer.unwrap_err().strip_prefix("panicked ").unwrap().to_owned()
}

/// File and line of the line in `panics.rs` that has this text.
fn place(version: &Version, text: &str) -> String {
    format!("src/panics.rs:{}:", version.line_of("panics.rs", text))
}

#[test]
fn a_panic_reaches_the_caller_with_its_message_and_its_place() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let version = v2();
    swap(&bench, &mut host, &version, 1);
    for (words, caught, message, line) in [
        (vec!["literal"], "literal: a literal message", "a literal message", "a literal message"),
        (
            vec!["formatted", "5"],
            "formatted: v2 does not like 5",
            "v2 does not like 5",
            "v{VERSION} does not like {x}\");",
        ),
        (
            vec!["overflow", "9"],
            "formatted: index out of bounds: the len is 3 but the index is 9",
            "index out of bounds: the len is 3 but the index is 9",
            "[1, 2, 3][index]",
        ),
        (
            vec!["custom"],
            "literal: panic with a payload of the hot crate's own type",
            "Box<dyn Any>",
            "panic_any",
        ),
    ] {
        assert_eq!(panics(&mut host, &words), caught);
        let place = place(&version, line);
        let event = host.event(&["panicked "]);
        assert!(event.starts_with(&format!("panicked {message:?} at {place}")), "{event}");
        // The program's own hook hears of it as well, which may have a terminal to restore.
        let hooked = host.ask(&["hooked"]);
        let last = hooked.rsplit(" | ").next().unwrap();
        assert!(last.contains(message) && last.contains(&place), "{last}");
        host.runs(2);
    }
    host.finish();
}

#[test]
fn a_panic_in_the_linked_generation_is_an_ordinary_one() {
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(panics(&mut host, &["literal"]), "literal: a literal message");
    assert_eq!(panics(&mut host, &["formatted", "5"]), "formatted: v1 does not like 5");
    assert_eq!(panics(&mut host, &["custom"]), "custom: 1");
    host.runs(1);
    swap(&bench, &mut host, &v2(), 1);
    host.runs(2);
    host.finish();
}

#[test]
fn a_panic_passes_through_hot_functions_that_call_each_other() {
    let bench = Workbench::new();
    let mut host = bench.start();
    for (generation, version) in [(0, 1), (1, 2), (2, 3)] {
        if generation > 0 {
            swap(&bench, &mut host, &if version == 2 { v2() } else { v3() }, generation);
        }
        assert_eq!(host.call(&["outer", "1"]), "2");
        let message = format!("inner of v{version} does not like 7");
        assert_eq!(panics(&mut host, &["outer", "7"]), format!("formatted: {message}"));
        assert_eq!(host.call(&["catching"]), format!("v{version} does not like 8"));
    }
    host.unloaded(1);
    host.finish();
}

/// The outer call is in one image, the inner one that panics in another.
#[test]
fn a_panic_crosses_from_a_newer_generation_into_an_older_call() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.begin_call("looper", &["main_loop", "loop"]);
    host.ask(&["signal", "loop", "wait-saw", "2"]);
    let panicking = v3().edit(
        "blocking.rs",
        "fn step(signal: &Signal) {\n    signal.see(VERSION);",
        "fn step(signal: &Signal) {\n    signal.see(VERSION);\n    panic!(\"a step of v{VERSION}\");",
    );
    swap(&bench, &mut host, &panicking, 2);
    let ended = host.try_ask(&["answer", "looper"]).unwrap_err();
    assert_eq!(ended, "panicked formatted: a step of v3");
    host.unloaded(1);
    host.runs(3);
    host.finish();
}

#[test]
fn a_thousand_caught_panics_leave_nothing_behind() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.ask(&["storm", "1", "panics"]);
    host.ask(&["storm-calls", "2000"]);
    let answer = host.ask(&["storm-stop"]);
    assert!(answer.contains("torn=0"), "{answer}");
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "1");
    host.finish();
}

#[test]
fn panics_while_generations_change_are_all_caught() {
    const SWAPS: u64 = 20;
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["storm", "3", "panics"]);
    for generation in 1..=SWAPS {
        host.ask(&["storm-calls", "30"]);
        let version = if generation % 2 == 1 { v2() } else { v3() };
        swap(&bench, &mut host, &version, generation);
    }
    let answer = host.ask(&["storm-stop"]);
    let number = |name: &str| -> u64 {
        answer.split(' ').find_map(|part| part.strip_prefix(name)?.parse().ok()).unwrap()
    };
    assert_eq!(number("calls="), number("answered="), "{answer}");
    assert_eq!(number("torn="), 0, "{answer}");
    assert!(number("panics=") > 100, "{answer}");
    for generation in 1..SWAPS {
        host.unloaded(generation);
    }
    host.finish();
}

#[test]
fn backtraces_do_not_keep_a_generation() {
    let bench = Workbench::new();
    let program = bench.program().env("RUST_BACKTRACE", "1").env("DEFAULT_HOOK", "1");
    let mut host = program.start();
    swap(&bench, &mut host, &v2(), 1);
    assert_eq!(panics(&mut host, &["formatted", "5"]), "formatted: v2 does not like 5");
    assert_eq!(host.call(&["trace"]), "true");
    assert!(host.stderr().contains("stack backtrace"), "{}", host.stderr());
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "1");
    assert_eq!(panics(&mut host, &["formatted", "6"]), "formatted: v3 does not like 6");
    host.finish();
}

/// A limit of standalone artifacts: their standard library cannot catch the panics of another one.
#[test]
fn a_panic_of_the_programs_own_closure_inside_hot_code_ends_the_program() {
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(panics(&mut host, &["panicking_closure"]), "formatted: the closure got 6");
    swap(&bench, &mut host, &v2(), 1);
    host.send(&["call", "panicking_closure"]);
    assert_eq!(host.wait(), Ended::BySignal(6));
    let stderr = host.stderr();
    assert!(stderr.contains("panic: formatted: the closure got 6"), "{stderr}");
    assert!(stderr.contains("Rust cannot catch foreign exceptions"), "{stderr}");
}
