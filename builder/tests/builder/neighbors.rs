//! Hot crates that are made of more than plain Rust: macros, foreign code, themselves.

use std::process::Command;

use liveswap_builder::{ArtifactKind, BuildEvent, Settings};

use crate::fixture::{Fixture, assert_line, build, run};

const MACRO: &str = r#"
extern crate proc_macro;

#[proc_macro]
pub fn number(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    "7u32".parse().unwrap()
}
"#;

#[test]
fn an_edited_procedural_macro_is_rebuilt_before_what_uses_it() {
    let fixture = Fixture::new();
    fixture.write(
        "numbers/Cargo.toml",
        "[package]\nname = \"numbers\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n",
    );
    fixture.write("numbers/src/lib.rs", MACRO);
    fixture.edit("Cargo.toml", "\"shapes\"", "\"shapes\", \"numbers\"");
    fixture.edit(
        "hot-logic/Cargo.toml",
        "[dependencies]",
        "[dependencies]\nnumbers = { path = \"../numbers\" }",
    );
    fixture.edit("hot-logic/src/lib.rs", "    10\n", "    numbers::number!()\n");
    let (builder, host) = fixture.started(Settings::default());
    assert_line(&run(&host, &[&build(&builder)]), "hot value 7");
    fixture.edit("numbers/src/lib.rs", "7u32", "8u32");
    let outcome = build(&builder);
    assert_eq!(outcome.rebuilt, ["numbers"]);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared);
    assert_line(&run(&host, &[&outcome]), "hot value 8");
}

#[test]
fn foreign_code_of_a_dependency_is_the_hosts_with_its_globals() {
    let fixture = Fixture::new();
    // Of the kind that `-sys` crates are: an archive made by a build script, not bundled.
    fixture.write(
        "shapes/build.rs",
        r#"
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=counter.c");
    let out = std::env::var("OUT_DIR").unwrap();
    let run = |command: &mut Command| assert!(command.status().unwrap().success());
    let object = format!("{out}/counter.o");
    run(Command::new("cc").args(["-c", "-fPIC", "counter.c", "-o", &object]));
    run(Command::new("ar").args(["crs", &format!("{out}/libcounter.a"), &object]));
    println!("cargo::rustc-link-search=native={out}");
    println!("cargo::rustc-link-lib=static:-bundle=counter");
}
"#,
    );
    fixture.write("shapes/counter.c", "static int n = 0;\nint count_up(void) { return ++n; }\n");
    fixture.write(
        "shapes/src/lib.rs",
        "unsafe extern \"C\" {\n    safe fn count_up() -> u32;\n}\n#[inline]\npub fn corners() -> u32 {\n    count_up()\n}\n",
    );
    let (builder, host) = fixture.started(Settings::default());
    let outcome = build(&builder);
    assert_eq!(outcome.artifact.kind, ArtifactKind::Shared, "{outcome:?}");
    let lines = run(&host, &[&outcome]);
    assert_line(&lines, "host shape 1");
    assert_line(&lines, "hot shape 2");
}

