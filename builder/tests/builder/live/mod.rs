//! Shared artifacts inside programs that run Liveswap.

pub mod program;

use liveswap_abi::manifest::NO_SEAL;
use liveswap_builder::{ArtifactKind, KindPolicy, Settings};

use crate::fixture::build;
use program::{Program, Workspace};

fn plain() -> Settings {
    Settings { kind: KindPolicy::Standalone, ..Settings::default() }
}

#[test]
fn a_shared_artifact_is_swapped_in_and_is_one_program_with_its_host() {
    let workspace = Workspace::new("one");
    let (builder, host) = workspace.started(Settings::default());
    assert_eq!(host.not_shared, None);
    let path = builder.artifact_path().expect("captured");
    let mut program = Program::start(&host.executable, &path, workspace.stages());
    assert_eq!(program.ask("value"), "10");
    for generation in 1..=3 {
        workspace.edit_value(9 + generation, 10 + generation);
        let outcome = build(&builder);
        assert_eq!(outcome.artifact.kind, ArtifactKind::Shared, "{outcome:?}");
        let answer = program.ask("reload");
        // The watcher may have been faster.
        let swapped = format!("swapped {generation} shared");
        let unchanged = format!("Unchanged {{ generation: {generation} }}");
        assert!([swapped, unchanged].contains(&answer), "{answer}");
        assert_eq!(program.ask("value"), (10 + generation).to_string());
        assert_eq!(program.ask("type"), "true");
        // One thread-local, whoever asks.
        let first = 3 * generation - 2;
        assert_eq!(program.ask("count"), format!("{first} {} {}", first + 1, first + 2));
        let panicked = format!("on purpose {} at hot/src/lib.rs", 10 + generation);
        assert_eq!(program.ask("panic"), panicked);
        // One tracing: the program's subscriber hears each generation.
        assert_eq!(program.ask("tell"), generation.to_string());
        // One tokio: a task of hot code runs on the program's executor.
        assert_eq!(program.ask("spawn"), (10 + generation).to_string());
        assert_eq!(program.ask("lease"), format!("{0} Ok({0})", 10 + generation));
    }
    assert!(!program.had_children(), "nothing of it is tried that every library has");
    program.end();
}

#[test]
fn a_standalone_artifact_does_the_same_but_with_its_own_copies_of_what_dependencies_keep() {
    let workspace = Workspace::new("alone");
    let (builder, host) = workspace.started(plain());
    let path = builder.artifact_path().expect("captured");
    let mut program = Program::start(&host.executable, &path, workspace.stages());
    assert_eq!(program.ask("value"), "10");
    assert_eq!(program.ask("spawn"), "10");
    for generation in 1..=3 {
        workspace.edit_value(9 + generation, 10 + generation);
        let outcome = build(&builder);
        assert_eq!(outcome.artifact.kind, ArtifactKind::Standalone, "{outcome:?}");
        let answer = program.ask("reload");
        let swapped = format!("swapped {generation} standalone");
        let unchanged = format!("Unchanged {{ generation: {generation} }}");
        assert!([swapped, unchanged].contains(&answer), "{answer}");
        assert_eq!(program.ask("value"), (10 + generation).to_string());
        assert_eq!(program.ask("type"), "true");
        let panicked = program.ask("panic");
        assert!(panicked.starts_with(&format!("on purpose {}", 10 + generation)), "{panicked}");
        // Its own thread-local, begun anew; its own tracing, to which nobody listens; its own tokio, which does not run.
        let first = 2 * generation - 1;
        assert_eq!(program.ask("count"), format!("{first} 1 {}", first + 1));
        assert_eq!(program.ask("tell"), "0");
        let spawned = program.ask("spawn");
        assert!(spawned.starts_with("panicked: there is no reactor running"), "{spawned}");
        // Leases run on the program's.
        assert_eq!(program.ask("lease"), format!("{0} Ok({0})", 10 + generation));
    }
    assert!(!program.had_children(), "nothing of it is tried that every library has");
    program.end();
}

#[test]
fn the_manifest_says_what_was_linked() {
    let workspace = Workspace::new("manifest");
    for (settings, kind) in [(Settings::default(), "shared"), (plain(), "standalone")] {
        let (builder, _) = workspace.started(settings);
        let outcome = build(&builder);
        let manifest = liveswap::verify::Manifest::read(&outcome.artifact.path).expect("readable");
        assert_eq!(manifest.kind().to_string(), kind);
        assert_eq!(manifest.field("kind"), kind);
        assert_eq!(manifest.functions.len(), 10, "the rest is as it was");
    }
}

