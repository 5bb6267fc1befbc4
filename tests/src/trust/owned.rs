//! Artifacts of this user and of nobody else, and stages that nobody else can change.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use super::{mark, marking, mode, program, refused, taken};
use crate::harness::{Workbench, rename_over, swap, v2, v3};

#[test]
fn an_artifact_that_everybody_can_write_is_refused_until_they_cannot() {
    let bench = Workbench::new();
    let mut host = program(&bench).start();
    let aside = bench.artifact().with_extension("part");
    fs::copy(marking().artifact(), &aside).unwrap();
    mode(&aside, 0o666);
    fs::rename(&aside, bench.artifact()).unwrap();
    let artifact = bench.artifact();
    let item = format!("item={{permissions of `{}`}}", artifact.display());
    let remedy = format!("remedy={{`chmod go-w {}`, and build with", artifact.display());
    let found = "expected={nobody else may write} found={mode 0666: everybody may}";
    refused(&bench, &mut host, "stage", &[&item, found, &remedy]);
    // As it says; nothing else happens to the file.
    mode(&artifact, 0o644);
    taken(&bench, &mut host);
    swap(&bench, &mut host, &v3(), 2);
    host.finish();
}

#[test]
fn a_directory_that_everybody_can_write_is_refused_unless_they_can_only_add_to_it() {
    let bench = Workbench::new();
    let mut host = program(&bench).start();
    mode(&bench.directory(), 0o777);
    bench.install(&marking());
    let item = format!("item={{permissions of the directory `{}`}}", bench.directory().display());
    let remedy = format!("remedy={{`chmod go-w {}`, and save again}}", bench.directory().display());
    refused(&bench, &mut host, "stage", &[&item, "found={mode 0777: everybody may}", &remedy]);
    mode(&bench.directory(), 0o1777);
    bench.install(&marking());
    taken(&bench, &mut host);
    host.finish();
}

#[test]
fn a_link_that_leads_where_others_can_write_is_refused_also_when_it_is_turned_there_later() {
    let bench = Workbench::new();
    let [good, bad, link] = ["good", "bad", "link"].map(|name| bench.root().join(name));
    fs::create_dir(&good).unwrap();
    fs::create_dir(&bad).unwrap();
    mode(&bad, 0o777);
    symlink(&good, &link).unwrap();
    let mut program = bench.bare_program(&bench.link_to_host("program"));
    program.command.arg("--artifact").arg(link.join(v2().file_name()));
    program.command.arg("--stage-dir").arg(bench.root()).env("HOT_FIXTURE_MARK", mark(&bench));
    let mut host = program.start();

    rename_over(&marking().artifact(), &bad.join(v2().file_name()));
    let turn = |to: &Path| {
        let aside = bench.root().join("aside");
        symlink(to, &aside).unwrap();
        fs::rename(&aside, &link).unwrap();
    };
    turn(&bad);
    let item = format!("item={{permissions of the directory `{}`}}", bad.display());
    refused(&bench, &mut host, "stage", &[&item, "found={mode 0777: everybody may}"]);
    turn(&good);
    rename_over(&marking().artifact(), &good.join(v2().file_name()));
    taken(&bench, &mut host);
    host.finish();
}

#[test]
fn an_artifact_of_somebody_else_is_refused_until_it_is_given_to_this_user() {
    let bench = Workbench::new();
    let mut host = program(&bench).start();
    let aside = bench.artifact().with_extension("part");
    fs::copy(marking().artifact(), &aside).unwrap();
    if chown(&aside, Some(4242), None).is_err() {
        println!("skipped: only root can give files away");
        return;
    }
    fs::rename(&aside, bench.artifact()).unwrap();
    let item = format!("item={{owner of `{}`}}", bench.artifact().display());
    let remedy = format!(
        "remedy={{give it to the user who runs the program (`chown 0 {}`)",
        bench.artifact().display()
    );
    refused(&bench, &mut host, "stage", &[&item, "expected={root (0)} found={uid 4242}", &remedy]);
    chown(bench.artifact(), Some(0), None).unwrap();
    taken(&bench, &mut host);

    let directory = bench.directory();
    chown(&directory, Some(4242), None).unwrap();
    bench.install(&v3());
    let item = format!("item={{owner of the directory `{}`}}", directory.display());
    let line = host.event(&["refused step=stage "]);
    assert!(line.contains(&item), "{item} in {line}");
    chown(&directory, Some(0), None).unwrap();
    swap(&bench, &mut host, &v3(), 2);
    host.finish();
}

#[test]
fn a_checkout_of_somebody_else_is_no_obstacle_to_who_runs_a_program_from_there() {
    let bench = Workbench::new();
    let checkout = bench.root().join("checkout");
    let executable = bench.link_to_host("checkout/target/debug/program");
    if chown(&checkout, Some(4242), None).is_err() {
        println!("skipped: only root can give files away");
        return;
    }
    let mut program = bench.bare_program(&executable);
    let artifact = checkout.join("target/debug").join(v2().file_name());
    program.command.arg("--stage-dir").arg(bench.root()).env("HOT_FIXTURE_MARK", mark(&bench));
    let mut host = program.start();
    rename_over(&marking().artifact(), &artifact);
    taken(&bench, &mut host);
    // Whoever owns that directory could have put another program there, but this program is not theirs.
    let aside = artifact.with_extension("part");
    fs::copy(v3().artifact(), &aside).unwrap();
    chown(&aside, Some(4242), None).unwrap();
    fs::rename(&aside, &artifact).unwrap();
    let line = host.event(&["refused step=stage "]);
    assert!(line.contains(" expected={root (0)} found={uid 4242}"), "{line}");
    host.finish();
}

#[test]
fn a_group_of_ones_own_may_write() {
    let name = |of: &str| {
        let output = std::process::Command::new("id").arg(of).arg("-n").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    if name("-u") != name("-g") {
        println!("skipped: this user's first group is not their own");
        return;
    }
    let bench = Workbench::new();
    let mut host = program(&bench).start();
    // As a umask of 002 leaves them.
    mode(bench.root(), 0o775);
    mode(&bench.directory(), 0o775);
    let aside = bench.artifact().with_extension("part");
    fs::copy(marking().artifact(), &aside).unwrap();
    mode(&aside, 0o664);
    fs::rename(&aside, bench.artifact()).unwrap();
    taken(&bench, &mut host);

    // A group of somebody else's, where this user can make one.
    if chown(bench.artifact(), None, Some(4242)).is_ok() {
        fs::copy(v3().artifact(), &aside).unwrap();
        chown(&aside, None, Some(4242)).unwrap();
        mode(&aside, 0o664);
        fs::rename(&aside, bench.artifact()).unwrap();
        let line = host.event(&["refused step=stage "]);
        assert!(
            line.contains("found={mode 0664: the group 4242 may} remedy={`chmod g-w "),
            "{line}"
        );
    }
    host.finish();
}

#[test]
fn a_program_does_not_start_where_others_could_change_its_stages() {
    let bench = Workbench::new();
    let stages = bench.stages();
    fs::create_dir_all(&stages).unwrap();
    mode(&stages, 0o777);
    let mut host = program(&bench).spawn();
    let error = host.try_ask(&["start"]).unwrap_err();
    let expected = format!(
        "stage: permissions of the directory `{}`: nobody else may write -> mode 0777: everybody may; `chmod go-w ",
        stages.display()
    );
    assert!(error.starts_with(&expected), "{error}");
    mode(&stages, 0o755);
    host.ask(&["start"]);
    bench.install(&marking());
    taken(&bench, &mut host);
    host.finish();
}
