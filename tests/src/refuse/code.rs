//! Artifacts of the right crate whose code cannot replace what runs.

use super::{Expected, refuses_version};
use crate::harness::{Version, v3};

const CHANGE_BACK: &str = "change it back, or restart the program to take the new signature";

/// Asserts that a version is refused because a type that `function` reaches has another size.
#[track_caller]
fn resized(version: &Version, item: &str, sizes: [&str; 2], function: &str) {
    let [expected, found] = sizes;
    let remedy = format!("change it back, or restart the program: `{function}` reaches it");
    let expected = Expected { step: "check", item, expected, found, remedy: &remedy };
    refuses_version(version, &expected);
}

/// Asserts that a version is refused because of one changed signature.
#[track_caller]
fn changed(version: &Version, item: &str, expected: &str, found: &str) {
    let expected = Expected { step: "check", item, expected, found, remedy: CHANGE_BACK };
    refuses_version(version, &expected);
}

#[test]
fn another_type_of_argument() {
    changed(
        &v3().edit(
            "lib.rs",
            "add(a: i64, b: i64) -> i64 {\n    a + b",
            "add(a: i64, b: i32) -> i64 {\n    a + i64::from(b)",
        ),
        "function `hot_fixture::add`, argument 1 (b)",
        "`i64` (size 8, align 8)",
        "`i32` (size 4, align 4)",
    );
}

#[test]
fn another_number_of_arguments() {
    changed(
        &v3().edit(
            "lib.rs",
            "add(a: i64, b: i64) -> i64 {\n    a + b",
            "add(a: i64, b: i64, c: i64) -> i64 {\n    a + b + c",
        ),
        "function `hot_fixture::add`",
        "`fn add(a: i64, b: i64) -> i64`",
        "`fn add(a: i64, b: i64, c: i64) -> i64`",
    );
}

#[test]
fn another_result() {
    changed(
        &v3().edit("numbers.rs", "-> i64 {\n    x * 2", "-> i32 {\n    x as i32 * 2"),
        "function `hot_fixture::numbers::doubled`, result",
        "`i64` (size 8, align 8)",
        "`i32` (size 4, align 4)",
    );
}

#[test]
fn a_type_behind_a_reference_that_has_grown() {
    resized(
        &v3().edit("shapes.rs", "    // fields\n", "    pub more: u64,\n"),
        "World",
        ["size 32", "40"],
        "hot_fixture::shapes::tick",
    );
}

#[test]
fn a_type_in_an_option_behind_a_reference_that_has_shrunk() {
    resized(
        &v3().edit("shapes.rs", "    pub words: [u64; 32],", "    pub words: [u64; 16],"),
        "Big",
        ["size 288", "160"],
        "hot_fixture::shapes::transform",
    );
}

#[test]
fn every_difference_is_told_at_once() {
    let version = v3().edit("shapes.rs", "    // fields\n", "    pub more: u64,\n").edit(
        "numbers.rs",
        "-> i64 {\n    x * 2",
        "-> i32 {\n    x as i32 * 2",
    );
    resized(&version, "World", ["size 32", "40"], "hot_fixture::shapes::tick");
    changed(
        &version,
        "function `hot_fixture::numbers::doubled`, result",
        "`i64` (size 8, align 8)",
        "`i32` (size 4, align 4)",
    );
}

#[test]
fn a_public_function_that_is_gone() {
    let version =
        v3().edit("lib.rs", "#[hot]\npub fn add(a: i64, b: i64) -> i64 {\n    a + b\n}", "");
    let expected = Expected {
        step: "check",
        item: "function `hot_fixture::add`",
        expected: "the hot function that the program calls",
        found: "no hot function of that path",
        remedy: "put it back, or restart the program",
    };
    refuses_version(&version, &expected);
}

#[test]
fn a_public_function_that_is_not_hot_any_more() {
    let version = v3().edit("lib.rs", "#[hot]\npub fn add(", "pub fn add(");
    let expected = Expected {
        step: "check",
        item: "function `hot_fixture::add`",
        expected: "the hot function that the program calls",
        found: "no hot function of that path",
        remedy: "put it back, or restart the program",
    };
    refuses_version(&version, &expected);
}

#[test]
fn two_functions_of_one_path() {
    let version = v3().with(
        "pub fn one() {\n    #[hot]\n    fn twin() {}\n    twin();\n}\n\
         pub fn two() {\n    #[hot]\n    fn twin() {}\n    twin();\n}",
    );
    let expected = Expected {
        step: "check",
        item: "function `hot_fixture::twin`",
        expected: "one hot function of that path",
        found: "two",
        remedy: "hot functions inside functions or `impl` blocks share their module's path: rename one",
    };
    refuses_version(&version, &expected);
}

#[test]
fn the_same_text_compiled_as_another_crate() {
    let expected = Expected {
        step: "check",
        item: "crate identity (package, version, features, profile, crate types)",
        expected: "TypeId(..",
        found: "TypeId(..",
        remedy: "build host and artifact with one cargo command line: same profile, features, RUSTFLAGS and crate \
                 types; then restart the program",
    };
    refuses_version(&v3().named("hot_fixture", "fixture-with-other-features"), &expected);
}

#[test]
fn memory_of_another_allocator() {
    if std::env::var_os("ASAN_OPTIONS").is_some() {
        eprintln!(
            "not run: the sanitizer's allocator answers for both, so they cannot be told apart"
        );
        return;
    }
    let version = v3().with(
        "use std::alloc::{GlobalAlloc, Layout, System};\n\
         struct Shifted;\n\
         const BEFORE: usize = 64;\n\
         unsafe impl GlobalAlloc for Shifted {\n\
             unsafe fn alloc(&self, layout: Layout) -> *mut u8 {\n\
                 let size = layout.size() + BEFORE;\n\
                 let whole = Layout::from_size_align(size, layout.align().max(64)).unwrap();\n\
                 unsafe { System.alloc(whole).add(BEFORE) }\n\
             }\n\
             unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {\n\
                 let size = layout.size() + BEFORE;\n\
                 let whole = Layout::from_size_align(size, layout.align().max(64)).unwrap();\n\
                 unsafe { System.dealloc(at.sub(BEFORE), whole) }\n\
             }\n\
         }\n\
         #[global_allocator]\n\
         static ALLOCATOR: Shifted = Shifted;",
    );
    let expected = Expected {
        step: "check",
        item: "global allocator",
        expected: "the system's on both sides",
        found: "another one in the artifact",
        remedy: "leave `#[global_allocator]` out of development builds: values that cross are freed by the other side",
    };
    refuses_version(&version, &expected);
}

#[test]
fn a_symbol_that_nobody_has() {
    let version =
        v3().with("unsafe extern \"C\" {\n    safe fn nobody_has_this() -> u32;\n}").edit(
            "lib.rs",
            "version() -> u32 {\n    VERSION",
            "version() -> u32 {\n    nobody_has_this()",
        );
    let expected = Expected {
        step: "load",
        item: "..",
        expected: "a library that can be loaded",
        found: "..",
        remedy: "see the loader's words",
    };
    refuses_version(&version, &expected);
}
