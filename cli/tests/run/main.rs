//! `cargo liveswap run` as a person uses it: a small workspace, a real program, edits that are
//! saved, and what is said and done about each.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]
#![deny(unsafe_code)]

mod changes;
mod configuration;
mod faults;
mod lab;
mod session;
mod states;

use std::fs;
use std::time::Instant;

use lab::Lab;
use session::{Analyzer, is_there};

#[test]
fn edits_are_swapped_in_and_mistakes_are_shown_and_survived() {
    let lab = Lab::new("edits");
    let mut run = lab.run(&[]);
    run.wait_for("value 1");
    let program = run.program();

    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 2 }");
    run.wait_for("value 2");
    run.wait_for_swap(1, "value");

    lab.edit("hot/src/lib.rs", "{ 2 }", "{ \"two\" }");
    run.wait_for("error[E0308]");
    run.wait_for("heard of a failed build");
    lab.edit("hot/src/lib.rs", "{ \"two\" }", "{ 3 }");
    run.wait_for("value 3");

    // A module that is not there yet: its appearing is what is waited for.
    lab.edit("hot/src/lib.rs", "{ 3 }", "{ extra::four() }\nmod extra;");
    run.wait_for("error[E0583]");
    lab.write("hot/src/extra.rs", "pub fn four() -> u32 { 4 }");
    run.wait_for("value 4");
    // An edit before that would overtake the build, and the file stay unknown.
    run.wait_for("gen 3  ");
    lab.edit("hot/src/extra.rs", "{ 4 }", "{ 5 }");
    run.wait_for("value 5");
    run.wait_for_swap(4, "four");
    lab.edit("hot/src/extra.rs", "{ 5 }", "{ 6 }");
    run.wait_for("value 6");
    run.wait_for_swap(5, "four");

    assert_eq!(run.program(), program, "it is the same program all the time");
    let status = lab.liveswap(&["status"]);
    for part in ["generation ", "swapped", "(shared)", &format!("process {program}")] {
        assert!(status.contains(part), "{part:?} is not in {status}");
    }
    let log = lab.log_of(run.pid());
    assert!(log.contains("error[E0308]") && log.contains("gen 1  "), "{log}");

    run.tell("TERM");
    assert_eq!(run.code(), Some(143));
    assert!(!is_there(program), "nothing is left");
}

#[test]
fn many_saves_in_a_row_end_with_the_last_one() {
    let lab = Lab::new("storm");
    let mut run = lab.run(&[]);
    run.wait_for("value 1");
    let analyzer = Analyzer::start(&lab);
    for round in 100..300 {
        let from = if round == 100 { 1 } else { round - 1 };
        lab.edit("hot/src/lib.rs", &format!("{{ {from} }}"), &format!("{{ {round} }}"));
        run.wait_briefly();
    }
    run.wait_for("value 299");
    run.wait_for("  value  ");
    assert!(analyzer.end() > 0, "it checked the crate meanwhile");
    assert!(!run.heard().contains("turned away"), "{}", run.heard());
    run.tell("INT");
    assert_eq!(run.code(), Some(130));
    lab.assert_nothing_runs();
}

#[test]
fn what_cannot_be_swapped_is_said_and_the_program_is_started_anew() {
    let lab = Lab::new("restart");
    let mut run = lab.run(&[]);
    run.wait_for("value 1");
    let first = run.program();

    lab.edit("host/src/main.rs", "\"value ", "\"new value ");
    run.wait_for("restart needed  host/src/main.rs is part of the program itself");
    run.wait_for("restarted  host/src/main.rs");
    run.wait_for("new value 1");
    let second = run.program();
    assert_ne!(first, second);
    assert!(!is_there(first));

    // The host calls it with a literal, so both sides compile, and are not the same.
    lab.edit("hot/src/lib.rs", "value(_: u32)", "value(_: u64)");
    run.wait_for("refused at check");
    run.wait_for("restarted  value cannot be swapped in");
    run.wait_for("new value 1");
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 6 }");
    run.wait_for("new value 6");
    run.tell("TERM");
    run.code();
}

