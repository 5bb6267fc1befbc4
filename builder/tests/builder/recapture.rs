//! What was captured is captured again when it no longer holds, and only then.

use std::fs;

use liveswap_builder::{ArtifactKind, Error, InputRole, Settings, Stale};

use crate::fixture::{Fixture, assert_line, build, build_and_fail, build_host, run};

#[test]
fn a_target_directory_in_which_all_is_fresh_is_no_obstacle() {
    let fixture = Fixture::new();
    fixture.cargo(&["build", "-p", "app"]);
    let (builder, host) = fixture.started(Settings::default());
    fixture.edit_value(10, 20);
    assert_line(&run(&host, &[&build(&builder)]), "hot value 20");
    // The next host has that edit itself, and finds no artifact of before.
    let again = build_host(&builder);
    assert_line(&run(&again, &[]), "host value 20");
    assert!(!builder.artifact_path().expect("captured").exists());
    drop(builder);

    // Built by a person with other flags in between: the old record is of another build.
    fixture.write(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"quiet\"]\n");
    fixture.cargo(&["build", "-p", "app"]);
    fixture.edit("hot-logic/src/lib.rs", "    20\n", "    if cfg!(quiet) { 30 } else { 20 }\n");
    fixture.cargo(&["build", "-p", "app"]);
    let (builder, host) = fixture.started(Settings::default());
    assert_line(&run(&host, &[]), "host value 30");
    assert_line(&run(&host, &[&build(&builder)]), "hot value 30");
}

#[test]
fn building_artifacts_leaves_cargo_nothing_to_do() {
    let fixture = Fixture::new();
    let (builder, _) = fixture.started(Settings::default());
    let paths = ["hot-logic/src/lib.rs", "shapes/src/lib.rs"].map(|it| fixture.root().join(it));
    let before = paths.each_ref().map(|path| {
        let time = fs::metadata(path).and_then(|metadata| metadata.modified());
        (fs::read(path).expect("readable"), time.expect("a time"))
    });
    fixture.edit_value(10, 20);
    fixture.edit("shapes/src/lib.rs", "4", "5");
    assert_eq!(build(&builder).rebuilt, ["shapes"]);
    for (path, (text, time)) in paths.iter().zip(before) {
        fs::write(path, text).expect("written");
        let file = fs::OpenOptions::new().write(true).open(path).expect("opens");
        file.set_modified(time).expect("set");
    }
    let words = fixture.cargo(&["build", "-p", "app", "-v"]);
    for package in ["hot-logic", "shapes"] {
        assert!(words.contains(&format!("Fresh {package}")), "{words}");
    }
}

#[test]
fn a_recipe_outlives_its_builder() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    drop(builder);
    fixture.edit_value(10, 20);
    let builder = fixture.open(Settings::default());
    let outcome = build(&builder);
    assert_eq!(outcome.recaptured, None);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared);
    assert_line(&run(&host, &[&outcome]), "hot value 20");
}

#[test]
fn an_artifact_can_be_built_without_asking_for_the_host_first() {
    let fixture = Fixture::new();
    let builder = fixture.open(Settings::default());
    let outcome = build(&builder);
    assert_eq!(outcome.recaptured, Some(Stale::Never));
    let executable = fixture.root().join("target/debug/app");
    let host =
        liveswap_builder::BuiltHost { executable, not_shared: None, library_paths: Vec::new() };
    assert_line(&run(&host, &[&outcome]), "hot value 10");
}

#[test]
fn a_feature_and_a_dependency_added_are_followed_in_the_running_host() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    fixture.edit("hot-logic/Cargo.toml", "default = []", "default = [\"loud\"]");
    fixture.edit(
        "hot-logic/src/lib.rs",
        "    10\n",
        "    if cfg!(feature = \"loud\") { 11 } else { 10 }\n",
    );
    let outcome = build(&builder);
    let manifest = fixture.root().join("hot-logic/Cargo.toml");
    let why = Stale::File { path: manifest, role: InputRole::Manifest };
    assert_eq!(outcome.recaptured, Some(why));
    assert!(outcome.host_behind.iter().any(|it| it.contains("loud")), "{outcome:?}");
    let lines = run(&host, &[&outcome]);
    assert_line(&lines, "hot value 11");
    assert_line(&lines, "same type true");

    fixture.write(
        "extra/Cargo.toml",
        "[package]\nname = \"extra\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    fixture.write("extra/src/lib.rs", "pub fn more(n: u32) -> u32 { n + 100 }\n");
    fixture.edit("Cargo.toml", "\"shapes\"", "\"shapes\", \"extra\"");
    fixture.edit(
        "hot-logic/Cargo.toml",
        "[dependencies]",
        "[dependencies]\nextra = { path = \"../extra\" }",
    );
    fixture.edit("hot-logic/src/lib.rs", "{ 11 }", "{ extra::more(11) }");
    let outcome = build(&builder);
    assert!(matches!(outcome.recaptured, Some(Stale::File { .. })), "{outcome:?}");
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared, "{outcome:?}");
    assert!(
        outcome.host_behind.contains(&"the dependency extra was added".to_owned()),
        "{outcome:?}"
    );
    let lines = run(&host, &[&outcome]);
    assert_line(&lines, "hot value 111");
    assert_line(&lines, "same type true");

    // Nothing changed since: nothing is captured.
    fixture.edit("hot-logic/src/lib.rs", "more(11)", "more(12)");
    let outcome = build(&builder);
    assert_eq!(outcome.recaptured, None);
    assert_line(&run(&host, &[&outcome]), "hot value 112");

    let host = build_host(&builder);
    let outcome = build(&builder);
    assert_eq!(outcome.host_behind, Vec::<String>::new());
    assert_line(&run(&host, &[&outcome]), "host value 112");
}

