//! Refusals: the step, the item, both values and the remedy are told; nothing changes; the next good artifact is taken.

mod code;
mod files;

use std::fs;
use std::path::Path;

use crate::harness::{Kept, Program, Version, Workbench, swap, v2, v3};

/// What a refusal must say, word by word; where a text ends with `..`, how it begins.
///
/// `ARTIFACT` stands for the artifact's path.
pub(crate) struct Expected<'a> {
    pub(crate) step: &'a str,
    pub(crate) item: &'a str,
    pub(crate) expected: &'a str,
    pub(crate) found: &'a str,
    pub(crate) remedy: &'a str,
}

impl Expected<'_> {
    #[track_caller]
    pub(crate) fn check(&self, line: &str, artifact: &Path) {
        let Expected { step, item, expected, found, remedy } = self;
        assert!(line.starts_with(&format!("refused step={step} ")), "step {step} in {line}");
        let item = item.replace("ARTIFACT", artifact.to_str().unwrap());
        for (name, value) in
            [("item", item.as_str()), ("expected", expected), ("found", found), ("remedy", remedy)]
        {
            let part = match value.strip_suffix("..") {
                Some(beginning) => format!(" {name}={{{beginning}"),
                None => format!(" {name}={{{value}}}"),
            };
            assert!(line.contains(&part), "{part} in {line}");
        }
    }
}

/// Starts a program, swaps in its first generation, has `put` put something bad in the artifact's place, and asserts
/// that it is refused as expected, that the program goes on, and that a good artifact is taken afterwards.
#[track_caller]
pub(crate) fn refuses(expected: &Expected<'_>, put: impl FnOnce(&Path)) {
    refuses_with(|program| program, expected, put);
}

#[track_caller]
pub(crate) fn refuses_with(
    set: impl FnOnce(Program) -> Program,
    expected: &Expected<'_>,
    put: impl FnOnce(&Path),
) {
    let bench = Workbench::new();
    let mut host = set(bench.program()).start();
    swap(&bench, &mut host, &v2(), 1);
    let states = Kept::made_by(&mut host);
    put(&bench.artifact());
    let line = host.event(&["refused "]);
    expected.check(&line, &bench.artifact());
    host.runs(2);
    assert_eq!(host.ask(&["generation"]), "1");
    assert_eq!(host.ask(&["images"]), "1", "what was refused does not stay loaded");
    let again = host.ask(&["reload-now"]);
    assert!(again.starts_with("refused "), "{again}");
    states.assert_untouched(&mut host, expected.item);

    if bench.artifact().is_dir() {
        fs::remove_dir(bench.artifact()).unwrap();
    }
    swap(&bench, &mut host, &v3(), 2);
    host.runs(3);
    host.unloaded(1);
    let status = host.ask(&["status"]);
    assert!(status.contains("swapped: 2, unchanged: 0, refused: 2"), "{status}");
    host.finish();
}

/// Asserts that the compiled version is refused as expected.
#[track_caller]
fn refuses_version(version: &Version, expected: &Expected<'_>) {
    let artifact = version.artifact();
    refuses(expected, |to| crate::harness::rename_over(&artifact, to));
}

/// Puts a file with these bytes in the artifact's place.
pub(crate) fn bytes(bytes: &[u8]) -> impl FnOnce(&Path) {
    move |to| {
        let aside = to.with_extension("part");
        fs::write(&aside, bytes).unwrap();
        fs::rename(aside, to).unwrap();
    }
}
