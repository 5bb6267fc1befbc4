//! What the system refuses: access, room, descriptors, watches.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use liveswap_testkit::process::wait_until;

use super::{Case, has_namespaces, tool};
use crate::harness::{Host, Program, Workbench, swap, v1, v2, v3};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Takes from a program of root's what makes permissions mean nothing to it.
fn as_a_user(program: Program) -> Program {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return program;
    }
    program.under("setpriv", &["--bounding-set=-dac_override,-dac_read_search"])
}

#[test]
fn an_unreadable_artifact() {
    let bench = Workbench::new();
    let host = as_a_user(bench.program()).start();
    let mut case = Case::new(bench, host);
    let aside = case.bench.root().join("unreadable");
    fs::copy(v3().artifact(), &aside).unwrap();
    set_mode(&aside, 0);
    fs::rename(&aside, case.bench.artifact()).unwrap();
    let told = case.host.event(&["refused step=settle"]);
    assert!(told.contains("found={it cannot be read: Permission denied (os error 13)}"), "{told}");
    let asked = case.host.ask(&["reload-now"]);
    assert!(asked.starts_with("refused step=stage"), "{asked}");
    assert!(asked.contains("remedy={give this user access to it, or build it again}"), "{asked}");

    // The same file, once it may be read, is as good as any other.
    set_mode(&case.bench.artifact(), 0o644);
    case.host.swapped(2);
    case.host.runs(3);
    case.host.finish();
}

#[test]
fn a_read_only_directory_for_stages() {
    let bench = Workbench::new();
    let read_only = bench.root().join("read-only");
    fs::create_dir(&read_only).unwrap();
    set_mode(&read_only, 0o555);
    let artifact = bench.artifact();
    let artifact = artifact.to_str().unwrap();
    let program = bench.bare_program(&crate::harness::host()).arg("--artifact", artifact);
    let mut host = as_a_user(program.arg("--stage-dir", read_only.to_str().unwrap())).spawn();
    let refused = host.try_ask(&["start"]).unwrap_err();
    assert!(refused.contains("read-only") && refused.contains("Permission denied"), "{refused}");

    // The program goes on without a runtime, and has one as soon as it can be had.
    host.runs(1);
    set_mode(&read_only, 0o755);
    host.ask(&["start"]);
    swap(&bench, &mut host, &v2(), 1);
    host.runs(2);
    host.finish();
}

#[test]
fn a_directory_for_stages_that_becomes_read_only() {
    let bench = Workbench::new();
    let host = as_a_user(bench.program()).start();
    let mut case = Case::new(bench, host);
    let home = case.host.stage_directories().remove(0);
    set_mode(&home, 0o555);
    case.bench.install(&v3());
    let told = case.host.event(&["refused step=stage"]);
    assert!(told.contains("found={Permission denied (os error 13) while writing "), "{told}");
    set_mode(&home, 0o700);
    case.goes_on();
}

/// A read-only directory of the artifact is nothing to the program, which only reads it.
#[test]
fn a_read_only_target_directory() {
    let bench = Workbench::new();
    let mut host = as_a_user(bench.program()).start();
    bench.install(&v2());
    set_mode(&bench.directory(), 0o555);
    host.swapped(1);
    host.runs(2);
    let mut case = Case { bench, host };
    assert!(case.host.ask(&["reload-now"]).starts_with("unchanged"));
    set_mode(&case.bench.directory(), 0o755);
    case.goes_on();
}

#[test]
fn a_disk_that_is_full_while_staging() {
    if !has_namespaces() {
        return;
    }
    let bench = Workbench::new();
    let disk = bench.root().join("disk");
    fs::create_dir(&disk).unwrap();
    let artifact = bench.artifact();
    let program = bench.bare_program(&crate::harness::host());
    let program = program.arg("--artifact", artifact.to_str().unwrap());
    let program = program.arg("--stage-dir", disk.to_str().unwrap());
    let mount =
        format!("mount -t tmpfs -o size=64m tmpfs '{}' && exec \"$0\" \"$@\"", disk.display());
    let host = program.under("unshare", &["-Urm", "sh", "-c", &mount]).start();
    let mut case = Case::new(bench, host);

    // Seen from inside: outside, the directory is empty.
    let inside = format!("/proc/{}/root{}", case.host.id(), disk.display());
    let filler = Path::new(&inside).join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    drop(file);
    case.bench.install(&v3());
    let told = case.host.event(&["refused step=stage"]);
    assert!(told.contains("found={No space left on device (os error 28) while writing "), "{told}");
    assert!(told.contains("remedy={free space on that disk}"), "{told}");
    let left: Vec<_> = fs::read_dir(Path::new(&inside).join("liveswap/stages"))
        .unwrap()
        .flat_map(|home| fs::read_dir(home.unwrap().path()).into_iter().flatten())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".part"))
        .collect();
    assert_eq!(left, [""; 0], "half a stage is left");
    fs::remove_file(filler).unwrap();
    case.goes_on();
}

