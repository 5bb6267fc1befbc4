//! Hot values: what is read is the newest generation's, and its type is checked like a signature.

use crate::harness::{Host, Version, Workbench, swap, v1, v2, v3};

const TUNING: &str = "hot_fixture::values::TUNING";

#[test]
fn a_value_changes_with_the_code() {
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(host.call(&["tuning"]), "Tuning { speed: 100, lives: 3 }");
    swap(&bench, &mut host, &v2(), 1);
    assert_eq!(host.call(&["tuning"]), "Tuning { speed: 200, lives: 3 }");
    let version = v3().edit("values.rs", "lives: 3", "lives: 9");
    swap(&bench, &mut host, &version, 2);
    assert_eq!(host.call(&["tuning"]), "Tuning { speed: 300, lives: 9 }");
    assert_eq!(host.ask(&["reload-now"]), "unchanged generation=2");
    host.unloaded(1);
    host.finish();
}

#[test]
fn hot_code_reads_the_newest_value_too_and_what_it_stored_starts_anew() {
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(host.call(&["seen"]), "100 1000 [1, 2]");
    assert_eq!(host.call(&["seen"]), "100 1001 [1, 2]");
    swap(&bench, &mut host, &v2(), 1);
    assert_eq!(host.call(&["seen"]), "200 2000 [2, 2]");
    host.finish();
}

#[test]
fn a_read_in_progress_keeps_its_generation() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--report-after", "50").start();
    swap(&bench, &mut host, &v2(), 1);
    host.begin_call("reader", &["held_value", "read"]);
    host.ask(&["signal", "read", "wait-entered", "1"]);
    swap(&bench, &mut host, &v3(), 2);
    host.event(&["draining generation=1", &format!("a read of `{TUNING}` on thread `reader`")]);
    assert_eq!(host.events(&["retired"]), 0);
    host.ask(&["signal", "read", "open"]);
    assert_eq!(host.ask(&["answer", "reader"]), "200 300", "the lent one, and the newest");
    host.unloaded(1);
    host.finish();
}

#[test]
fn a_pinned_thread_reads_the_pinned_value() {
    let bench = Workbench::new();
    let mut host = bench.start();
    assert_eq!(host.ask(&["pin"]), "0");
    swap(&bench, &mut host, &v2(), 1);
    assert_eq!(host.call(&["tuning"]), "Tuning { speed: 100, lives: 3 }");
    assert_eq!(host.ask(&["unpin"]), "unpinned");
    assert_eq!(host.call(&["tuning"]), "Tuning { speed: 200, lives: 3 }");
    host.finish();
}

#[track_caller]
fn refused(version: &Version, parts: &[&str]) {
    let bench = Workbench::new();
    let mut host: Host = bench.start();
    bench.install(version);
    let line = host.event(&["refused step=check"]);
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert_eq!(host.call(&["tuning"]), "Tuning { speed: 100, lives: 3 }");
    swap(&bench, &mut host, &v2(), 1);
    assert_eq!(host.call(&["tuning"]), "Tuning { speed: 200, lives: 3 }");
    host.finish();
}

#[test]
fn a_value_of_another_size_is_refused() {
    let version = v1().edit("values.rs", "pub speed: u32,", "pub speed: u64,").edit(
        "values.rs",
        "speed: crate::VERSION * 100,",
        "speed: 7,",
    );
    let remedy =
        format!("remedy={{change it back, or restart the program: `{TUNING}` reaches it}}");
    refused(
        &version,
        &[
            &format!("item={{Tuning.speed}} expected={{u32 at 0}} found={{u64 at 0}} {remedy}"),
            &format!(
                "item={{Tuning}} expected={{size 8, align 4}} found={{size 16, align 8}} {remedy}"
            ),
        ],
    );
}

#[test]
fn a_value_that_is_gone_is_refused() {
    let version = v1().edit("values.rs", "#[hot]\npub static COUNT", "pub static COUNT").edit(
        "values.rs",
        "COUNT.with(|count| count.fetch_add(1, Ordering::Relaxed))",
        "0",
    );
    refused(
        &version,
        &[
            "item={value `hot_fixture::values::COUNT`}",
            "expected={the hot value that the program reads}",
            "found={no hot value of that path}",
            "remedy={put it back, or restart the program}",
        ],
    );
}

#[test]
fn a_private_value_can_change_its_type_and_go() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let version = v2().edit(
        "values.rs",
        "static HIDDEN: &[u32] = &[crate::VERSION, 2];",
        "static HIDDEN: u8 = 9;",
    );
    swap(&bench, &mut host, &version, 1);
    assert_eq!(host.call(&["seen"]), "200 2000 9");
    let version = v3()
        .edit("values.rs", "#[hot]\nstatic HIDDEN: &[u32] = &[crate::VERSION, 2];", "")
        .edit("values.rs", "HIDDEN.get()", "0");
    swap(&bench, &mut host, &version, 2);
    assert_eq!(host.call(&["seen"]), "300 3000 0");
    host.finish();
}