#[test]
fn without_restarts_the_program_goes_on_and_the_reason_is_said() {
    let lab = Lab::new("stay");
    let mut run = lab.run(&["--no-restart"]);
    run.wait_for("value 1");
    let program = run.program();
    lab.edit("host/src/main.rs", "\"value ", "\"new value ");
    run.wait_for("start it again to see it");
    lab.edit("hot/src/lib.rs", "value(_: u32)", "value(_: u64)");
    run.wait_for("the program goes on as it was");
    lab.edit("hot/src/lib.rs", "value(_: u64) -> u32 { 1 }", "value(_: u32) -> u32 { 2 }");
    run.wait_for("value 2");
    assert_eq!(run.program(), program);
    run.tell("TERM");
    run.code();
}

#[test]
fn a_crash_is_told_and_followed_by_a_new_start_until_it_is_enough() {
    let lab = Lab::new("crash");
    let mut run = lab.run(&[]);
    run.wait_for("value 1");
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 66 }");
    run.wait_for("was ended by signal 6 (SIGABRT)");
    run.wait_for("it is started again");
    run.wait_for("4 times in a row; it is not started again");
    assert_eq!(run.code(), Some(134));
    lab.assert_nothing_runs();
}

#[test]
fn a_normal_end_ends_everything_with_its_code() {
    let lab = Lab::new("code");
    let mut run = lab.run(&["--", "exit", "3"]);
    assert_eq!(run.code(), Some(3), "it did not start, and is not started again");
    let mut run = lab.run(&["--", "exit", "0"]);
    assert_eq!(run.code(), Some(0));
    let mut run = lab.run(&[]);
    run.wait_for("value 1");
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 77 }");
    assert_eq!(run.code(), Some(0));
}

#[test]
fn a_program_that_does_not_listen_is_ended_all_the_same() {
    let lab = Lab::new("deaf");
    let mut run = lab.run(&["--", "deaf"]);
    run.wait_for("value 1");
    let program = run.program();
    let helper = run.number_after("helper ");
    run.tell("TERM");
    run.tell_until_ended("TERM");
    assert!(!is_there(program) && !is_there(helper), "nothing is left");
}

#[test]
fn a_first_build_that_fails_is_told_and_ends_everything() {
    let lab = Lab::new("broken");
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ \"one\" }");
    let mut run = lab.run(&[]);
    run.wait_for("error[E0308]");
    run.wait_for("build: cargo failed, see above");
    assert_eq!(run.code(), Some(101));
}

#[test]
fn optimized_programs_are_swapped_too() {
    let lab = Lab::new("release");
    let mut run = lab.run(&["--release"]);
    run.wait_for("value 1");
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 2 }");
    run.wait_for("value 2");
    run.tell("TERM");
    run.code();
}

#[test]
fn a_removed_target_directory_is_built_anew() {
    let lab = Lab::new("removed").with_own_target();
    let mut run = lab.run(&[]);
    run.wait_for("value 1");
    fs::remove_dir_all(lab.target()).unwrap();
    lab.edit("host/src/main.rs", "\"value ", "\"new value ");
    run.wait_for("restarted  ");
    run.wait_for("new value 1");
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 2 }");
    run.wait_for("new value 2");
    assert!(lab.liveswap(&["status"]).contains("generation "));
    run.tell("TERM");
    run.code();
}

#[test]
fn one_build_is_inspected() {
    let lab = Lab::new("once");
    let start = Instant::now();
    let artifact = lab.liveswap(&["build"]);
    let artifact = artifact.trim();
    assert!(artifact.ends_with("libonce_hot.so"), "{artifact} after {:?}", start.elapsed());
    let text = lab.liveswap(&["inspect", artifact]);
    for part in ["once_hot", "standalone", "once_hot::value", "fn value(_: u32) -> u32"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&lab.liveswap(&["inspect", artifact, "--json"])).unwrap();
    assert_eq!(json["functions"][0]["path"], "once_hot::value");
}
