//! Edits of all kinds, and what becomes of them.

use liveswap_builder::{ArtifactKind, BuildEvent, Change, Error, InputRole, Level, Settings};

use crate::fixture::{Fixture, assert_line, build, build_and_fail, build_host, run};

#[test]
fn a_changed_dependency_is_rebuilt_in_order_and_the_host_is_known_to_be_behind() {
    let fixture = Fixture::new();
    fixture.edit(
        "hot-logic/Cargo.toml",
        "[dependencies]",
        "[dependencies]\nmiddle = { path = \"../middle\" }",
    );
    fixture.edit("hot-logic/src/lib.rs", "shapes::corners()\n", "middle::corners()\n");
    fixture.edit("Cargo.toml", "\"shapes\"", "\"shapes\", \"middle\"");
    fixture.write(
        "middle/Cargo.toml",
        "[package]\nname = \"middle\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nshapes = { path = \"../shapes\" }\n",
    );
    fixture
        .write("middle/src/lib.rs", "pub fn corners() -> u32 {\n    shapes::corners() * 10\n}\n");
    let (builder, host) = fixture.started(Settings::default());
    assert_line(&run(&host, &[&build(&builder)]), "hot shape 40");

    fixture.edit("shapes/src/lib.rs", "4", "6");
    let outcome = build(&builder);
    assert_eq!(outcome.rebuilt, ["shapes", "middle"]);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared, "{outcome:?}");
    assert!(outcome.recaptured.is_none());
    assert!(
        outcome.host_behind.iter().any(|it| it.starts_with("shapes was edited")),
        "{outcome:?}"
    );
    let lines = run(&host, &[&outcome]);
    assert_line(&lines, "hot shape 60");
    assert_line(&lines, "host shape 4");
    assert_line(&lines, "same type true");

    // Only the hot crate after that: what was rebuilt stays.
    fixture.edit_value(10, 20);
    let outcome = build(&builder);
    assert_eq!(outcome.rebuilt, Vec::<String>::new());
    let lines = run(&host, &[&outcome]);
    assert_line(&lines, "hot shape 60");
    assert_line(&lines, "hot value 20");

    // Taken back: the host has it all again.
    fixture.edit("shapes/src/lib.rs", "6", "4");
    let outcome = build(&builder);
    assert_eq!(outcome.host_behind, Vec::<String>::new());
    assert_line(&run(&host, &[&outcome]), "hot shape 40");

    // A host that is built anew has the edit in it.
    fixture.edit("shapes/src/lib.rs", "4", "8");
    let host = build_host(&builder);
    let outcome = build(&builder);
    assert_eq!((outcome.rebuilt.len(), outcome.host_behind.len()), (0, 0), "{outcome:?}");
    assert_line(&run(&host, &[&outcome]), "host shape 8");
    assert_line(&run(&host, &[&outcome]), "hot shape 80");
}

#[test]
fn a_dependency_that_does_not_compile_is_named() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    fixture.edit("shapes/src/lib.rs", "4", "\"four\"");
    let (error, _) = build_and_fail(&builder);
    assert!(matches!(&error, Error::Compile { package, .. } if package == "shapes"), "{error:?}");
    fixture.edit("shapes/src/lib.rs", "\"four\"", "5");
    assert_line(&run(&host, &[&build(&builder)]), "hot shape 5");
}

#[test]
fn errors_are_told_as_they_are_found_and_the_next_good_edit_is_built() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    let before = build(&builder);
    fixture.edit_value(10, 20);
    fixture.edit("hot-logic/src/lib.rs", "    20\n", "    \"twenty\"\n");
    let (error, events) = build_and_fail(&builder);
    let Error::Compile { package, diagnostics, .. } = &error else { panic!("{error:?}") };
    assert_eq!(package, "hot-logic");
    let [mismatch, explanation @ ..] = &diagnostics[..] else { panic!("{diagnostics:?}") };
    assert_eq!(mismatch.code.as_deref(), Some("E0308"));
    assert!(mismatch.rendered.starts_with("error[E0308]: mismatched types"), "{mismatch:?}");
    assert_eq!(mismatch.spans[0].line, 5);
    assert!(explanation.iter().all(|it| it.level == Level::Note), "{explanation:?}");
    let told = |event: &BuildEvent| matches!(event, BuildEvent::Diagnostic(it) if it == mismatch);
    assert!(events.iter().any(told), "{events:?}");
    assert_eq!(
        error.to_string(),
        "hot-logic does not compile: mismatched types at hot-logic/src/lib.rs:5:5"
    );

    fixture.edit("hot-logic/src/lib.rs", "\"twenty\"\n}", "20\n");
    let (error, _) = build_and_fail(&builder);
    assert!(error.to_string().contains("unclosed delimiter"), "{error}");
    assert_eq!(
        std::fs::read(&before.artifact.path).expect("still there").len() as u64,
        before.artifact.size
    );

    fixture.edit("hot-logic/src/lib.rs", "20\n", "30\n}\n");
    let outcome = build(&builder);
    assert!(outcome.number > before.number);
    assert_line(&run(&host, &[&outcome]), "hot value 30");
}

