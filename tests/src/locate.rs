//! Where an artifact is found when nobody says where it is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Host, Program, Workbench, rename_over, v1, v2, v3};

/// The program at `path` below a target directory, told nothing.
fn program_at(bench: &Workbench, path: &str) -> Program {
    let executable = bench.link_to_host(path);
    let target = bench.root().join("target");
    fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
    bench.bare_program(&executable).stages_under(&target)
}

fn takes(host: &mut Host, directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    let artifact = directory.join(v1().file_name());
    rename_over(&v2().artifact(), &artifact);
    let swapped = host.swapped(1);
    assert!(swapped.ends_with(artifact.to_str().unwrap()), "{swapped}");
    host.runs(2);
}

#[test]
fn beside_the_program_in_every_layout_of_cargo() {
    // The crate `hot-fixture` has a hyphen, its library an underscore.
    for (executable, artifact) in [
        ("target/debug/host", "target/debug"),
        ("target/debug/host", "target/debug/deps"),
        ("target/debug/deps/host-0123456789abcdef", "target/debug"),
        ("target/debug/deps/host-0123456789abcdef", "target/debug/deps"),
        ("target/debug/examples/host", "target/debug"),
        ("target/x86_64-unknown-linux-gnu/fast/host", "target/x86_64-unknown-linux-gnu/fast"),
    ] {
        let bench = Workbench::new();
        let mut host = program_at(&bench, executable).start();
        takes(&mut host, &bench.root().join(artifact));
        host.finish();
    }
}

#[test]
fn whatever_the_current_directory_is() {
    let bench = Workbench::new();
    let mut program = program_at(&bench, "target/debug/host");
    program.command.current_dir("/");
    let mut host = program.start();
    takes(&mut host, &bench.root().join("target/debug"));
    host.finish();

    // Started by a relative name.
    let bench = Workbench::new();
    let program = program_at(&bench, "target/debug/host");
    let mut relative = bench.bare_program(Path::new("./debug/host"));
    relative.command.current_dir(bench.root().join("target"));
    let mut host = relative.stages_under(&bench.root().join("target")).start();
    drop(program);
    takes(&mut host, &bench.root().join("target/debug"));
    host.finish();
}

#[test]
fn where_the_environment_says() {
    let bench = Workbench::new();
    let elsewhere = bench.root().join("elsewhere");
    let program = program_at(&bench, "target/debug/host").env("LIVESWAP_ARTIFACT_DIR", &elsewhere);
    let mut host = program.start();
    // Nothing is taken from the usual place any more.
    let usual = bench.root().join("target/debug").join(v1().file_name());
    rename_over(&v3().artifact(), &usual);
    takes(&mut host, &elsewhere);
    assert_eq!(host.events(&["swapped"]), 1);
    host.finish();
}

#[test]
fn where_the_program_says_even_against_the_environment() {
    let bench = Workbench::new();
    let [said, environment] = ["said", "environment"].map(|name| bench.root().join(name));
    let program = program_at(&bench, "target/debug/host")
        .env("LIVESWAP_ARTIFACT_DIR", &environment)
        .arg("--artifact-dir", said.to_str().unwrap());
    let mut host = program.start();
    takes(&mut host, &said);
    host.finish();
}

#[test]
fn by_a_relative_path() {
    let bench = Workbench::new();
    let mut program = bench.bare_program(&bench.link_to_host("bin/host"));
    program.command.current_dir(bench.root()).args(["--artifact-dir", "relative"]);
    let mut host = program.stages_under(&bench.root().join("bin")).start();
    fs::create_dir(bench.root().join("relative")).unwrap();
    let artifact: PathBuf = bench.root().join("relative").join(v1().file_name());
    rename_over(&v2().artifact(), &artifact);
    host.swapped(1);
    host.runs(2);
    host.finish();
}
