//! Watching: however an artifact gets to its place, it is taken when it is whole and not before, and none is lost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use liveswap_testkit::process::write_slowly;

use crate::harness::{Host, Version, Workbench, rename_over, swap, v1, v2, v3};

/// Longer than any quiet time after which a writer might be thought to be gone.
const LONG_PAUSE: Duration = Duration::from_millis(700);

fn bytes(version: &Version) -> Vec<u8> {
    fs::read(version.artifact()).unwrap()
}

/// Asserts that nothing was taken up yet, good or bad.
#[track_caller]
fn nothing_happened_after(host: &mut Host, reloads: usize) {
    let status = host.ask(&["status"]);
    let counts = ["swapped", "unchanged", "refused", "superseded"].map(|name| -> usize {
        let value = status.split(&format!("{name}: ")).nth(1).unwrap();
        value.split([',', ' ', '}']).next().unwrap().parse().unwrap()
    });
    assert_eq!(counts.iter().sum::<usize>(), reloads, "{status}");
}

#[test]
fn a_slow_write_in_place_is_taken_when_it_ends() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    let mut file = File::create(bench.artifact()).unwrap();
    write_slowly(&bytes(&v3()), &mut file, 40, |piece| {
        host.runs(2);
        if piece == 13 || piece == 39 {
            // Pauses at the headers' side of the file and right before its last bytes.
            std::thread::sleep(LONG_PAUSE);
        }
    })
    .unwrap();
    nothing_happened_after(&mut host, 1);
    drop(file);
    host.swapped(2);
    host.runs(3);
    host.unloaded(1);
    nothing_happened_after(&mut host, 2);
    host.finish();
}

/// The file has its full length all the time, so only the writer knows that it is not done.
#[test]
fn a_slow_overwrite_of_equal_length_is_never_taken_half_done() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let [mut old, mut new] = [bytes(&v2()), bytes(&v3())];
    let length = old.len().max(new.len());
    // What follows the end of a library is not looked at.
    old.resize(length, 0);
    new.resize(length, 0);
    fs::write(bench.artifact(), old).unwrap();
    host.swapped(1);
    let mut file = File::options().write(true).open(bench.artifact()).unwrap();
    write_slowly(&new, &mut file, 4, |piece| {
        if piece == 2 {
            std::thread::sleep(LONG_PAUSE);
        }
        host.runs(2);
        nothing_happened_after(&mut host, 1);
    })
    .unwrap();
    drop(file);
    host.swapped(2);
    host.runs(3);
    host.finish();
}

#[test]
fn a_copy_over_the_artifact() {
    let bench = Workbench::new();
    let mut host = bench.start();
    for (generation, version) in [(1, v2()), (2, v3()), (3, v1())] {
        fs::copy(version.artifact(), bench.artifact()).unwrap();
        host.swapped(generation);
    }
    host.runs(1);
    host.finish();
}

#[test]
fn a_rename_over_the_artifact() {
    let bench = Workbench::new();
    let mut host = bench.start();
    for (generation, version) in [(1, v2()), (2, v3()), (3, v1())] {
        rename_over(&version.artifact(), &bench.artifact());
        host.swapped(generation);
    }
    host.runs(1);
    nothing_happened_after(&mut host, 3);
    host.finish();
}

#[test]
fn a_rename_from_another_directory() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let elsewhere = bench.root().join("elsewhere.so");
    for (generation, version) in [(1, v2()), (2, v3())] {
        fs::copy(version.artifact(), &elsewhere).unwrap();
        fs::rename(&elsewhere, bench.artifact()).unwrap();
        host.swapped(generation);
    }
    host.runs(3);
    host.finish();
}

#[test]
fn a_deletion_and_a_new_file() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    for (generation, version) in [(2, v3()), (3, v2()), (4, v3())] {
        fs::remove_file(bench.artifact()).unwrap();
        host.runs(if generation % 2 == 0 { 2 } else { 3 });
        fs::copy(version.artifact(), bench.artifact()).unwrap();
        host.swapped(generation);
    }
    host.runs(3);
    host.finish();
}

