//! Swapping: the newest code is what is called, wherever the call comes from.

use crate::harness::{Workbench, swap, v1, v2, v3};

#[test]
fn versions_follow_each_other_and_go_back() {
    let bench = Workbench::new();
    let mut host = bench.start();
    host.runs(1);
    assert_eq!(host.ask(&["generation"]), "0");
    for (generation, (number, version)) in (1..).zip([(2, v2()), (3, v3()), (1, v1()), (2, v2())]) {
        swap(&bench, &mut host, &version, generation);
        host.runs(number);
        assert_eq!(host.ask(&["generation"]), generation.to_string());
    }
    host.finish();
}

#[test]
fn a_new_function_is_called_by_other_hot_code() {
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(host.call(&["entry", "5"]), "v1 105 10");
    let version = v2()
        .with("#[hot]\npub fn brand_new(text: &str) -> usize {\n    text.len()\n}")
        .edit("lib.rs", "    // more\n", "    text += &format!(\" new {}\", brand_new(&text));\n");
    let swapped = swap(&bench, &mut host, &version, 1);
    assert!(swapped.contains(r#"added=["hot_fixture::brand_new"]"#), "{swapped}");
    assert_eq!(host.call(&["entry", "5"]), "v2 105 10 new 9");

    // A later version of the new function is taken like that of any other.
    let later = version.edit("lib.rs", "    text.len()\n", "    text.len() * 1000\n");
    swap(&bench, &mut host, &later, 2);
    assert_eq!(host.call(&["entry", "5"]), "v2 105 10 new 9000");
    // And its removal too, since nothing outside the hot crate knows of it.
    swap(&bench, &mut host, &v3(), 3);
    assert_eq!(host.call(&["entry", "5"]), "v3 105 10");
    host.finish();
}

#[test]
fn a_function_in_a_second_file_changes_alone() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let version = v1().edit("numbers.rs", "x * 2", "x * 20");
    swap(&bench, &mut host, &version, 1);
    assert_eq!(host.call(&["doubled", "4"]), "80");
    assert_eq!(host.call(&["entry", "4"]), "v1 104 80", "as seen from the first file");
    host.runs(1);
    host.finish();
}

#[test]
fn a_private_function_can_go_and_change_its_signature() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let changed = v2()
        .edit(
            "lib.rs",
            "private_part(x: i64) -> i64 {\n    x + 100",
            "private_part(x: i64, y: i64) -> i64 {\n    x * y",
        )
        .edit("lib.rs", "private_part(x))", "private_part(x, 3))");
    swap(&bench, &mut host, &changed, 1);
    assert_eq!(host.call(&["entry", "5"]), "v2 15 10");

    let removed = v3()
        .edit("lib.rs", "#[hot]\nfn private_part(x: i64) -> i64 {\n    x + 100\n}\n", "")
        .edit("lib.rs", "private_part(x))", "x - 1)");
    swap(&bench, &mut host, &removed, 2);
    assert_eq!(host.call(&["entry", "5"]), "v3 4 10");

    swap(&bench, &mut host, &v1(), 3);
    assert_eq!(host.call(&["entry", "5"]), "v1 105 10", "the first signature is back");
    host.finish();
}

#[test]
fn a_main_loop_in_hot_code_sees_its_inner_function_change() {
    let bench = Workbench::new();
    let mut host = bench.start();
    host.begin_call("looper", &["main_loop", "loop"]);
    host.ask(&["signal", "loop", "wait-saw", "1"]);
    for (number, version) in [(2, v2()), (3, v3())] {
        swap(&bench, &mut host, &version, number - 1);
        host.ask(&["signal", "loop", "wait-saw", &number.to_string()]);
    }
    host.ask(&["signal", "loop", "open"]);
    assert_eq!(host.ask(&["answer", "looper"]), "1", "the loop itself is the one that was entered");
    assert_eq!(host.ask(&["signal", "loop", "versions"]), "[1, 2, 3]");
    host.finish();
}

#[test]
fn a_main_loop_of_an_old_generation_keeps_it_until_it_ends() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--report-after", "50").start();
    swap(&bench, &mut host, &v2(), 1);
    host.begin_call("looper", &["main_loop", "loop"]);
    host.ask(&["signal", "loop", "wait-saw", "2"]);
    swap(&bench, &mut host, &v3(), 2);
    host.ask(&["signal", "loop", "wait-saw", "3"]);
    host.event(&["draining generation=1", "main_loop` on thread `looper`"]);
    assert_eq!(host.events(&["retired"]), 0);
    host.ask(&["signal", "loop", "open"]);
    assert_eq!(host.ask(&["answer", "looper"]), "2");
    host.unloaded(1);
    host.finish();
}

#[test]
fn recursion_stays_right_in_every_version() {
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(host.call(&["fibonacci", "15"]), "610");
    // Every call in the tree goes through the table, so each adds its own.
    let version = v2().edit("numbers.rs", "u64::from(n) }", "u64::from(n) + 1 }");
    swap(&bench, &mut host, &version, 1);
    assert_eq!(host.call(&["fibonacci", "15"]), (610 + 987).to_string());
    host.finish();
}

/// More generations in one thread's calls than its record has room for.
#[test]
fn one_call_chain_runs_through_twelve_generations() {
    const DEPTH: u32 = 12;
    let bench = Workbench::new();
    let mut host = bench.start();
    host.begin_call("diver", &["dive", "deep", &DEPTH.to_string()]);
    for level in 1..DEPTH {
        host.ask(&["signal", "deep", "wait-entered", &level.to_string()]);
        let version = if level % 2 == 1 { v2() } else { v3() };
        swap(&bench, &mut host, &version, level.into());
        host.ask(&["signal", "deep", "raise", &level.to_string()]);
    }
    host.ask(&["signal", "deep", "wait-entered", &DEPTH.to_string()]);
    assert_eq!(host.events(&["retired"]), 0, "every generation but the first and the last is held");
    assert_eq!(host.ask(&["images"]), (DEPTH - 1).to_string());
    host.ask(&["signal", "deep", "raise", &DEPTH.to_string()]);
    assert_eq!(host.ask(&["answer", "diver"]), "[2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 1]");
    for generation in 1..u64::from(DEPTH) - 1 {
        host.unloaded(generation);
    }
    assert_eq!(host.ask(&["images"]), "1");
    host.finish();
}
