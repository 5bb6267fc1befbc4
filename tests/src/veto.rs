//! A new generation that objects to itself is not swapped in, and changes nothing.

use liveswap_testkit::process::wait_until;

use crate::harness::{Host, Version};
use crate::hooks::{Stand, later};

/// Installs a version that is refused by its own self-checks, and asserts that nothing else happened.
#[track_caller]
fn refused(stand: &Stand, host: &mut Host, version: &Version, parts: &[&str]) -> String {
    stand.bench.install(version);
    let before = (host.ask(&["generation"]), host.events(&["swapped"]));
    let refused = host.event(&[&["refused step=self-check"], parts].concat());
    assert_eq!((host.ask(&["generation"]), host.events(&["swapped"])), before, "{refused}");
    refused
}

#[test]
fn an_objection_refuses_and_names_the_function_its_words_and_a_remedy() {
    let stand = Stand::new();
    let mut host = stand.program().start();
    let objecting = later("2").with(
        "#[hot(self_check)]\nfn fast_enough() -> Result<(), String> {\n    Err(format!(\"v{} is too slow\", version()))\n}",
    );
    let told = refused(&stand, &mut host, &objecting, &["{self-check `hot_fixture::fast_enough`}"]);
    // Its call of a hot function went to its own code, though generation 0 is current.
    assert!(told.contains("expected={`Ok(())`} found={v2 is too slow}"), "{told}");
    assert!(told.contains("remedy={make it good"), "{told}");
    host.runs(1);
    wait_until("what was refused is unloaded", || host.ask(&["images"]) == "0");
    assert!(stand.notes().is_empty(), "no hook of a refused generation runs: {:?}", stand.notes());

    stand.swap(&mut host, &later("3"), 1);
    host.runs(3);
    let told = refused(&stand, &mut host, &objecting, &["v2 is too slow"]);
    assert_eq!(told.matches("item={").count(), 1, "{told}");
    host.runs(3);
    host.finish();
}

#[test]
fn a_panic_refuses_with_message_and_place_and_all_objections_are_told() {
    let stand = Stand::new();
    let mut host = stand.program().start();
    let panicking = later("2").with(
        "#[hot(self_check)]\nfn a_first() -> Result<(), String> {\n    panic!(\"fell over v{VERSION}\");\n}\n\n#[hot(self_check)]\nfn b_second() -> Result<(), String> {\n    Err(\"me too\".to_owned())\n}",
    );
    let line = panicking.line_of("lib.rs", "fell over");
    let told = refused(&stand, &mut host, &panicking, &["{self-check `hot_fixture::a_first`}"]);
    assert!(told.contains(&format!("a panic: fell over v2, at src/lib.rs:{line}:")), "{told}");
    assert!(
        told.contains("{self-check `hot_fixture::b_second`}") && told.contains("{me too}"),
        "{told}"
    );
    host.runs(1);
    stand.swap(&mut host, &later("3"), 1);
    host.runs(3);
    host.finish();
}

#[test]
fn no_answer_refuses_at_the_deadline_and_the_code_stays_until_it_returns() {
    let stand = Stand::new();
    let mut host = stand.program().arg("--self-check-deadline", "300").start();
    // It hangs inside a hot function, which must not hold the generation that is current meanwhile.
    let hanging = later("2").with(
        "#[hot]\nfn hang() {\n    note(\"hangs\");\n    wait_for(\"go\");\n}\n\n#[hot(self_check)]\nfn a_hanging_one() -> Result<(), String> {\n    hang();\n    Ok(())\n}",
    );
    stand.swap(&mut host, &later("3"), 1);
    let told = refused(&stand, &mut host, &hanging, &["{self-check `hot_fixture::a_hanging_one`}"]);
    assert!(told.contains("{an answer within 300ms}"), "{told}");
    assert!(
        told.contains("no answer; it still runs, and its code stays loaded until it returns"),
        "{told}"
    );
    assert_eq!(told.matches("item={").count(), 1, "the checks after it were not begun: {told}");
    host.runs(3);
    assert_eq!(host.ask(&["images"]), "2");

    stand.swap(&mut host, &later("2"), 2);
    host.runs(2);
    host.unloaded(1);
    assert_eq!(host.ask(&["images"]), "2", "the refused one and the current one");
    stand.put("go");
    wait_until("the refused artifact is unloaded", || {
        host.ask(&["reload-now"]);
        host.ask(&["images"]) == "1"
    });
    host.runs(2);
    host.finish();
}

#[test]
fn a_program_can_end_while_a_self_check_hangs() {
    let stand = Stand::new();
    let mut host = stand.program().arg("--self-check-deadline", "50").start();
    let hanging = later("2").with(
        "#[hot(self_check)]\nfn a_hanging_one() -> Result<(), String> {\n    wait_for(\"go\");\n    Ok(())\n}",
    );
    refused(&stand, &mut host, &hanging, &["no answer"]);
    host.runs(1);
    host.finish();
}