/// As cargo puts its artifacts beside each other: the same file under a second name.
#[test]
fn a_hard_link() {
    let bench = Workbench::new();
    let mut host = bench.start();
    for (generation, version) in [(1, v2()), (2, v3()), (3, v2())] {
        let built = bench.root().join(format!("built-{generation}"));
        fs::copy(version.artifact(), &built).unwrap();
        if generation > 1 {
            fs::remove_file(bench.artifact()).unwrap();
        }
        fs::hard_link(&built, bench.artifact()).unwrap();
        host.swapped(generation);
    }
    host.runs(2);
    host.finish();
}

#[test]
fn a_directory_that_is_removed_and_comes_back() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    for (generation, version) in [(2, v3()), (3, v2())] {
        fs::remove_dir_all(bench.directory()).unwrap();
        host.runs(if generation == 2 { 2 } else { 3 });
        fs::create_dir(bench.directory()).unwrap();
        fs::copy(version.artifact(), bench.artifact()).unwrap();
        host.swapped(generation);
    }
    host.runs(2);
    host.finish();
}

#[test]
fn a_whole_tree_that_is_removed_and_comes_back() {
    let bench = Workbench::new();
    let deep: PathBuf = bench.root().join("a/b/c");
    let artifact = deep.join(v1().file_name());
    let mut program = bench.bare_program(&bench.link_to_host("bin/host"));
    program.command.arg("--artifact").arg(&artifact).arg("--stage-dir").arg(bench.root());
    let mut host = program.start();
    for (generation, version) in [(1, v2()), (2, v3()), (3, v2())] {
        fs::create_dir_all(&deep).unwrap();
        fs::copy(version.artifact(), &artifact).unwrap();
        host.swapped(generation);
        fs::remove_dir_all(bench.root().join("a")).unwrap();
    }
    host.runs(2);
    host.finish();
}

#[test]
fn another_directory_is_renamed_into_the_place() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    let prepared = bench.root().join("prepared");
    fs::create_dir(&prepared).unwrap();
    fs::copy(v3().artifact(), prepared.join(v1().file_name())).unwrap();
    fs::rename(bench.directory(), bench.root().join("aside")).unwrap();
    fs::rename(&prepared, bench.directory()).unwrap();
    host.swapped(2);
    host.runs(3);
    host.finish();
}

#[test]
fn polling_sees_every_way_too() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--poll", "20").start();
    let status = host.ask(&["status"]);
    assert!(status.contains("watching=\"by polling every 20ms\""), "{status}");
    let ways: [fn(&Path, &Path); 3] = [
        rename_over,
        |from, to| {
            fs::copy(from, to).unwrap();
        },
        |from, to| {
            fs::remove_dir_all(to.parent().unwrap()).unwrap();
            fs::create_dir(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        },
    ];
    for (generation, way) in (1..).zip(ways) {
        let version = if generation % 2 == 1 { v2() } else { v3() };
        way(&version.artifact(), &bench.artifact());
        host.swapped(generation);
        host.runs(if generation % 2 == 1 { 2 } else { 3 });
    }
    host.finish();
}

#[test]
fn a_change_right_after_the_first_load_is_never_lost() {
    const TIMES: usize = 100;
    let bench = Workbench::new();
    for _ in 0..TIMES {
        bench.install(&v2());
        let mut host = bench.start();
        host.ask(&["wait-generation", "1"]);
        bench.install(&v3());
        host.ask(&["wait-generation", "2"]);
        host.runs(3);
        host.finish();
    }
}

/// A start and a change at the same time: whichever comes first, the change wins in the end.
#[test]
fn a_change_during_the_start_is_never_lost() {
    const TIMES: u64 = 25;
    let bench = Workbench::new();
    for time in 0..TIMES {
        bench.install(&v2());
        let mut host = bench.program().spawn();
        host.send(&["start"]);
        // Spreads the change over the first milliseconds of the program's life.
        std::thread::sleep(Duration::from_millis(time));
        bench.install(&v3());
        host.answer(&["start"]).unwrap();
        host.ask(&["wait-version", "3"]);
        host.finish();
    }
}

#[test]
fn changes_during_reloads_end_with_the_last_one() {
    let bench = Workbench::new();
    let mut host = bench.start();
    for round in 0..10 {
        let (last, number) = if round % 2 == 0 { (v2(), "2") } else { (v3(), "3") };
        let other = if round % 2 == 0 { v3() } else { v2() };
        for version in [&v1(), &other, &v1(), &other, &last] {
            bench.install(version);
        }
        host.ask(&["wait-version", number]);
    }
    host.finish();
}
