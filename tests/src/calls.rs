//! Calls while generations change: every call gets one version, whole, and the right one.

use std::time::Instant;

use crate::harness::{Host, Workbench, swap, v2, v3};

/// What a storm saw, by name.
fn tally(answer: &str, name: &str) -> u64 {
    let value = answer.split(' ').find_map(|part| part.strip_prefix(&format!("{name}=")));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {answer}"))
}

#[test]
fn a_storm_of_calls_loses_none_and_tears_none() {
    const SWAPS: u64 = 60;
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["storm", "4", "tagged"]);
    for generation in 1..=SWAPS {
        // Every generation is called before the next one comes.
        host.ask(&["storm-calls", "64"]);
        let version = if generation % 2 == 1 { v2() } else { v3() };
        swap(&bench, &mut host, &version, generation);
    }
    host.ask(&["storm-calls", "64"]);
    let answer = host.ask(&["storm-stop"]);
    assert_eq!(tally(&answer, "calls"), tally(&answer, "answered"), "{answer}");
    for name in ["torn", "stale", "panics"] {
        assert_eq!(tally(&answer, name), 0, "{answer}");
    }
    let versions = answer.split("versions=").nth(1).unwrap();
    let versions: Vec<u64> =
        versions.trim_matches(['[', ']']).split(", ").map(|n| n.parse().unwrap()).collect();
    assert!(versions[1..].iter().all(|count| *count > 0), "every version was called: {answer}");
    for generation in 1..SWAPS {
        host.unloaded(generation);
    }
    assert_eq!(host.ask(&["images"]), "1");
    host.finish();
}

#[test]
fn a_call_of_two_seconds_ends_in_the_code_it_began_in() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--report-after", "100").start();
    swap(&bench, &mut host, &v2(), 1);
    host.begin_call("sleeper", &["sleepy", "sleep", "2000"]);
    host.ask(&["signal", "sleep", "wait-entered", "1"]);
    let began = Instant::now();
    swap(&bench, &mut host, &v3(), 2);
    host.runs(3);
    let draining = host.event(&["draining generation=1"]);
    let holder = "a call of `hot_fixture::blocking::sleepy` on thread `sleeper`, for at least 0.";
    assert!(draining.contains(holder), "{draining}");
    let retired = host.events(&["retired"]);
    let ended = host.ask(&["signal", "sleep", "ended"]);
    assert!(began.elapsed().as_millis() > 1900 || ended == "0", "the swap waited for the call");
    assert!(ended != "0" || retired == 0, "retired while a call was inside");
    assert_eq!(host.ask(&["answer", "sleeper"]), "2");
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "1");
    host.finish();
}

#[test]
fn every_call_in_progress_is_named_until_the_last_has_ended() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--report-after", "20").start();
    swap(&bench, &mut host, &v2(), 1);
    for name in ["first", "second", "third"] {
        host.begin_call(name, &["held", name]);
        host.ask(&["signal", name, "wait-entered", "1"]);
    }
    swap(&bench, &mut host, &v3(), 2);
    let on = |name: &str| format!("a call of `hot_fixture::blocking::held` on thread `{name}`");
    host.event(&["draining generation=1", &on("first"), &on("second"), &on("third")]);
    for (name, left) in [("second", 2), ("third", 1)] {
        host.ask(&["signal", name, "open"]);
        assert_eq!(host.ask(&["answer", name]), "2");
        let status = host.ask(&["status"]);
        assert_eq!(status.matches("a call of").count(), left, "{status}");
    }
    assert_eq!(host.events(&["retired"]), 0);
    host.ask(&["signal", "first", "open"]);
    host.unloaded(1);
    host.finish();
}

fn versions_of(host: &mut Host, worker: &str) -> [String; 2] {
    [host.call_on(worker, &["version"]), host.call_on(worker, &["depth"])]
}

#[test]
fn a_pin_makes_all_calls_of_its_thread_use_one_generation() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--report-after", "50").start();
    swap(&bench, &mut host, &v2(), 1);
    host.ask(&["worker", "frame"]);
    assert_eq!(host.ask(&["on", "frame", "pin"]), "1");
    swap(&bench, &mut host, &v3(), 2);
    assert_eq!(versions_of(&mut host, "frame"), ["2", "deep::inner v2"]);
    assert_eq!(host.call_on("frame", &["entry", "1"]), "v2 101 2", "calls inside calls too");
    host.runs(3);
    host.event(&["draining generation=1", "a pin on thread `frame`"]);
    assert_eq!(host.events(&["retired"]), 0);
    assert_eq!(host.ask(&["on", "frame", "unpin"]), "unpinned");
    assert_eq!(versions_of(&mut host, "frame"), ["3", "deep::inner v3"]);
    host.unloaded(1);
    host.finish();
}

#[test]
fn the_outermost_of_nested_pins_decides() {
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(host.ask(&["pin"]), "0");
    swap(&bench, &mut host, &v2(), 1);
    assert_eq!(host.ask(&["pin"]), "0");
    host.runs(1);
    swap(&bench, &mut host, &v3(), 2);
    // Nobody was inside generation 1, so it need not wait for the pins.
    host.unloaded(1);
    assert_eq!(host.ask(&["unpin"]), "unpinned");
    host.runs(1);
    assert_eq!(host.ask(&["unpin"]), "unpinned");
    host.runs(3);
    assert_eq!(host.ask(&["pin"]), "2");
    host.ask(&["unpin"]);
    host.finish();
}

#[test]
fn a_reload_asked_for_under_a_pin_does_not_wait_for_it() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--poll", "3600000").start();
    host.ask(&["pin"]);
    bench.install(&v2());
    assert!(host.ask(&["reload-now"]).starts_with("swapped generation=1"));
    host.runs(1);
    host.ask(&["unpin"]);
    host.runs(2);
    host.finish();
}

#[test]
fn a_thread_that_ends_with_a_pin_lets_go_of_it() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.ask(&["worker", "frame"]);
    host.ask(&["on", "frame", "pin"]);
    swap(&bench, &mut host, &v3(), 2);
    host.ask(&["end", "frame"]);
    host.unloaded(1);
    host.finish();
}

#[test]
fn every_kind_of_signature_is_called_rightly_in_every_version() {
    let expected = |v: u32| {
        [
            format!("[0, {}, {}, 3] 3 big v{v}", 1 + v, 2 + v),
            format!("Point {{ x: 109.5, y: 0.75, tag: {} }}", 10 + v),
            format!("{} swapbcd renamed true", 12 * v),
            format!("{} Ok(125) Err(\"v{v} does not divide by 0\")", 42 + v),
            format!("Some({}) None", 21 * v),
        ]
        .join(" | ")
    };
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(host.call(&["shapes"]), expected(1));
    swap(&bench, &mut host, &v2(), 1);
    assert_eq!(host.call(&["shapes"]), expected(2));
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    assert_eq!(host.call(&["shapes"]), expected(3));
    host.finish();
}

#[test]
fn a_state_of_the_program_lives_through_all_versions() {
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(host.call(&["world"]), r#"10 1 ["tick of v1"]"#);
    swap(&bench, &mut host, &v2(), 1);
    assert_eq!(host.call(&["world"]), r#"30 2 ["tick of v1", "tick of v2"]"#);
    swap(&bench, &mut host, &v3(), 2);
    host.unloaded(1);
    let names = r#"["tick of v1", "tick of v2", "tick of v3"]"#;
    assert_eq!(host.call(&["world"]), format!("60 3 {names}"));
    host.finish();
}