#[test]
fn build_scripts_and_what_they_watch_are_followed() {
    let fixture = Fixture::new();
    fixture.write(
        "hot-logic/build.rs",
        r#"
fn main() {
    println!("cargo::rerun-if-changed=rate.txt");
    let rate = std::fs::read_to_string("rate.txt").unwrap();
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/rate.rs"), rate).unwrap();
    println!("cargo::rustc-env=STEP=1");
}
"#,
    );
    fixture.write("hot-logic/rate.txt", "5");
    fixture.edit(
        "hot-logic/src/lib.rs",
        "    10\n",
        "    let rate: u32 = include!(concat!(env!(\"OUT_DIR\"), \"/rate.rs\"));\n    \
         rate * 10 + env!(\"STEP\").len() as u32 * (env!(\"STEP\").as_bytes()[0] - b'0') as u32\n",
    );
    let (builder, host) = fixture.started(Settings::default());
    assert_line(&run(&host, &[&build(&builder)]), "hot value 51");

    fixture.write("hot-logic/rate.txt", "6");
    let outcome = build(&builder);
    let role = InputRole::BuildScript { package: "hot-logic".into() };
    let path = fixture.root().join("hot-logic/rate.txt");
    assert_eq!(outcome.recaptured, Some(Stale::File { path, role: role.clone() }));
    assert_line(&run(&host, &[&outcome]), "hot value 61");

    fixture.edit("hot-logic/build.rs", "STEP=1", "STEP=3");
    let outcome = build(&builder);
    let path = fixture.root().join("hot-logic/build.rs");
    assert_eq!(outcome.recaptured, Some(Stale::File { path, role }));
    assert_line(&run(&host, &[&outcome]), "hot value 63");

    // A source is not what this script watches.
    fixture.edit("hot-logic/src/lib.rs", "rate * 10", "rate * 100");
    let outcome = build(&builder);
    assert_eq!(outcome.recaptured, None);
    assert_line(&run(&host, &[&outcome]), "hot value 603");
}

#[test]
fn a_manifest_that_cargo_refuses_is_told_and_can_be_mended() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    let manifest = fixture.read("hot-logic/Cargo.toml");
    fixture.write("hot-logic/Cargo.toml", &format!("{manifest}\nno-such-crate-here = \"=99\"\n["));
    let (error, _) = build_and_fail(&builder);
    let Error::Cargo { words } = &error else { panic!("{error:?}") };
    assert!(words.contains("hot-logic/Cargo.toml"), "{words}");
    fixture.write("hot-logic/Cargo.toml", &manifest);
    fixture.edit_value(10, 20);
    assert_line(&run(&host, &[&build(&builder)]), "hot value 20");
}

#[test]
fn flags_that_change_are_followed() {
    let fixture = Fixture::new();
    fixture.edit("hot-logic/src/lib.rs", "    10\n", "    if cfg!(quiet) { 30 } else { 10 }\n");
    let (builder, host) = fixture.started(Settings::default());
    fixture.write(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"quiet\"]\n");
    let outcome = build(&builder);
    assert!(
        matches!(&outcome.recaptured, Some(Stale::File { role: InputRole::CargoConfig, .. })),
        "{outcome:?}"
    );
    assert_line(&run(&host, &[&outcome]), "hot value 30");
}

#[test]
fn a_target_directory_deleted_under_a_running_host_is_made_again() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    build(&builder);
    let kept = fixture.root().join("kept-host");
    fs::copy(&host.executable, &kept).expect("copied");
    let host = liveswap_builder::BuiltHost { executable: kept, ..host };
    fs::remove_dir_all(builder.target_directory()).expect("removed");
    fixture.edit_value(10, 20);
    let outcome = build(&builder);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared, "{outcome:?}");
    assert_line(&run(&host, &[&outcome]), "hot value 20");
    let again = build_host(&builder);
    assert_line(&run(&again, &[&build(&builder)]), "host value 20");
}
