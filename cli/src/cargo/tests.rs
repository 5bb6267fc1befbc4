use super::*;
use crate::args::Place;
use crate::project::{Host, HotCrate};

fn project() -> Project {
    let hot = |package: &str| HotCrate {
        id: format!("path+file:///w/{package}#0.1.0"),
        package: package.to_owned(),
        name: package.replace('-', "_"),
        manifest: format!("/w/{package}/Cargo.toml").into(),
        crate_types: vec!["rlib".to_owned(), "cdylib".to_owned()],
    };
    Project {
        workspace: "/w".into(),
        target_directory: "/w/target".into(),
        host: Host {
            id: "path+file:///w/host#0.1.0".to_owned(),
            name: "host".to_owned(),
            binary: "game".to_owned(),
            manifest: "/w/host/Cargo.toml".into(),
            features: ["default", "sound", "net"].map(str::to_owned).into(),
            environment: Vec::new(),
        },
        hot: vec![hot("game-logic")],
        manifests: Vec::new(),
    }
}

fn words(what: &What, scope: Scope) -> Vec<String> {
    let arguments = arguments(&project(), what, scope);
    arguments.into_iter().map(|argument| argument.into_string().unwrap()).collect()
}

fn value<'a>(words: &'a [String], option: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| word == option)?;
    words.get(at + 1).map(String::as_str)
}

#[test]
fn host_and_hot_crates_are_always_selected_together() {
    for scope in [Scope::HotCrates, Scope::Program] {
        let words = words(&What::default(), scope);
        let packages = words.iter().filter(|word| word.starts_with("path+file://"));
        assert_eq!(packages.count(), 2, "{words:?}");
        assert_eq!(value(&words, "--manifest-path"), Some("/w/host/Cargo.toml"));
        assert!(words.contains(&"--lib".to_owned()));
    }
}

#[test]
fn the_artifacts_alone_differ_only_in_the_binary() {
    let everything = words(&What::default(), Scope::Program);
    let mut artifacts = words(&What::default(), Scope::HotCrates);
    assert_eq!(value(&everything, "--bin"), Some("game"));
    let at = everything.iter().position(|word| word == "--bin").unwrap();
    artifacts.splice(at..at, ["--bin".to_owned(), "game".to_owned()]);
    assert_eq!(artifacts, everything);
}

#[test]
fn features_are_the_hosts_own() {
    let table: [(&str, What, &str); 6] = [
        ("usual", What::default(), "host/default"),
        ("no default", What { no_default_features: true, ..What::default() }, ""),
        ("all", What { all_features: true, ..What::default() }, "host/default,host/sound,host/net"),
        (
            "some",
            What { features: vec!["sound,game-logic/extra".to_owned()], ..What::default() },
            "host/default,host/sound,game-logic/extra",
        ),
        ("release", What { release: true, ..What::default() }, "host/default,liveswap-abi/always"),
        (
            "profile",
            What { profile: Some("slim".to_owned()), no_default_features: true, ..What::default() },
            "liveswap-abi/always",
        ),
    ];
    for (name, what, expected) in table {
        let words = words(&what, Scope::Program);
        assert_eq!(value(&words, "--features").unwrap_or(""), expected, "{name}");
        // A hot crate that is selected must not get defaults that the host does not ask for.
        assert!(words.contains(&"--no-default-features".to_owned()), "{name}");
    }
}

#[test]
fn what_cargo_run_understands_is_passed_on() {
    let what = What {
        release: true,
        target: Some("x86_64-unknown-linux-musl".to_owned()),
        jobs: Some("3".to_owned()),
        locked: true,
        offline: true,
        place: Place { manifest_path: None, target_dir: Some("elsewhere".into()) },
        ..What::default()
    };
    let words = words(&what, Scope::Program);
    assert_eq!(value(&words, "--target"), Some("x86_64-unknown-linux-musl"));
    assert_eq!(value(&words, "--target-dir"), Some("/w/target"));
    assert_eq!(value(&words, "--jobs"), Some("3"));
    for flag in ["--release", "--locked", "--offline"] {
        assert!(words.contains(&flag.to_owned()), "{flag}");
    }
}

fn hear(lines: &str) -> Report {
    let mut report = Report::default();
    for message in Message::parse_stream(lines.as_bytes()) {
        report.hear(message.unwrap(), &project());
    }
    report
}

