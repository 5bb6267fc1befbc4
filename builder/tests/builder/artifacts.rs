//! Both kinds of artifact inside a running host.

use std::process::Command;

use liveswap_builder::{ArtifactKind, Change, DebugInfo, KindPolicy, NotShared, Settings};

use crate::fixture::{Fixture, assert_line, build, run, run_command};

fn standalone() -> Settings {
    Settings { kind: KindPolicy::Standalone, ..Settings::default() }
}

#[test]
fn a_shared_artifact_is_one_program_with_its_host() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    assert_eq!(host.not_shared, None);
    fixture.edit_value(10, 20);
    let outcome = build(&builder);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared, "{outcome:?}");
    assert!(outcome.artifact.size < 300_000, "{} bytes", outcome.artifact.size);
    assert_eq!(outcome.host_behind, Vec::<String>::new());
    assert_eq!(Some(&outcome.artifact.path), builder.artifact_path().as_ref());

    let mut command = Command::new(&host.executable);
    let lines = run_command(command.arg(&outcome.artifact.path).env("PANIC", "1"));
    assert_line(&lines, "host value 10");
    assert_line(&lines, "hot value 20");
    assert_line(&lines, "hot shape 4");
    assert_line(&lines, "same type true");
    assert_line(&lines, "panic on purpose");
}

#[test]
fn a_standalone_artifact_works_with_a_host_that_knows_nothing() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(standalone());
    assert_eq!(host.not_shared, Some(NotShared::Settings));
    fixture.edit_value(10, 20);
    let outcome = build(&builder);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Standalone);
    assert_eq!(outcome.artifact.not_shared, Some(NotShared::Settings));
    let lines = run(&host, &[&outcome]);
    assert_line(&lines, "hot value 20");
    assert_line(&lines, "same type true");
}

#[test]
fn backtraces_of_hot_code_name_file_and_line_unless_they_are_not_wanted() {
    let fixture = Fixture::new();
    let line = fixture.read("hot-logic/src/lib.rs");
    let line = line.lines().position(|line| line.contains("force_capture")).expect("there") + 1;
    let place = format!("hot-logic/src/lib.rs:{line}:");
    for kind in [KindPolicy::Auto, KindPolicy::Standalone] {
        let (builder, host) = fixture.started(Settings { kind, ..Settings::default() });
        let lines = run(&host, &[&build(&builder)]);
        assert!(lines.iter().any(|line| line.contains(&place)), "{kind:?}: {lines:#?}");
    }
    let none = Settings { debug_info: DebugInfo::None, ..Settings::default() };
    let (builder, host) = fixture.started(none);
    assert_line(&run(&host, &[&build(&builder)]), "trace none");
}

#[test]
fn an_optimized_host_with_features_in_another_directory_is_served_too() {
    let fixture = Fixture::new();
    fixture.edit(
        "app/Cargo.toml",
        "[dependencies]",
        "[features]\nloud = [\"logic/loud\"]\n\n[dependencies]",
    );
    fixture.edit(
        "hot-logic/src/lib.rs",
        "fn value() -> u32 {\n    10\n}",
        "fn value() -> u32 {\n    if cfg!(feature = \"loud\") { 11 } else { 10 }\n}",
    );
    let mut project = fixture.project();
    project.flags.profile = Some("release".into());
    project.flags.features = vec!["loud".into()];
    project.flags.target_dir = Some("elsewhere".into());
    let settings = crate::fixture::with_wrapper(Settings::default());
    let builder = liveswap_builder::Builder::open(project, settings).expect("opens");
    let host = crate::fixture::build_host(&builder);
    assert!(host.executable.starts_with(fixture.root().join("elsewhere/release")));
    fixture.edit("hot-logic/src/lib.rs", "{ 11 }", "{ 21 }");
    let outcome = build(&builder);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared, "{outcome:?}");
    let lines = run(&host, &[&outcome]);
    assert_line(&lines, "host value 11");
    assert_line(&lines, "hot value 21");
    assert_line(&lines, "same type true");
    assert!(!fixture.root().join("target").exists(), "the other directory is not used");
}

#[test]
fn what_the_host_lacks_makes_the_artifact_standalone_with_the_reason() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    // An index that says that the host exports nothing.
    let path = builder.artifact_path().expect("captured");
    let exports = path.ancestors().nth(2).expect("a directory").join("exports");
    assert!(std::fs::metadata(&exports).expect("there").len() > 0);
    std::fs::write(&exports, []).expect("written");
    let outcome = build(&builder);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Standalone);
    let Some(NotShared::MissingSymbols { symbols }) = &outcome.artifact.not_shared else {
        panic!("{:?}", outcome.artifact.not_shared)
    };
    assert!(symbols.iter().any(|symbol| symbol.contains("shapes")), "{symbols:?}");
    assert_line(&run(&host, &[&outcome]), "hot value 10");
}

#[test]
fn the_same_sources_are_the_same_artifact() {
    let fixture = Fixture::new();
    let (builder, _) = fixture.started(Settings::default());
    let first = build(&builder);
    assert_eq!(first.change, Change::Built);
    // Nothing was saved, or the same text was.
    let again = build(&builder);
    assert_eq!((again.change, again.number), (Change::Unchanged, first.number + 1));
    let text = fixture.read("hot-logic/src/lib.rs");
    fixture.write("hot-logic/src/lib.rs", &text);
    assert_eq!(build(&builder).change, Change::Unchanged);
    // Saved and taken back, with a build that failed in between.
    fixture.write("hot-logic/src/lib.rs", "fn");
    assert!(builder.start().expect("starts").wait().is_err());
    fixture.write("hot-logic/src/lib.rs", &text);
    assert_eq!(build(&builder).change, Change::Unchanged);
    // Another text that compiles to the same.
    fixture.write("hot-logic/src/lib.rs", &format!("{text}// the end\n"));
    let same = build(&builder);
    assert_eq!((same.change, same.artifact.digest), (Change::Unchanged, first.artifact.digest));
    fixture.edit_value(10, 11);
    let other = build(&builder);
    assert_eq!(other.change, Change::Built);
    assert_ne!(other.artifact.digest, first.artifact.digest);
}
