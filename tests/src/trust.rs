//! Whose artifacts are taken; and that no code of one that is refused runs, its initializers included.

mod authentic;
mod owned;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::harness::{Host, Program, Version, Workbench, v2};

/// An initializer that leaves a mark: a file whose name the environment says.
const INITIALIZER: &str = "\
extern \"C\" fn leaves_a_mark() {
    if let Some(path) = std::env::var_os(\"HOT_FIXTURE_MARK\") {
        std::fs::write(path, \"an initializer ran\").unwrap();
    }
}

#[used]
#[unsafe(link_section = \".init_array\")]
static INITIALIZER: extern \"C\" fn() = leaves_a_mark;";

/// A version with an initializer.
fn marking() -> Version {
    v2().with(INITIALIZER)
}

/// The file that is there once an initializer has run.
fn mark(bench: &Workbench) -> PathBuf {
    bench.root().join("mark")
}

fn program(bench: &Workbench) -> Program {
    bench.program().env("HOT_FIXTURE_MARK", mark(bench))
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

/// Writes `bytes` aside and renames them over `to`.
fn put(bytes: &[u8], to: &Path) {
    let aside = to.with_extension("part");
    fs::write(&aside, bytes).unwrap();
    fs::rename(aside, to).unwrap();
}

/// Asserts that what is there now is refused with these words, that none of its code runs, and that the program goes on.
#[track_caller]
fn refused(bench: &Workbench, host: &mut Host, step: &str, parts: &[&str]) {
    let line = host.event(&[&format!("refused step={step} ")]);
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!mark(bench).exists(), "code of a refused artifact ran: {line}");
    host.runs(1);
    assert_eq!((host.ask(&["generation"]), host.ask(&["images"])), ("0".into(), "0".into()));
}

/// Asserts that the same artifact is taken now, and that its initializer runs then: a test that found no mark before
/// can fail.
#[track_caller]
fn taken(bench: &Workbench, host: &mut Host) -> String {
    let line = host.swapped(1);
    assert!(mark(bench).exists(), "the initializer of what is loaded runs");
    host.runs(2);
    line
}

#[test]
fn no_code_runs_of_what_does_not_fit_by_its_manifest_or_its_imports() {
    let bench = Workbench::new();
    let mut host = program(&bench).start();
    let text = b"\nrustc=rustc 1.";
    let mut other = fs::read(marking().artifact()).unwrap();
    let at = other.windows(text.len()).position(|window| window == text).unwrap();
    other[at + text.len() - 2] = b'9';
    put(&other, &bench.artifact());
    refused(&bench, &mut host, "verify", &["item={compiler}"]);

    // Says that it takes everything from the program, and needs what the program does not have.
    let needy =
        marking().with("unsafe extern \"C\" {\n    safe fn nobody_has_this() -> u32;\n}").edit(
            "lib.rs",
            "version() -> u32 {\n    VERSION",
            "version() -> u32 {\n    nobody_has_this()",
        );
    let mut shared = fs::read(needy.artifact()).unwrap();
    let [from, to] = [b"\nkind=standalone\n", b"\nkind=shared    \n"];
    let at = shared.windows(from.len()).position(|window| window == from).unwrap();
    shared[at..at + to.len()].copy_from_slice(to);
    put(&shared, &bench.artifact());
    refused(&bench, &mut host, "verify", &["item={`nobody_has_this`", "exported by the program"]);

    bench.install(&marking());
    taken(&bench, &mut host);
    host.finish();
}
