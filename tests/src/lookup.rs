//! Functions and values by name: found with their type, used over swaps, and each refusal word by word.

use crate::harness::{Host, Workbench, swap, v1, v2, v3};

#[track_caller]
fn find(host: &mut Host, handle: &str, ty: &str, path: &str) {
    host.ask(&["find", handle, "-", ty, &format!("hot_fixture::{path}")]);
}

#[track_caller]
fn not_found(host: &mut Host, ty: &str, path: &str, words: &str) {
    let path = format!("hot_fixture::{path}");
    let error = host.try_ask(&["find", "none", "-", ty, &path]).unwrap_err();
    assert_eq!(error, words);
}

#[test]
fn what_is_found_goes_to_the_newest_generation() {
    let bench = Workbench::new();
    let mut host = bench.start();
    find(&mut host, "add", "fn(i64, i64) -> i64", "add");
    find(&mut host, "version", "fn() -> u32", "version");
    find(&mut host, "tick", "fn(&mut World, u64) -> usize", "shapes::tick");
    find(&mut host, "raw", "unsafe fn(*const u32, usize) -> u64", "shapes::raw_sum");
    find(&mut host, "tuning", "value Tuning", "values::TUNING");
    assert_eq!(host.ask(&["use", "add", "3", "4"]), "7");
    let first = host.ask(&["use", "tick", "5"]);
    assert!(first.starts_with("1 5 "), "{first}");
    assert_eq!(host.ask(&["use", "raw"]), "12");
    for (generation, (number, version)) in (1..).zip([(2, v2()), (3, v3()), (1, v1())]) {
        swap(&bench, &mut host, &version, generation);
        assert_eq!(host.ask(&["use", "version"]), number.to_string());
        let tuning = format!("Tuning {{ speed: {number}00, lives: 3 }}");
        assert_eq!(host.ask(&["use", "tuning"]), tuning);
    }
    let second = host.ask(&["use", "tick", "6"]);
    assert!(second.starts_with("2 11 "), "the world is the program's: {second}");
    host.unloaded(2);
    host.finish();
}

#[test]
fn what_the_program_never_linked_is_found_where_it_is_and_told_when_it_is_gone() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let new = "#[hot]\npub fn tripled(x: u32) -> u32 {\n    x * 3 * VERSION\n}\n\
               #[hot]\npub fn first(text: &str) -> &str {\n    text.split(' ').next().unwrap_or_default()\n}\n\
               #[hot]\npub static LIMIT: u32 = 40 + VERSION;";
    not_found(
        &mut host,
        "fn(u32) -> u32",
        "tripled",
        "lookup: the current generation has no hot function `hot_fixture::tripled`; see `cargo liveswap inspect` for \
         those that it has",
    );
    swap(&bench, &mut host, &v2().with(new), 1);
    find(&mut host, "tripled", "fn(u32) -> u32", "tripled");
    find(&mut host, "first", "fn(&str) -> &str", "first");
    find(&mut host, "limit", "value u32", "LIMIT");
    assert_eq!(host.ask(&["use", "tripled", "5"]), "30");
    assert_eq!(host.ask(&["use", "first", "one two"]), "\"one\"");
    assert_eq!(host.ask(&["use", "limit"]), "42");
    swap(&bench, &mut host, &v3(), 2);
    assert_eq!(
        host.try_ask(&["use", "tripled", "5"]).unwrap_err(),
        "the current generation has no hot function `hot_fixture::tripled` any more; put it back, or look up what replaced \
         it"
    );
    assert_eq!(
        host.try_ask(&["use", "limit"]).unwrap_err(),
        "the current generation has no hot value `hot_fixture::LIMIT` any more; put it back, or look up what replaced it"
    );
    swap(&bench, &mut host, &v3().with(new), 3);
    assert_eq!(
        (host.ask(&["use", "tripled", "5"]), host.ask(&["use", "limit"])),
        ("45".into(), "43".into())
    );
    host.finish();
}

