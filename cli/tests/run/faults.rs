//! What goes wrong around `cargo liveswap` itself.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::Lab;
use crate::session::is_there;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Where a program is told to look for artifacts.
fn artifacts_of(program: u32) -> PathBuf {
    let environment = fs::read(format!("/proc/{program}/environ")).unwrap();
    let mut variables = environment.split(|byte| *byte == 0);
    let given = variables.find_map(|it| it.strip_prefix(b"LIVESWAP_ARTIFACT_DIR="));
    PathBuf::from(str::from_utf8(given.expect("it is told")).unwrap())
}

/// What a session left of itself in the directory of sockets.
fn left(lab: &Lab, pid: u32) -> usize {
    let names = fs::read_dir(lab.target().join("liveswap/run")).unwrap().flatten();
    let begin = format!("control-{pid}-");
    names.filter(|name| name.file_name().to_str().unwrap().starts_with(&begin)).count()
}

#[test]
fn a_session_that_is_killed_leaves_its_program_alive_and_nothing_in_the_way_of_the_next() {
    let lab = Lab::new("slain");
    let mut run = lab.run(&[]);
    run.wait_for("value 1");
    let (session, program) = (run.pid(), run.program());
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 2 }");
    run.wait_for("value 2");
    // With a build on its way or done.
    lab.edit("hot/src/lib.rs", "{ 2 }", "{ 3 }");
    run.tell("KILL");
    assert_eq!(run.code(), None);
    assert_eq!(left(&lab, session), 2, "its socket, and the file that names it");

    let mut next = lab.run(&[]);
    next.wait_for("value 3");
    assert_eq!(left(&lab, session), 0, "removed by the next");
    assert_eq!(left(&lab, next.pid()), 2);
    lab.edit("hot/src/lib.rs", "{ 3 }", "{ 4 }");
    next.wait_for("value 4");
    next.wait_for("  value  ");
    // Where the artifacts are has not changed, so whoever is left takes them as well.
    run.wait_for("value 4");
    let status = Command::new("kill").args(["-s", "KILL", &program.to_string()]).status();
    assert!(status.unwrap().success());
    next.tell("TERM");
    assert_eq!(next.code(), Some(143));
    assert_eq!(left(&lab, next.pid()), 0, "one that ends removes it itself");
    assert!(!is_there(program));
}

#[test]
fn a_target_directory_that_cannot_be_written_to_is_said_and_the_program_goes_on() {
    let lab = Lab::new("locked");
    let mut run = lab.run_as_a_user(&["run"]);
    run.wait_for("value 1");
    let program = run.program();
    let artifacts = artifacts_of(program);
    let built = artifacts.parent().unwrap();
    let own = fs::read_dir(built).unwrap().flatten().map(|entry| entry.path());
    let own =
        own.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("builder-"));
    let own = own.max().expect("the builder works somewhere");
    let remedy =
        "; give this user access to it, or choose another target directory: Permission denied";
    let mut value = 1;
    for (directory, words) in [(&artifacts, "cannot publish "), (&own, "cannot write ")] {
        set_mode(directory, 0o555);
        lab.edit("hot/src/lib.rs", &format!("{{ {value} }}"), &format!("{{ {} }}", value + 1));
        run.wait_for(&format!("{words}{}/", directory.display()));
        assert!(run.heard().contains(remedy), "{}", run.heard());
        let unseen = format!("value {}", value + 1);
        assert!(!run.heard().contains(&unseen), "{}", run.heard());
        set_mode(directory, 0o755);
        lab.edit(
            "hot/src/lib.rs",
            &format!("{{ {} }}", value + 1),
            &format!("{{ {} }}", value + 2),
        );
        value += 2;
        run.wait_for(&format!("value {value}"));
        assert_eq!(run.program(), program);
    }

    // The same for what nobody can write to, whoever it is.
    let artifact = artifacts.join("liblocked_hot.so");
    fs::remove_file(&artifact).unwrap();
    fs::create_dir(&artifact).unwrap();
    lab.edit("hot/src/lib.rs", "{ 5 }", "{ 6 }");
    run.wait_for(&format!(
        "cannot publish {}; remove what stands in its place: ",
        artifact.display()
    ));
    fs::remove_dir(&artifact).unwrap();
    lab.edit("hot/src/lib.rs", "{ 6 }", "{ 7 }");
    run.wait_for("value 7");
    assert_eq!(run.program(), program);
    run.tell("TERM");
    assert_eq!(run.code(), Some(143));
}

#[test]
fn a_target_directory_that_is_read_only_from_the_start_is_said() {
    let lab = Lab::tiny("unwritable");
    fs::create_dir(lab.target()).unwrap();
    set_mode(&lab.target(), 0o555);
    let mut run = lab.run_as_a_user(&["build"]);
    run.wait_for("cannot create ");
    assert_eq!(run.code(), Some(101), "{}", run.heard());
    let said = run.heard();
    for part in [
        lab.target().join("liveswap").to_str().unwrap(),
        "; give this user access to it, or choose another target directory: Permission denied",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    set_mode(&lab.target(), 0o755);
    let artifact = lab.liveswap(&["build"]);
    assert!(Path::new(artifact.trim()).is_file(), "{artifact}");
}