#[test]
fn a_program_that_was_linked_plainly_refuses_a_shared_artifact_and_takes_a_standalone_one() {
    let workspace = Workspace::new("plain");
    let (builder, host) = workspace.started(plain());
    let executable = workspace.stages().join("plain-host");
    std::fs::copy(&host.executable, &executable).expect("copied");
    workspace.edit_value(10, 20);
    let standalone = workspace.stages().join("standalone.so");
    std::fs::copy(build(&builder).artifact.path, &standalone).expect("copied");
    drop(builder);

    let (builder, _) = workspace.started(Settings::default());
    let shared = build(&builder).artifact;
    assert_eq!(shared.kind, ArtifactKind::Shared);
    let path = workspace.stages().join("artifact.so");
    let mut program = Program::start(&executable, &path, workspace.stages());
    std::fs::copy(&shared.path, &path).expect("copied");
    let answer = program.ask("reload");
    assert!(answer.starts_with("refused at verify: "), "{answer}");
    for part in
        ["`liveswap_abi::", "exported by the program", "more", "cargo liveswap", "standalone"]
    {
        assert!(answer.contains(part), "{part:?} is not in {answer}");
    }
    assert_eq!(program.ask("value"), "10");

    let next = workspace.stages().join("next.so");
    std::fs::copy(&standalone, &next).expect("copied");
    std::fs::rename(&next, &path).expect("renamed");
    program.ask("reload");
    assert_eq!(program.ask("value"), "20");
    program.end();
}

#[test]
fn an_artifact_that_lies_about_its_kind_is_refused() {
    let workspace = Workspace::new("lies");
    let (builder, host) = workspace.started(plain());
    workspace.edit_value(10, 20);
    let artifact = build(&builder).artifact;
    let bytes = std::fs::read(&artifact.path).expect("read");
    let (said, lie) = (b"\nkind=standalone\n", b"\nkind=shared    \n");
    let at = bytes.windows(said.len()).position(|part| part == said).expect("it says it");
    let path = workspace.stages().join("artifact.so");
    let mut program = Program::start(&host.executable, &path, workspace.stages());
    let mut lying = [&bytes[..at], lie, &bytes[at + lie.len()..]].concat();
    // As whoever made it by hand would leave it: nobody sealed it.
    let length = NO_SEAL.len();
    let is_seal = |part: &[u8]| {
        part.starts_with(b"\nseal=") && part[6..].iter().all(|byte| byte.is_ascii_hexdigit())
    };
    let at = lying.windows(6 + length).position(is_seal).expect("it is sealed") + 6;
    lying[at..at + length].copy_from_slice(NO_SEAL.as_bytes());
    std::fs::write(&path, lying).expect("written");
    let answer = program.ask("reload");
    assert!(answer.starts_with("refused at check: kind of artifact"), "{answer}");
    assert!(answer.contains("`shared`") && answer.contains("`standalone`"), "{answer}");
    assert_eq!(program.ask("value"), "10");
    program.end();
}

/// In the program's memory and with its standard library, and yet not in the program.
#[test]
fn an_initializer_that_panics_is_refused_and_the_program_goes_on() {
    let workspace = Workspace::new("initializer");
    let (builder, host) = workspace.started(Settings::default());
    let path = builder.artifact_path().expect("captured");
    let mut program = Program::start(&host.executable, &path, workspace.stages());
    assert_eq!(program.ask("value"), "10");
    workspace.edit(
        "pub struct Marker",
        "extern \"C\" fn reads_its_table() {\n    panic!(\"no table {}\", state::all_dropped())\n}\n\
         #[used]\n#[unsafe(link_section = \".init_array\")]\n\
         static FIRST: extern \"C\" fn() = reads_its_table;\npub struct Marker",
    );
    assert_eq!(build(&builder).artifact.kind, ArtifactKind::Shared);
    let answer = program.ask("reload");
    let expected = "refused at load: what runs while it is loaded: `hot::reads_its_table`: ";
    assert!(answer.starts_with(expected), "{answer}");
    assert!(answer.contains("-> a panic at hot/src/lib.rs:"), "{answer}");
    assert!(answer.contains(": no table 0; "), "{answer}");
    assert!(program.had_children(), "it was tried");
    assert_eq!(program.ask("value"), "10");
    workspace.edit("panic!(\"no table {}\", state::all_dropped())", "state::dropped();");
    workspace.edit_value(10, 11);
    assert_eq!(build(&builder).artifact.kind, ArtifactKind::Shared);
    let answer = program.ask("reload");
    assert_eq!(program.ask("value"), "11", "{answer}");
    program.end();
}

#[test]
fn what_a_shared_generation_leaves_in_the_program_never_crashes_it() {
    let workspace = Workspace::new("leaves");
    let (builder, host) = workspace.started(Settings::default());
    let path = builder.artifact_path().expect("captured");
    let mut program = Program::start(&host.executable, &path, workspace.stages());
    for generation in 1..=3 {
        workspace.edit_value(9 + generation, 10 + generation);
        let outcome = build(&builder);
        let answer = program.ask("reload");
        assert_eq!(program.ask("value"), (10 + generation).to_string(), "{answer}, {outcome:?}");
        assert_eq!(program.ask("leave"), (2 * generation).to_string());
        program.ask("tell");
    }
    let mut retired = [program.ask("retired"), program.ask("retired")];
    retired.sort();
    for (generation, why) in (1..).zip(retired) {
        // It calls two crates that have variables, and either may be found first.
        assert!(why.starts_with(&format!("{generation}: its code calls `")), "{why}");
        assert!(why.contains("has variables"), "{why}");
    }
    // Threads of every generation end, each with a destructor of its generation; the newest value is everyone's.
    assert_eq!(program.ask("end"), "[0, 13, 0, 13, 0, 13], 6 dropped");
    assert_eq!(program.ask("tell"), "4");
    program.end();
}
