//! Going back: by hand, and by itself after a panic.

use std::fs;

use liveswap_testkit::process::wait_until;

use crate::harness::{Host, Version, Workbench, rename_over};
use crate::hooks::{Stand, later};

/// One after the other, so that generation `n` is version `n + 1`.
fn three_generations(stand: &Stand, host: &mut Host) {
    for number in 1..=3_u64 {
        stand.swap(host, &later(&(number + 1).to_string()), number);
    }
}

/// How many stages this process keeps, loaded or not.
fn stage_files(bench: &Workbench) -> usize {
    let files = bench.stage_directories().into_iter().flat_map(|directory| {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name())
    });
    files.filter(|name| name.to_string_lossy().ends_with(".so")).count()
}

/// The same bytes, written anew.
fn write_again(bench: &Workbench) {
    let copy = bench.root().join("copy");
    fs::copy(bench.artifact(), &copy).unwrap();
    rename_over(&copy, &bench.artifact());
}

#[test]
fn rolling_back_goes_further_back_each_time_and_every_step_is_one_event() {
    let stand = Stand::new();
    let mut host = stand.program().start();
    three_generations(&stand, &mut host);
    for (version, answer) in [
        (3, "swapped generation=4 kind=standalone class=body added=[]"),
        (2, "swapped generation=5 kind=standalone class=body added=[]"),
        (1, "swapped generation=0 kind=linked class=body added=[]"),
    ] {
        let told = host.ask(&["rollback"]);
        assert!(told.starts_with(answer), "{told}");
        assert_eq!(host.event(&[answer]), told);
        host.runs(version);
    }
    let nothing = host.ask(&["rollback"]);
    assert!(
        nothing.contains("refused step=stage item={the generation before generation 0}"),
        "{nothing}"
    );
    host.event(&["the generation before generation 0"]);
    host.runs(1);
    let reloads =
        host.events(&["swapped"]) + host.events(&["refused"]) + host.events(&["unchanged"]);
    assert_eq!(reloads, 3 + 4);
    let why = "withdrawn (the program rolled it back)";
    let history = format!(
        "0 linked current; 1 standalone unloaded; 2 standalone unloaded; 3 standalone {why}; 4 of 2 standalone {why}; 5 of 1 standalone {why}"
    );
    wait_until("the old ones are unloaded", || host.ask(&["history"]) == history);
    wait_until("those that were taken back as well", || host.ask(&["images"]) == "0");
    host.finish();
}

#[test]
fn any_generation_of_the_history_can_be_activated_and_runs_its_hooks() {
    let stand = Stand::new();
    let mut host = stand.program().start();
    three_generations(&stand, &mut host);
    for (asked, version, answer) in [
        ("1", 2, "swapped generation=4"),
        ("0", 1, "swapped generation=0"),
        ("3", 4, "swapped generation=5"),
        ("4", 2, "swapped generation=6"),
    ] {
        let told = host.ask(&["activate", asked]);
        assert!(told.starts_with(answer), "{told}");
        assert!(told.ends_with(&format!("cause={{generation {asked} was asked for}}")), "{told}");
        host.runs(version);
    }
    let unchanged = host.ask(&["activate", "6"]);
    assert!(unchanged.starts_with("unchanged generation=6"), "{unchanged}");
    // What comes back is of the generation that its code first came with.
    let history = host.ask(&["history"]);
    assert!(history.ends_with("6 of 1 standalone current"), "{history}");
    assert!(history.contains("; 5 of 3 standalone "), "{history}");
    let mut expected = vec!["v1 leaves, calls v1".to_owned()];
    for version in [2, 3, 4, 2, 1, 4] {
        expected.push(format!("v{version} arrives, calls v{version}"));
        expected.push(format!("v{version} leaves, calls v{version}"));
    }
    expected.push("v2 arrives, calls v2".to_owned());
    stand.said(&expected.iter().map(String::as_str).collect::<Vec<_>>());
    host.finish();
}

