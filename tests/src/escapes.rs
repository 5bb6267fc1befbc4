//! What a program keeps of hot code's: looked for before the code is unloaded, found, and told.

use crate::harness::{Host, Workbench, swap, v2, v3};

/// Has the program keep something of generation 1, and swaps in generation 2.
fn keep(bench: &Workbench, host: &mut Host, what: &str) {
    swap(bench, host, &v2(), 1);
    assert_eq!(host.ask(&["keep", what]), "kept");
    swap(bench, host, &v3(), 2);
}

/// The generation stays with its reason, and what is kept can be used.
fn is_found(what: &str, uses: &str, words: &[&str]) {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--scan", "true").start();
    keep(&bench, &mut host, what);
    let retained =
        host.event(&["retired generation=1 retained", "it can still be reached: a pointer to"]);
    for word in words {
        assert!(retained.contains(word), "no {word} in {retained}");
    }
    let status = host.ask(&["status"]);
    assert!(status.contains("1 standalone retained (it can still be reached: "), "{status}");
    assert!(read(&mut host) > 0);
    // Another swap has it looked at again.
    swap(&bench, &mut host, &v2(), 3);
    assert_eq!(host.ask(&["keep", "use", what]), uses);
    host.runs(2);
    host.finish();
}

/// How many bytes the last search read, as the status says.
fn read(host: &mut Host) -> u64 {
    let searched = host.ask(&["searched"]);
    let bytes = searched.split_once("bytes: ").and_then(|(_, rest)| rest.split(',').next());
    bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or_else(|| panic!("no search in {searched}"))
}

#[test]
fn a_function_that_is_kept_keeps_its_code() {
    let words =
        ["to `hot_fixture::escapes::answer` in the variable `", "host::kept::FUNCTION` of `host`"];
    is_found("function", "2", &words);
}

#[test]
fn a_closure_that_is_kept_keeps_its_code() {
    let words =
        ["to the table of a trait's functions with `", "closure", "host::kept::CLOSURE` of `host`"];
    is_found("closure", "2", &words);
}

#[test]
fn without_the_search_nothing_is_found() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--scan", "false").start();
    keep(&bench, &mut host, "function");
    host.unloaded(1);
    assert_eq!(host.events(&["retained"]), 0);
    assert_eq!(host.ask(&["searched"]), "None");
    host.finish();
}