fn diagnostic(level: &str, spans: bool, message: &str, help: &str) -> String {
    let span = r#"{"file_name":"src/lib.rs","byte_start":0,"byte_end":1,"line_start":1,"line_end":1,"column_start":1,"column_end":2,"is_primary":true,"text":[],"label":null,"suggested_replacement":null,"suggestion_applicability":null,"expansion":null}"#;
    let child = serde_json::json!({
        "message": help, "code": null, "level": "help", "spans": [], "children": [], "rendered": null
    });
    let mut message = serde_json::json!({
        "message": message, "code": null, "level": level, "spans": [],
        "children": [child], "rendered": format!("{level}: {message}\n"),
    });
    if spans {
        message["spans"] = serde_json::from_str(&format!("[{span}]")).unwrap();
    }
    let target = serde_json::json!({
        "kind": ["lib"], "crate_types": ["lib"], "name": "a", "src_path": "/w/a.rs", "edition": "2024",
        "doctest": true, "test": true, "doc": true
    });
    let line = serde_json::json!({
        "reason": "compiler-message", "package_id": "path+file:///w/host#0.1.0",
        "manifest_path": "/w/Cargo.toml", "target": target, "message": message
    });
    format!("{line}\n")
}

fn artifact(id: &str, name: &str, files: &[&str], fresh: bool, executable: Option<&str>) -> String {
    let line = serde_json::json!({
        "reason": "compiler-artifact", "package_id": id, "manifest_path": "/w/Cargo.toml",
        "target": { "kind": ["lib"], "crate_types": ["lib"], "name": name,
            "src_path": "/w/a.rs", "edition": "2024", "doctest": true, "test": true, "doc": true },
        "profile": { "opt_level": "0", "debuginfo": 2, "debug_assertions": true,
            "overflow_checks": true, "test": false },
        "features": [], "filenames": files, "executable": executable, "fresh": fresh
    });
    format!("{line}\n")
}

#[test]
fn what_was_made_is_told_by_cargo_and_not_guessed() {
    let hot = "path+file:///w/game-logic#0.1.0";
    let report = hear(
        &[
            artifact("registry+x#dep@1.0.0", "game_logic", &["/t/libgame_logic.so"], false, None),
            artifact(hot, "build-script-build", &["/t/build-script-build"], false, None),
            artifact(
                hot,
                "game_logic",
                &["/t/libgame_logic.rlib", "/t/libgame_logic.so"],
                false,
                None,
            ),
            artifact("path+file:///w/host#0.1.0", "game", &["/t/game"], true, Some("/t/game")),
        ]
        .concat(),
    );
    let library = Library {
        hot_crate: "game_logic".to_owned(),
        artifact: Some("/t/libgame_logic.so".into()),
        built: true,
    };
    assert_eq!(report.libraries, [library]);
    assert_eq!(report.executable, Some(("/t/game".into(), false)));
}

#[test]
fn errors_and_warnings_are_told_apart_and_summaries_left_out() {
    let report = hear(
        &[
            diagnostic("warning", true, "unused variable", ""),
            diagnostic("warning", false, "1 warning emitted", ""),
            diagnostic("error", true, "mismatched types", ""),
            diagnostic("error", false, "aborting due to 1 previous error", ""),
        ]
        .concat(),
    );
    assert_eq!((report.warning_count, report.warnings.as_str()), (1, "warning: unused variable\n"));
    assert!(report.errors.starts_with("error: mismatched types\n"), "{}", report.errors);
}

#[test]
fn files_that_an_error_did_not_find_are_known() {
    let report = hear(&diagnostic(
        "error",
        true,
        "file not found for module `physics`",
        "to create the module `physics`, create file \"logic/src/physics.rs\" or \
         \"logic/src/physics/mod.rs\"",
    ));
    let expected = ["/w/logic/src/physics.rs", "/w/logic/src/physics/mod.rs"].map(PathBuf::from);
    assert_eq!(report.missing, expected);

    let table: [(&str, &[&str]); 4] = [
        (
            "couldn't read `logic/src/table.txt`: No such file or directory (os error 2)",
            &["/w/logic/src/table.txt"],
        ),
        ("cannot find function `tick` in this scope", &[]),
        ("unresolved import `crate::a::b`", &[]),
        ("expected `&str`, found `a / b`", &[]),
    ];
    for (message, expected) in table {
        let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(hear(&diagnostic("error", true, message, "")).missing, expected, "{message}");
    }
}