/// The limit on the size of a file, which is a signal to programs that do not ignore it.
#[test]
fn a_stage_over_the_limit_on_files() {
    let bench = Workbench::new();
    let program = bench.program();
    let host = program.under("sh", &["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).start();
    let mut case = Case::new(bench, host);
    // More than what the program says on its standard error, less than an artifact.
    let limit = 200_000;
    assert!(fs::metadata(v3().artifact()).unwrap().len() > limit);
    set_limit(&case.host, &format!("--fsize={limit}:"));
    case.bench.install(&v3());
    let told = case.host.event(&["refused step=stage"]);
    assert!(told.contains("found={File too large (os error 27) while writing "), "{told}");
    set_limit(&case.host, "--fsize=unlimited:");
    case.goes_on();
}

#[test]
fn no_descriptor_left() {
    let bench = Workbench::new();
    let host = bench.start();
    let mut case = Case::new(bench, host);
    set_limit(&case.host, "--nofile=3:");
    case.bench.install(&v3());
    let told = case.host.event(&["refused step=settle"]);
    assert!(
        told.contains("found={it cannot be read: Too many open files (os error 24)}"),
        "{told}"
    );
    case.host.runs(2);
    set_limit(&case.host, "--nofile=1024:");
    case.goes_on();
}

/// Sets a soft limit of a running program.
fn set_limit(host: &Host, limit: &str) {
    tool(Command::new("prlimit").arg("--pid").arg(host.id().to_string()).arg(limit));
}

/// The program, with a limit on what its user may have of `inotify`, which is nobody else's limit.
fn limited(bench: &Workbench, name: &str) -> Program {
    let script = format!("echo 0 > /proc/sys/user/{name} && exec \"$0\" \"$@\"");
    bench.program().under("unshare", &["-Ur", "sh", "-c", &script])
}

#[test]
fn no_watcher_or_no_watch_to_begin_with() {
    if !has_namespaces() {
        return;
    }
    for name in ["max_inotify_instances", "max_inotify_watches"] {
        let bench = Workbench::new();
        let mut host = limited(&bench, name).start();
        let status = host.ask(&["status"]);
        assert!(status.contains("watching=\"by polling every 50ms, because "), "{status}");
        let case = Case::new(bench, host);
        case.goes_on();
    }
}

#[test]
fn no_watch_left_when_a_directory_comes_back() {
    if !has_namespaces() {
        return;
    }
    let bench = Workbench::new();
    let program = bench.program().under("unshare", &["-Ur"]);
    let mut case = Case::new(bench, program.start());
    let id = case.host.id().to_string();
    let lower = "echo 0 > /proc/sys/user/max_inotify_watches";
    let enter = ["-t", &id, "-U", "--preserve-credentials", "sh", "-c", lower];
    tool(Command::new("nsenter").args(enter));
    fs::remove_dir_all(case.bench.directory()).unwrap();
    case.host.event(&["watching by polling every 50ms, because "]);
    fs::create_dir(case.bench.directory()).unwrap();
    case.goes_on();
}

/// A program of which nothing is known but that it is there when its artifact's directory is not.
#[test]
fn a_program_without_any_descriptor_to_start_with() {
    let bench = Workbench::new();
    let mut host = bench.program().spawn();
    host.runs(1);
    set_limit(&host, "--nofile=3:");
    let refused = host.try_ask(&["start"]).unwrap_err();
    assert!(refused.contains("Too many open files"), "{refused}");
    set_limit(&host, "--nofile=1024:");
    host.ask(&["start"]);
    bench.install(&v2());
    host.swapped(1);
    wait_until("calls go to the artifact", || host.call(&["version"]) == "2");
    bench.install(&v1());
    host.swapped(2);
    host.finish();
}