#[test]
fn what_cannot_be_activated_is_refused_and_changes_nothing() {
    let stand = Stand::new();
    let mut host = stand.program().start();
    three_generations(&stand, &mut host);
    let unknown = host.ask(&["activate", "17"]);
    assert!(unknown.contains("refused step=stage item={generation 17}"), "{unknown}");
    assert!(unknown.contains("choose one of 0, 1, 2, 3"), "{unknown}");

    stand.put("veto");
    for words in [&["rollback"][..], &["activate", "1"], &["activate", "0"]] {
        let vetoed = host.ask(words);
        assert!(vetoed.contains("refused step=self-check"), "{vetoed}");
        assert!(vetoed.contains("was asked not to come"), "{vetoed}");
        host.runs(4);
        assert_eq!(host.ask(&["generation"]), "3");
    }
    stand.take_away("veto");
    assert!(host.ask(&["history"]).contains("3 standalone current"));

    // Somebody removed the files, as `cargo clean` does.
    for directory in stand.bench.stage_directories() {
        fs::remove_dir_all(directory).unwrap();
    }
    let gone = host.ask(&["activate", "1"]);
    assert!(gone.contains("refused step=stage"), "{gone}");
    host.runs(4);
    stand.swap(&mut host, &later("5"), 4);
    assert!(host.ask(&["activate", "0"]).starts_with("swapped generation=0"));
    host.runs(1);
    host.finish();
}

#[test]
fn what_was_rolled_back_is_left_alone_until_other_code_came() {
    let stand = Stand::new();
    let mut host = stand.program().start();
    stand.swap(&mut host, &later("2"), 1);
    stand.swap(&mut host, &later("3"), 2);
    host.ask(&["rollback"]);
    host.swapped(3);
    host.runs(2);
    write_again(&stand.bench);
    let told =
        host.event(&["refused step=stage", "the code of generation 2, which was taken back"]);
    assert!(told.contains("the program rolled it back"), "{told}");
    host.runs(2);
    // Newly saved code is taken, and after that the old one again.
    stand.swap(&mut host, &later("4"), 4);
    stand.swap(&mut host, &later("3"), 5);
    host.runs(3);

    // Whoever asks for it gets it at once.
    host.ask(&["rollback"]);
    host.runs(4);
    assert!(host.ask(&["reload-now"]).starts_with("swapped generation=7"));
    host.runs(3);
    host.finish();
}

#[test]
fn only_so_many_stages_are_kept_and_none_after_the_end() {
    let stand = Stand::new();
    let mut host = stand.program().arg("--history", "2").start();
    three_generations(&stand, &mut host);
    host.unloaded(1);
    host.unloaded(2);
    assert_eq!(
        host.ask(&["history"]),
        "0 linked retired; 2 standalone unloaded; 3 standalone current"
    );
    assert_eq!(stage_files(&stand.bench), 2);
    assert!(host.ask(&["activate", "1"]).contains("choose one of 0, 2, 3"));
    assert!(host.ask(&["activate", "2"]).starts_with("swapped generation=4"));
    host.unloaded(3);
    assert_eq!(
        host.ask(&["history"]),
        "0 linked retired; 3 standalone unloaded; 4 of 2 standalone current"
    );
    // Two that are kept, and the copy that is loaded.
    assert_eq!(stage_files(&stand.bench), 3);
    host.finish();
}

fn watched(stand: &Stand, milliseconds: &str) -> Host {
    stand.program().arg("--rollback-on-panic", milliseconds).start()
}

#[track_caller]
fn panics(host: &mut Host, words: &[&str]) -> String {
    host.try_ask(&[&["call"], words].concat()).unwrap_err()
}

#[track_caller]
fn place(version: &Version) -> String {
    format!("src/panics.rs:{}:", version.line_of("panics.rs", "v{VERSION} does not like {x}\");"))
}

