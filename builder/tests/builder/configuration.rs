//! Linkers, wrappers and neighbors that a person has configured.

use std::path::Path;

use liveswap_builder::{ArtifactKind, Builder, Error, KindPolicy, LinkerPolicy, Settings};

use crate::fixture::{Fixture, assert_line, build, build_host, run, with_wrapper};

#[test]
fn a_configured_linker_is_used_for_host_and_artifact() {
    let fixture = Fixture::new();
    let log = fixture.root().join("linker.log");
    // A linker of the person's own, which shows that it was called.
    fixture.write(
        "my-linker",
        &format!("#!/bin/sh\necho called >> {}\nexec cc \"$@\"\n", log.display()),
    );
    let linker = fixture.root().join("my-linker");
    let mut mode = std::fs::metadata(&linker).expect("there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&linker, mode).expect("set");
    fixture.write(
        ".cargo/config.toml",
        &format!(
            "[target.'cfg(target_os = \"linux\")']\nlinker = {linker:?}\n\
             rustflags = [\"-Clink-arg=-fuse-ld=bfd\", \"-Clinker-features=-lld\"]\n"
        ),
    );
    let (builder, host) = fixture.started(Settings::default());
    assert_eq!(host.not_shared, None);
    let calls = || std::fs::read_to_string(&log).map_or(0, |text| text.lines().count());
    let for_host = calls();
    assert!(for_host >= 1, "the host's link did not go through the configured linker");
    fixture.edit_value(10, 20);
    let outcome = build(&builder);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared, "{outcome:?}");
    assert_eq!(outcome.linker, linker);
    assert_eq!(calls(), for_host + 1);
    assert_line(&run(&host, &[&outcome]), "hot value 20");
}

#[test]
fn a_linker_that_fails_is_replaced_by_the_one_that_the_compiler_would_call() {
    let fixture = Fixture::new();
    let linker = LinkerPolicy::Program("/bin/false".into());
    let (builder, host) = fixture.started(Settings { linker, ..Settings::default() });
    let outcome = build(&builder);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared);
    assert_eq!(outcome.linker, Path::new("cc"));
    assert_line(&run(&host, &[&outcome]), "hot value 10");
}

#[test]
fn a_program_that_is_no_wrapper_is_found_out() {
    let fixture = Fixture::new();
    let mut settings =
        with_wrapper(Settings { kind: KindPolicy::Standalone, ..Settings::default() });
    // It runs what it is given and writes nothing down.
    settings.wrapper = Some("/usr/bin/env".into());
    let builder = Builder::open(fixture.project(), settings).expect("opens");
    let error = builder.build_host().expect("starts").wait().expect_err("is no wrapper");
    assert!(matches!(error, Error::WrapperSilent { .. }), "{error:?}");
}

#[test]
fn a_host_without_the_hot_crate_is_told_so() {
    let fixture = Fixture::new();
    fixture.edit(
        "app/Cargo.toml",
        "logic = { package = \"hot-logic\", path = \"../hot-logic\" }",
        "",
    );
    fixture.write("app/src/main.rs", "fn main() {}\n");
    let builder = fixture.open(Settings::default());
    let error = builder.build_host().expect("starts").wait().expect_err("has no hot crate");
    assert_eq!(
        error.to_string(),
        "app does not link hot-logic: make it a dependency of the host, and use it there"
    );
}

#[test]
fn two_builders_of_one_project_do_not_meet() {
    let fixture = Fixture::new();
    let (first, host) = fixture.started(Settings::default());
    let (second, _) = fixture.started(Settings::default());
    assert_ne!(first.artifact_path(), second.artifact_path());
    let one = build(&first);
    fixture.edit_value(10, 20);
    let two = build(&second);
    assert_line(&run(&host, &[&one]), "hot value 10");
    assert_line(&run(&host, &[&two]), "hot value 20");
    drop((first, second));
    let third = fixture.open(Settings::default());
    assert_eq!(third.artifact_path(), Some(one.artifact.path), "the first directory is free again");
}

#[test]
fn a_crate_with_several_types_keeps_its_identity() {
    let fixture = Fixture::new();
    fixture.edit(
        "hot-logic/Cargo.toml",
        "[features]",
        "[lib]\ncrate-type = [\"rlib\", \"dylib\"]\n\n[features]",
    );
    let builder = fixture.open(Settings { kind: KindPolicy::Standalone, ..Settings::default() });
    let host = build_host(&builder);
    fixture.edit_value(10, 20);
    let lines = run(&host, &[&build(&builder)]);
    assert_line(&lines, "hot value 20");
    assert_line(&lines, "same type true");
}
