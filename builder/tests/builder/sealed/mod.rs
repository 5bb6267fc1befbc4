//! Code whose signatures let no address out goes without a search, so whatever looks like an address keeps it from nothing;
//! other code is searched for. Both kinds of artifact.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use liveswap_builder::{ArtifactKind, Builder, KindPolicy, Settings};
use tempfile::TempDir;

use crate::fixture::build;
use crate::live::program::{Program, Sources, Workspace};

/// What makes the crate one that may let addresses out, and how its status tells.
const OPEN: [(&str, &str, &str); 3] = [
    (
        "text",
        "#[hot]\npub fn name() -> &'static str {\n    \"a text\"\n}\n",
        "`hot::name` returns `&str`",
    ),
    (
        "function",
        "#[hot]\npub fn chosen() -> fn() -> u32 {\n    version\n}\n",
        "`hot::chosen` returns `fn() -> u32`",
    ),
    (
        "map",
        "#[hot]\npub fn table(into: &mut Vec<std::collections::HashMap<u32, u32>>) {\n    into.clear();\n}\n",
        "`hot::table` takes as argument 0 (into) `&mut Vec<HashMap<u32, u32>>`, which leads to \
         `HashMap<u32, u32>` by `[]`",
    ),
];

struct Built {
    kind: ArtifactKind,
    host: PathBuf,
    /// What says 2, and what says 3.
    versions: [PathBuf; 2],
    /// What says 3 and may let an address out, in the order of `OPEN`.
    open: [PathBuf; 3],
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
        traces: false,
    };
    [ArtifactKind::Shared, ArtifactKind::Standalone].map(|kind| {
        let workspace = Workspace::with("sealed", &sources);
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
            keep(&builder, kind, directory.path(), &format!("version-{number}.so"))
        });
        let open = OPEN.map(|(what, text, _)| {
            let end = "// end";
            let sealed = workspace.edit_file("lib.rs", &[(end, &format!("{text}\n{end}"))]);
            let path = keep(&builder, kind, directory.path(), &format!("{what}.so"));
            workspace.restore_file("lib.rs", &sealed);
            path
        });
        Built { kind, host: executable, versions, open, _directory: directory }
    })
});

/// Builds an artifact and keeps it under a name of its own.
fn keep(builder: &Builder, kind: ArtifactKind, directory: &Path, name: &str) -> PathBuf {
    let artifact = build(builder).artifact;
    assert_eq!(artifact.kind, kind);
    let to = directory.join(name);
    fs::copy(&artifact.path, &to).expect("copied");
    to
}

/// A program and the directory of its artifact.
struct Lab {
    program: Program,
    directory: TempDir,
}

impl Lab {
    fn start(built: &Built) -> Lab {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let artifact = directory.path().join("hot.so");
        let program = Program::start(&built.host, &artifact, directory.path());
        Lab { program, directory }
    }

    #[track_caller]
    fn swap(&mut self, version: &Path, generation: u64) {
        let aside = self.directory.path().join("aside.so");
        fs::copy(version, &aside).expect("copied");
        fs::rename(&aside, self.directory.path().join("hot.so")).expect("renamed");
        assert_eq!(self.program.ask("reload"), generation.to_string());
    }
}

/// What becomes of generation 1 of this version if its address is in a variable of the program, and it `did` that; the program
/// in which it did.
fn planted(built: &Built, version: &Path, did: &[&str]) -> (String, Lab) {
    let mut lab = Lab::start(built);
    lab.swap(version, 1);
    assert_eq!(lab.program.ask("plant"), "planted");
    for what in did {
        lab.program.ask(what);
    }
    lab.swap(&built.versions[1], 2);
    (lab.program.ask("outcome"), lab)
}

/// It was searched for and found.
fn is_found(built: &Built, version: &Path, did: &[&str]) {
    let (outcome, mut lab) = planted(built, version, did);
    let found = "retained: it can still be reached: a pointer to";
    assert!(outcome.starts_with(found), "{:?} {version:?}: {outcome}", built.kind);
    assert_eq!(lab.program.ask("version"), "3");
    lab.program.end();
}

#[test]
fn what_looks_like_an_address_keeps_no_code_that_can_have_let_none_out() {
    for built in &*BUILT {
        let (outcome, mut lab) = planted(built, &built.versions[0], &["may-escape"]);
        assert_eq!(outcome, "unloaded", "{:?}", built.kind);
        assert_eq!(lab.program.ask("may-escape"), "nothing");
        assert_eq!(lab.program.ask("version"), "3");
        lab.program.end();
    }
}

#[test]
fn code_whose_signatures_let_an_address_out_is_searched_for() {
    for built in &*BUILT {
        for ((what, _, told), version) in OPEN.iter().zip(&built.open) {
            let mut lab = Lab::start(built);
            lab.swap(version, 1);
            assert_eq!(lab.program.ask("may-escape"), *told, "{what}");
            lab.program.end();
            is_found(built, version, &[]);
        }
    }
}

/// The program's panic hook is shown what a shared artifact's code panics with; from a standalone one it gets a copy.
#[test]
fn shared_code_that_panicked_is_searched_for() {
    let [shared, standalone] = &*BUILT;
    is_found(shared, &shared.versions[0], &["fail"]);
    let (outcome, lab) = planted(standalone, &standalone.versions[0], &["fail"]);
    assert_eq!(outcome, "unloaded");
    lab.program.end();
}

/// Swaps, one after the other, while four threads call, with the search on.
fn clean_code_goes(built: &Built) {
    const SWAPS: u64 = 1000;
    let mut lab = Lab::start(built);
    lab.swap(&built.versions[0], 1);
    lab.swap(&built.versions[1], 2);
    // In parts, each of which is answered in time on a busy machine.
    for last in (100..=SWAPS).step_by(100) {
        let answer = lab.program.ask(&format!("swaps {last}"));
        assert_eq!(answer, "Ok(()) called=true torn=0 images=1 []", "{:?}", built.kind);
    }
    lab.program.end();
}

#[test]
fn shared_code_that_leaves_nothing_behind_goes_in_a_thousand_swaps() {
    clean_code_goes(&BUILT[0]);
}

#[test]
fn standalone_code_that_leaves_nothing_behind_goes_in_a_thousand_swaps() {
    clean_code_goes(&BUILT[1]);
}