#[test]
fn a_hot_crate_that_is_in_the_build_twice_is_the_one_that_the_host_links() {
    let fixture = Fixture::new();
    fixture.edit("app/Cargo.toml", "[dependencies]", "[build-dependencies]\nlogic = { package = \"hot-logic\", path = \"../hot-logic\", features = [\"loud\"] }\n\n[dependencies]");
    fixture.write("app/build.rs", "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    assert_eq!(logic::value(), 11);\n}\n");
    fixture.edit(
        "hot-logic/src/lib.rs",
        "    10\n",
        "    if cfg!(feature = \"loud\") { 11 } else { 10 }\n",
    );
    let (builder, host) = fixture.started(Settings::default());
    fixture.edit("hot-logic/src/lib.rs", "{ 10 }", "{ 20 }");
    let lines = run(&host, &[&build(&builder)]);
    assert_line(&lines, "host value 10");
    assert_line(&lines, "hot value 20");
    assert_line(&lines, "same type true");

    // Captured again: the running host stays what it was.
    fixture.edit("hot-logic/Cargo.toml", "version = \"0.1.0\"", "version = \"0.2.0\"");
    fixture.edit(
        "hot-logic/src/lib.rs",
        "{ 20 }",
        "{ env!(\"CARGO_PKG_VERSION_MINOR\").len() as u32 + 20 }",
    );
    let kept = fixture.root().join("kept-host");
    std::fs::copy(&host.executable, &kept).expect("copied");
    let host = liveswap_builder::BuiltHost { executable: kept, ..host };
    let outcome = build(&builder);
    assert!(outcome.recaptured.is_some());
    let lines = run(&host, &[&outcome]);
    assert_line(&lines, "hot value 21");
    assert_line(&lines, "same type true");
}

#[test]
fn cargo_tells_of_no_failure_when_it_is_only_stopped() {
    let fixture = Fixture::new();
    let (builder, _) = fixture.started(Settings::default());
    fixture.edit("hot-logic/Cargo.toml", "default = []", "default = [\"loud\"]");
    fixture.edit_value(10, 20);
    let task = builder.start().expect("starts");
    let events: Vec<BuildEvent> = task.events().iter().collect();
    task.wait().expect("builds");
    let failure =
        |event: &&BuildEvent| matches!(event, BuildEvent::Cargo(line) if line.contains("error"));
    assert_eq!(events.iter().find(failure), None, "{events:#?}");
    assert!(events.iter().any(|event| matches!(event, BuildEvent::Capturing(_))), "{events:#?}");
}

#[test]
fn a_workspace_wrapper_is_called_as_cargo_calls_it() {
    let fixture = Fixture::new();
    let log = fixture.root().join("wrapper.log");
    fixture.write(
        "my-wrapper",
        &format!("#!/bin/sh\necho \"$@\" >> {}\nexec \"$@\"\n", log.display()),
    );
    let wrapper = fixture.root().join("my-wrapper");
    let mut mode = std::fs::metadata(&wrapper).expect("there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&wrapper, mode).expect("set");
    fixture
        .write(".cargo/config.toml", &format!("[build]\nrustc-workspace-wrapper = {wrapper:?}\n"));
    let (builder, host) = fixture.started(Settings::default());
    fixture.edit_value(10, 20);
    let outcome = build(&builder);
    let lines = run(&host, &[&outcome]);
    assert_line(&lines, "hot value 20");
    assert_line(&lines, "same type true");
    let text = std::fs::read_to_string(&log).expect("called");
    assert!(text.lines().any(|line| line.contains("cdylib")), "{text}");
    assert!(Command::new(&host.executable).output().expect("runs").status.success());
}

#[test]
fn clang_and_mold_are_used_where_they_are_configured() {
    let present = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let configured = [("clang", "lld"), ("clang", "mold"), ("gcc", "mold")];
    for (driver, linker) in configured {
        let program = if linker == "lld" { "ld.lld" } else { linker };
        if !present(driver) || !present(program) {
            continue;
        }
        let fixture = Fixture::new();
        fixture.write(
            ".cargo/config.toml",
            &format!(
                "[target.'cfg(unix)']\nlinker = {driver:?}\n\
                 rustflags = [\"-Clink-arg=-fuse-ld={linker}\"]\n"
            ),
        );
        let (builder, host) = fixture.started(Settings::default());
        fixture.edit_value(10, 20);
        let outcome = build(&builder);
        assert_eq!(outcome.artifact.kind, ArtifactKind::Shared, "{driver} {linker}: {outcome:?}");
        assert_eq!(outcome.linker.to_str(), Some(driver));
        let lines = run(&host, &[&outcome]);
        assert_line(&lines, "hot value 20");
        assert_line(&lines, "same type true");
    }
}
