//! Every way in which code that was unloaded too early has crashed a program, one row each: the program dies of it
//! without the protection, and survives it with it, for both kinds of artifact.
//!
//! A callsite of tracing needs the program's subscriber and is in `traces`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use liveswap_builder::{ArtifactKind, KindPolicy, Settings};
use tempfile::TempDir;

use crate::fixture::build;
use crate::live::program::{Program, Sources, Workspace};

const SIGSEGV: i32 = 11;

/// How a generation that something was left of is kept from being used after it is gone.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kept {
    /// It is counted, drains until the last use is over, and goes.
    Counted,
    /// The use is noticed in quarantine.
    Struck,
    /// Nothing has to: whoever it was left with is the program's own, or went with the artifact.
    Harmless,
    /// It cannot be left.
    Impossible,
}

struct Row {
    what: &'static str,
    shared: Kept,
    standalone: Kept,
}

const ROWS: &[Row] = &[
    row("thread-local", Kept::Counted, Kept::Counted),
    // A shared artifact's is the program's own standard library.
    row("current-thread", Kept::Harmless, Kept::Counted),
    row("function", Kept::Struck, Kept::Struck),
    row("value", Kept::Struck, Kept::Struck),
    row("dropped-value", Kept::Struck, Kept::Struck),
    row("future", Kept::Struck, Kept::Struck),
    // A standalone artifact has an executor of its own, which does not run: nothing can be left with the program's.
    row("task", Kept::Struck, Kept::Impossible),
    // A standalone artifact's hook is its own library's, and is taken back.
    row("panic-hook", Kept::Struck, Kept::Harmless),
];

const fn row(what: &'static str, shared: Kept, standalone: Kept) -> Row {
    Row { what, shared, standalone }
}

/// What of the protections is there. With all of them, a shared artifact of this crate is kept for what it imports (an executor
/// with variables, the function that sets a hook), whatever it did; so its rows are tried without that as well.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Protection {
    All,
    QuarantineOnly,
    None,
}

struct Built {
    kind: ArtifactKind,
    host: PathBuf,
    /// What says 2, and what says 3.
    versions: [PathBuf; 2],
    /// What runs is never relinked while it does.
    _directory: TempDir,
}

static BUILT: LazyLock<[Built; 2]> = LazyLock::new(|| {
    let one = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
    let sources = Sources {
        hot_name: "hot",
        host: one("main.rs", include_str!("host.rs")),
        hot: one("lib.rs", include_str!("hot.rs")),
        state: "",
        traces: true,
    };
    [ArtifactKind::Shared, ArtifactKind::Standalone].map(|kind| {
        let workspace = Workspace::with("escapes", &sources);
        let policy = match kind {
            ArtifactKind::Shared => Settings::default(),
            ArtifactKind::Standalone => {
                Settings { kind: KindPolicy::Standalone, ..Settings::default() }
            }
        };
        let (builder, host) = workspace.started(policy);
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live");
        let directory = tempfile::tempdir_in(place).expect("a directory");
        let executable = directory.path().join("host");
        // Not a copy: a test that starts a program meanwhile would hand on the open file, and it could not be run.
        fs::hard_link(&host.executable, &executable).expect("linked");
        let version = |number: u32| format!("const VERSION: u32 = {number};");
        let versions = [2, 3].map(|number| {
            workspace.edit(&version(number - 1), &version(number));
            let artifact = build(&builder).artifact;
            assert_eq!(artifact.kind, kind);
            let to = directory.path().join(format!("version-{number}.so"));
            fs::copy(&artifact.path, &to).expect("copied");
            to
        });
        Built { kind, host: executable, versions, _directory: directory }
    })
});

/// A program in which generation 1 left something behind and generation 2 is current.
fn left(built: &Built, what: &str, protection: Protection) -> (Program, TempDir) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let artifact = directory.path().join("hot.so");
    let (quarantine, judge) = match protection {
        Protection::All => ("600000", "judge"),
        Protection::QuarantineOnly => ("600000", "trust"),
        Protection::None => ("0", "trust"),
    };
    let mut command = Command::new(&built.host);
    command.arg(&artifact).arg(directory.path()).args([quarantine, judge]);
    let mut program = Program::run(command);
    for (version, number) in built.versions.iter().zip(2..) {
        let aside = directory.path().join("aside.so");
        fs::copy(version, &aside).expect("copied");
        fs::rename(&aside, &artifact).expect("renamed");
        assert_eq!(program.ask("reload"), (number - 1).to_string());
        assert_eq!(program.ask("version"), number.to_string());
        if number == 2 {
            assert_eq!(program.ask(&format!("leave {what}")), "left");
        }
    }
    (program, directory)
}

/// The program uses what was left, in code of its own version, and goes on.
fn survives(built: &Built, what: &str, kept: Kept, protection: Protection) {
    let (mut program, _directory) = left(built, what, protection);
    let judged = built.kind == ArtifactKind::Shared && protection == Protection::All;
    if judged {
        let outcome = program.ask("outcome");
        assert!(outcome.starts_with("retained: its code calls `"), "{what}: {outcome}");
    } else if kept == Kept::Counted {
        let held = program.ask("held");
        assert!(held.contains("on thread `keeper`"), "{what}: {held}");
    }
    let saw = program.ask(&format!("use {what}"));
    assert_eq!(saw, if what == "current-thread" { "0" } else { "2" }, "{what}");
    if kept != Kept::Counted && !judged {
        let outcome = program.ask("outcome");
        assert!(outcome.starts_with("retained: a stray call of `"), "{what}: {outcome}");
    }
    assert_eq!(program.ask("version"), "3");
    program.end();
}

/// The same with nobody to keep the code.
fn dies(built: &Built, what: &str, kept: Kept) {
    let (mut program, _directory) = left(built, what, Protection::None);
    if kept == Kept::Counted {
        program.ask("held");
        assert_eq!(program.ask("close-anyway"), "1 left", "{what}");
    } else {
        assert_eq!(program.ask("outcome"), "unloaded", "{what}");
    }
    assert_eq!(program.dies_of(&format!("use {what}")), Some(SIGSEGV), "{what}");
}

fn every_row(built: &Built, kept: impl Fn(&Row) -> Kept) {
    for row in ROWS {
        let kept = kept(row);
        match kept {
            Kept::Harmless => harmless(built, row.what),
            Kept::Impossible => {}
            Kept::Counted | Kept::Struck => reproduced_and_survived(built, row.what, kept),
        }
    }
}

fn reproduced_and_survived(built: &Built, what: &str, kept: Kept) {
    dies(built, what, kept);
    survives(built, what, kept, Protection::All);
    if built.kind == ArtifactKind::Shared {
        survives(built, what, kept, Protection::QuarantineOnly);
    }
}

/// Nobody keeps the code, and nobody needs it.
fn harmless(built: &Built, what: &str) {
    let (mut program, _directory) = left(built, what, Protection::None);
    assert_eq!(program.ask("outcome"), "unloaded", "{what}");
    assert_eq!(program.ask(&format!("use {what}")), "0", "{what}");
    assert_eq!(program.ask("version"), "3");
    program.end();
}

#[test]
fn what_escapes_from_a_shared_artifact_kills_the_program_only_without_protection() {
    every_row(&BUILT[0], |row| row.shared);
}

#[test]
fn what_escapes_from_a_standalone_artifact_kills_the_program_only_without_protection() {
    every_row(&BUILT[1], |row| row.standalone);
}