#[test]
fn every_reason_why_nothing_is_found_has_its_words() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let host = &mut host;
    not_found(
        host,
        "fn(i64, i64) -> i64",
        "numbers::add",
        "lookup: the current generation has no hot function `hot_fixture::numbers::add`; did you mean `hot_fixture::add`?",
    );
    not_found(
        host,
        "fn() -> u32",
        "versoin",
        "lookup: the current generation has no hot function `hot_fixture::versoin`; did you mean `hot_fixture::version`?",
    );
    not_found(
        host,
        "fn(i64, i64) -> i64",
        "private_part",
        "lookup: the hot function `hot_fixture::private_part` is private; make it `pub`",
    );
    not_found(
        host,
        "value u32",
        "version",
        "lookup: `hot_fixture::version` is a hot function, not a value; ask for a function",
    );
    not_found(
        host,
        "fn() -> u32",
        "values::TUNING",
        "lookup: `hot_fixture::values::TUNING` is a hot value, not a function; ask for a value",
    );
    not_found(
        host,
        "value u32",
        "values::TUNING",
        "lookup: value `hot_fixture::values::TUNING`: `u32` (size 4, align 4) -> \
         `Tuning` (size 8, align 4); ask for the type that it has",
    );
    not_found(
        host,
        "fn(i64, u8)",
        "add",
        "lookup: function `hot_fixture::add`, argument 1 (b): `u8` (size 1, align 1) -> `i64` (size 8, \
         align 8); ask for the type that it has; function `hot_fixture::add`, result: `()` (size 0, align 1) -> \
         `i64` (size 8, align 8); ask for the type that it has",
    );
    not_found(
        host,
        "fn(u32) -> u32",
        "add",
        "lookup: function `hot_fixture::add`: `fn(u32) -> u32` -> `fn(i64, i64) -> i64`; ask for the type \
         that it has",
    );
    not_found(
        host,
        "fn(*const u32, usize) -> u64",
        "shapes::raw_sum",
        "lookup: function `hot_fixture::shapes::raw_sum`: `fn(*const u32, usize) -> u64` -> \
         `unsafe fn(*const u32, usize) -> u64`; ask for the type that it has",
    );
    not_found(
        host,
        "fn(&'static str, &'static str) -> &'static str",
        "shapes::longest",
        "lookup: function `hot_fixture::shapes::longest`: `fn(&str, &str) -> &str` -> `fn(&'_ str, &'_ str) -> \
         &'_ str`; ask for the type that it has",
    );
}

#[test]
fn what_is_used_by_name_keeps_its_type_as_long_as_it_is() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let measured = |of: &str| {
        let text = format!("#[hot]\npub fn measured(text: {of}) -> usize {{\n    text.len()\n}}");
        v2().with(&text)
    };
    swap(&bench, &mut host, &measured("&str"), 1);
    find(&mut host, "measured", "fn(&str) -> usize", "measured");
    assert_eq!(host.ask(&["use", "measured", "seven.."]), "7");
    for (of, part) in [
        (
            "String",
            "item={function `hot_fixture::measured`, argument 0 (text)} expected={`&str` (size 16, align 8)} \
             found={`String` (size 24, align 8)} remedy={change it back, or drop what was looked up by this name}",
        ),
        // A text that is lent for the call may not be kept.
        (
            "&'static str",
            "item={function `hot_fixture::measured`} expected={`fn(&'_ str) -> usize`} found={`fn(&str) -> usize`} \
             remedy={change it back, or drop what was looked up by this name}",
        ),
    ] {
        bench.install(&measured(of));
        let line = host.event(&["refused step=check"]);
        assert!(line.contains(part), "{part} in {line}");
        assert_eq!(host.ask(&["use", "measured", "seven.."]), "7");
    }
    host.ask(&["forget", "measured"]);
    swap(&bench, &mut host, &measured("&'static str"), 2);
    not_found(
        &mut host,
        "fn(&str) -> usize",
        "measured",
        "lookup: function `hot_fixture::measured`: `fn(&'_ str) -> usize` -> `fn(&str) -> usize`; ask for the \
         type that it has",
    );
    host.finish();
}

#[test]
fn a_linked_function_that_becomes_unsafe_or_keeps_what_it_is_lent_is_refused() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let version = v2().edit("shapes.rs", "pub fn boxed(", "pub unsafe fn boxed(");
    bench.install(&version);
    let line = host.event(&["refused step=check"]);
    let part = "item={function `hot_fixture::shapes::boxed`} expected={`fn(u64) -> core::option::Option<alloc::boxed::Box<u64>>`} \
                found={`unsafe fn(u64) -> core::option::Option<alloc::boxed::Box<u64>>`} remedy={change it back, \
                or restart the program to take the new signature}";
    assert!(line.contains(part), "{line}");
    host.runs(1);
    host.finish();
}

#[test]
fn after_the_runtime_ended_handles_still_work_and_the_next_one_goes_on() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    find(&mut host, "version", "fn() -> u32", "version");
    host.ask(&["shutdown"]);
    assert_eq!(host.ask(&["use", "version"]), "2");
    host.ask(&["start"]);
    assert_eq!(host.ask(&["use", "version"]), "2");
    swap(&bench, &mut host, &v3(), 2);
    assert_eq!(host.ask(&["use", "version"]), "3");
    host.finish();
}
