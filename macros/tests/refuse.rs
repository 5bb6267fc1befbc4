//! What `#[hot]` refuses: the words, the place they point to, and that each has a passing twin.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_refusal_says_what_to_do_instead() {
    trybuild::TestCases::new().compile_fail("tests/refuse/*.rs");
}

#[test]
fn every_refusal_has_a_passing_twin() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(tests.join(folder)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".rs") && name != "main.rs")
            .collect()
    };
    assert_eq!(names("refuse"), names("accept"));
    let main = std::fs::read_to_string(tests.join("accept/main.rs")).unwrap();
    for name in names("accept") {
        let module = format!("mod {};", name.trim_end_matches(".rs"));
        assert!(main.contains(&module), "tests/accept/main.rs has no `{module}`");
    }
}