#[test]
fn a_generation_that_panics_is_withdrawn_and_the_panic_is_in_the_event() {
    let stand = Stand::new();
    let mut host = watched(&stand, "600000");
    stand.swap(&mut host, &later("2"), 1);
    let bad = later("3");
    stand.swap(&mut host, &bad, 2);
    assert_eq!(panics(&mut host, &["formatted", "5"]), "panicked formatted: v3 does not like 5");
    let told = host.swapped(3);
    let words = "generation 2 withdrawn for generation 1: `hot_fixture::panics::formatted` panicked: v3 does not like 5, at ";
    assert!(told.contains(&format!("cause={{{words}{}", place(&bad))), "{told}");
    host.runs(2);
    let history = host.ask(&["history"]);
    assert!(
        history.contains("; 2 standalone withdrawn (`hot_fixture::panics::formatted` panicked"),
        "{history}"
    );
    assert!(history.ends_with("3 of 1 standalone current"), "{history}");
    host.unloaded(2);

    write_again(&stand.bench);
    host.event(&["refused step=stage", "v3 does not like 5"]);
    host.runs(2);
    stand.swap(&mut host, &later("4"), 4);
    host.runs(4);
    assert_eq!(host.events(&["withdrawn"]), 1);
    host.finish();
}

#[test]
fn a_panic_of_nested_calls_names_the_innermost_function() {
    let stand = Stand::new();
    let mut host = watched(&stand, "600000");
    stand.swap(&mut host, &later("2"), 1);
    assert!(panics(&mut host, &["outer", "7"]).contains("inner of v2 does not like 7"));
    let told = host.swapped(0);
    assert!(
        told.contains(
            "generation 1 withdrawn for generation 0: `hot_fixture::panics::inner` panicked"
        ),
        "{told}"
    );
    host.runs(1);
    host.finish();
}

#[test]
fn what_cannot_take_over_is_passed_by_until_the_programs_own_code() {
    let stand = Stand::new();
    let mut host = watched(&stand, "600000");
    let reluctant = later("2").with(
        "#[hot(self_check)]\nfn once() -> Result<(), String> {\n    if is_there(\"no_more\") { Err(\"once was enough\".to_owned()) } else { Ok(()) }\n}",
    );
    stand.swap(&mut host, &reluctant, 1);
    stand.swap(&mut host, &later("3"), 2);
    stand.put("no_more");
    assert!(panics(&mut host, &["literal"]).contains("a literal message"));
    let told = host.swapped(0);
    assert!(told.contains("generation 2 withdrawn for generation 0"), "{told}");
    assert_eq!(host.events(&["once was enough"]), 0, "one event for all of it");
    host.runs(1);
    host.finish();
}

#[test]
fn panics_of_others_and_later_ones_withdraw_nothing() {
    let stand = Stand::new();
    // Everything is later than no time at all.
    let mut host = watched(&stand, "0");
    stand.swap(&mut host, &later("2"), 1);
    panics(&mut host, &["formatted", "5"]);
    // What was told before the question is judged before it is answered.
    host.ask(&["status"]);
    assert_eq!(host.ask(&["generation"]), "1");
    host.finish();

    let stand = Stand::new();
    let mut host = watched(&stand, "600000");
    panics(&mut host, &["formatted", "5"]);
    host.ask(&["status"]);
    host.runs(1);
    stand.swap(&mut host, &later("2"), 1);
    host.ask(&["worker", "old"]);
    host.ask(&["on", "old", "pin"]);
    stand.swap(&mut host, &later("3"), 2);
    let old = host.try_ask(&["on", "old", "call", "formatted", "5"]).unwrap_err();
    assert!(old.contains("v2 does not like 5"), "{old}");
    host.ask(&["status"]);
    host.runs(3);
    assert_eq!(host.events(&["withdrawn"]), 0);
    host.ask(&["on", "old", "unpin"]);
    host.finish();
}

#[test]
fn without_the_setting_a_panic_changes_nothing() {
    let stand = Stand::new();
    let mut host = stand.program().start();
    stand.swap(&mut host, &later("2"), 1);
    panics(&mut host, &["formatted", "5"]);
    host.ask(&["status"]);
    host.runs(2);
    host.finish();
}