#[test]
fn a_symbol_that_nobody_has_is_a_link_error_that_names_it() {
    let fixture = Fixture::new();
    let (builder, _) = fixture.started(Settings::default());
    let text = fixture.read("hot-logic/src/lib.rs");
    fixture.edit(
        "hot-logic/src/lib.rs",
        "    10\n",
        "    unsafe extern \"C\" {\n        fn nobody_has_this() -> u32;\n    }\n    unsafe { nobody_has_this() }\n",
    );
    let (error, _) = build_and_fail(&builder);
    assert!(matches!(error, Error::Link { .. }), "{error:?}");
    let words: String = error.diagnostics().iter().map(|it| it.rendered.as_str()).collect();
    assert!(words.contains("nobody_has_this"), "{words}");
    fixture.write("hot-logic/src/lib.rs", &text);
    build(&builder);
}

#[test]
fn warnings_are_told_and_do_not_stop_anything() {
    let fixture = Fixture::new();
    let (builder, _) = fixture.started(Settings::default());
    fixture.edit("hot-logic/src/lib.rs", "    10\n", "    let unused = 1;\n    10\n");
    let task = builder.start().expect("starts");
    let warned = |event: BuildEvent| matches!(event, BuildEvent::Diagnostic(it) if it.code.as_deref() == Some("unused_variables"));
    assert!(task.events().iter().any(warned));
    let outcome = task.wait().expect("builds");
    assert_eq!((outcome.warnings, outcome.change), (1, Change::Built));
    assert!(outcome.timings.first_diagnostic.expect("told") < outcome.timings.total);
}

#[test]
fn new_and_renamed_modules_are_followed() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    let role = |path: &str| {
        let path = fixture.root().join(path);
        builder.inputs().into_iter().find(|input| input.path == path).map(|input| input.role)
    };
    assert_eq!(role("hot-logic/src/lib.rs"), Some(InputRole::HotSource));
    assert_eq!(
        role("shapes/src/lib.rs"),
        Some(InputRole::DependencySource { package: "shapes".into() })
    );
    assert_eq!(role("app/src/main.rs"), Some(InputRole::HostSource { package: "app".into() }));
    assert_eq!(role("app/Cargo.toml"), Some(InputRole::Manifest));
    assert_eq!(role("Cargo.lock"), Some(InputRole::LockFile));
    assert_eq!(role(".cargo/config.toml"), Some(InputRole::CargoConfig));

    fixture.edit("hot-logic/src/lib.rs", "    10\n", "    rules::value()\n");
    fixture.edit("hot-logic/src/lib.rs", "pub struct", "mod rules;\npub struct");
    let (error, _) = build_and_fail(&builder);
    assert!(error.to_string().contains("file not found for module"), "{error}");
    fixture.write("hot-logic/src/rules.rs", "pub fn value() -> u32 { 30 }\n");
    assert_line(&run(&host, &[&build(&builder)]), "hot value 30");
    assert_eq!(role("hot-logic/src/rules.rs"), Some(InputRole::HotSource));

    fixture.edit("hot-logic/src/rules.rs", "30", "40");
    let edited = build(&builder);
    assert_eq!(edited.change, Change::Built);
    let root = fixture.root().join("hot-logic/src");
    std::fs::create_dir(root.join("rules")).expect("created");
    std::fs::rename(root.join("rules.rs"), root.join("rules/mod.rs")).expect("renamed");
    assert_line(&run(&host, &[&build(&builder)]), "hot value 40");
    assert_eq!(role("hot-logic/src/rules/mod.rs"), Some(InputRole::HotSource));
}

#[test]
fn an_edit_of_the_host_itself_is_named() {
    let fixture = Fixture::new();
    let (builder, _) = fixture.started(Settings::default());
    fixture.edit("app/src/main.rs", "host value", "the host's value");
    fixture.edit_value(10, 20);
    let outcome = build(&builder);
    assert_eq!(outcome.host_behind, ["the host's own crate was edited after it was built"]);
}
