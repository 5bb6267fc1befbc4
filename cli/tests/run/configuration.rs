//! Command lines and configurations that people have.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::lab::Lab;

/// Whether a tool is there; says so where it is not.
fn is_installed(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    if !found {
        println!("skipped: there is no `{tool}` here");
    }
    found
}

#[test]
fn it_runs_from_a_subdirectory_with_features_for_a_package_that_is_named() {
    let lab = Lab::new("below");
    lab.edit(
        "host/Cargo.toml",
        "[dependencies]\n",
        "[features]\nextra = [\"rules/extra\"]\n[dependencies]\n",
    );
    lab.edit("hot/Cargo.toml", "[dependencies]\n", "[features]\nextra = []\n[dependencies]\n");
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ if cfg!(feature = \"extra\") { 1 } else { 9 } }");
    // A second program that would fit as well.
    lab.add_crate("second", "[dependencies]\nbelow-hot = { path = \"../hot\" }\n", "");
    lab.write("second/src/main.rs", "fn main() {}\n");
    let mut run = lab.run_in("hot/src", &["-p", "below-host", "--features", "extra"]);
    run.wait_for("value 1");
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 2 }");
    run.wait_for("value 2");
    run.wait_for_swap(1, "value");
    assert!(lab.liveswap(&["status"]).contains("(shared)"));
    run.tell("TERM");
    run.code();
}

/// Builds host and artifact with a linker in cargo's configuration that notes that it was called,
/// and loads the one into the other.
fn with_linker(script: &str) {
    let lab = Lab::tiny("linked");
    let (linker, called) = (lab.path("linker.sh"), lab.path("called"));
    fs::write(&linker, format!("#!/bin/sh\necho x >> {called:?}\n{script}\n")).unwrap();
    fs::set_permissions(&linker, fs::Permissions::from_mode(0o755)).unwrap();
    let triple = host_triple();
    lab.write(".cargo/config.toml", &format!("[target.{triple}]\nlinker = {linker:?}\n"));
    let built = lab.liveswap(&["build", "--shared", "--json"]);
    let built: serde_json::Value = serde_json::from_str(&built).unwrap();
    assert_eq!(built["kind"], "shared", "{built}");
    assert!(fs::read_to_string(&called).unwrap().lines().count() > 0, "it was not called");
    assert_eq!(ask(&built), "true 1");
}

/// What the program says of an artifact: whether they are one crate, and the new value.
fn ask(built: &serde_json::Value) -> String {
    let text = |key: &str| built[key].as_str().unwrap().to_owned();
    let output = Command::new(text("host")).arg(text("artifact")).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn mold_as_the_configured_linker_works() {
    if is_installed("mold") && is_installed("clang") {
        with_linker("exec clang -fuse-ld=mold \"$@\"");
    }
}

#[test]
fn clang_as_the_configured_linker_works() {
    if is_installed("clang") {
        with_linker("exec clang \"$@\"");
    }
}

#[test]
fn one_build_leaves_its_artifacts_where_it_is_told_to() {
    let lab = Lab::tiny("where");
    let triple = host_triple();
    let target = lab.path("else where");
    let flags = ["--target", &triple, "--target-dir", target.to_str().unwrap()];
    for (release, profile) in [(false, "debug"), (true, "release")] {
        let mut args = vec!["build"];
        args.extend(flags);
        args.extend(release.then_some("--release"));
        let built = lab.liveswap(&args);
        let artifact = target.join(&triple).join(profile).join("libwhere_hot.so");
        assert_eq!(Path::new(built.trim()), artifact);
        assert!(artifact.is_file());
    }
    let out = lab.path("out");
    let rest = ["build", "--shared", "--json", "--artifact-dir", out.to_str().unwrap()];
    let built = lab.liveswap(&[rest.as_slice(), &flags].concat());
    let built: serde_json::Value = serde_json::from_str(&built).unwrap();
    assert_eq!((&built["kind"], &built["crate"]), (&"shared".into(), &"where_hot".into()));
    assert_eq!(built["artifact"], out.join("libwhere_hot.so").to_str().unwrap());
    assert!(built["host"].as_str().unwrap().ends_with("debug/where-host"), "{built}");
    assert_eq!(ask(&built), "true 1");

    // The program that is run is that of the same place.
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 2 }");
    let mut run = lab.run(&flags);
    run.wait_for("no artifact, value 2");
    assert_eq!(run.code(), Some(0));
}

fn host_triple() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}
