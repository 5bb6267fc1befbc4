//! How others of this kind fail: one test for every row of that table, under its name, and for what is beside it.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use liveswap_testkit::process::{Ended, write_slowly};

use crate::harness::{Host, Workbench, swap, v2, v3};

/// The peer's watcher panics and it never reloads.
#[test]
fn library_absent_at_start() {
    let bench = Workbench::new();
    fs::remove_dir(bench.directory()).unwrap();
    let mut host = bench.start();
    host.runs(1);
    fs::create_dir(bench.directory()).unwrap();
    swap(&bench, &mut host, &v2(), 1);
    host.runs(2);
    host.finish();
}

/// The peer's lock is poisoned and every later call panics.
#[test]
fn bad_file_then_a_good_one() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    for round in 0..3 {
        fs::write(bench.artifact(), format!("no library, for the {round}. time")).unwrap();
        host.event(&["refused step=settle"]);
        host.runs(if round == 0 { 2 } else { 3 });
        if round == 0 {
            swap(&bench, &mut host, &v3(), 2);
        }
    }
    host.runs(3);
    host.finish();
}

/// The peer dies of SIGBUS, four times of four.
#[test]
fn slow_in_place_write() {
    for _ in 0..4 {
        let bench = Workbench::new();
        let mut host = bench.start();
        swap(&bench, &mut host, &v2(), 1);
        let mut file = File::create(bench.artifact()).unwrap();
        write_slowly(&fs::read(v3().artifact()).unwrap(), &mut file, 20, |_| {
            host.runs(2);
            assert_eq!(host.call(&["shapes"]).matches("v2").count(), 2);
        })
        .unwrap();
        drop(file);
        host.swapped(2);
        host.runs(3);
        assert_eq!(host.events(&["refused"]), 0, "what is not whole yet is not judged");
        host.finish();
    }
}

/// The peer's first process dies of SIGBUS.
#[test]
fn second_process_on_the_same_library() {
    let bench = Workbench::new();
    bench.install(&v2());
    let mut first = bench.start();
    first.ask(&["wait-generation", "1"]);
    let mut second = bench.start();
    second.ask(&["wait-generation", "1"]);
    first.runs(2);
    fs::copy(v3().artifact(), bench.artifact()).unwrap();
    for host in [&mut first, &mut second] {
        host.swapped(2);
        host.runs(3);
    }
    second.send(&["return"]);
    assert_eq!(second.wait(), Ended::With(0));
    first.runs(3);
    first.finish();
}

/// The peer's reload is blocked for ever.
#[test]
fn subscriber_that_does_not_read() {
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["subscribe-idle"]);
    for generation in 1..=20 {
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
    }
    host.runs(3);
    host.finish();
}

/// The peer is in a deadlock.
#[test]
fn subscribing_while_holding_a_block_token() {
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["pin"]);
    host.ask(&["subscribe-idle"]);
    host.ask(&["pin"]);
    host.ask(&["subscribe-idle"]);
    swap(&bench, &mut host, &v2(), 1);
    host.runs(1);
    host.ask(&["unpin"]);
    host.ask(&["unpin"]);
    host.runs(2);
    host.finish();
}

/// The peer does not reload in eight seconds, because somebody is always inside.
#[test]
fn four_threads_calling_a_twenty_millisecond_function_nonstop() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let callers = ["first", "second", "third", "fourth"];
    for caller in callers {
        host.begin_call(caller, &["nonstop", caller]);
        host.ask(&["signal", caller, "wait-entered", "1"]);
    }
    for (number, version) in [("2", v2()), ("3", v3())] {
        let began = Instant::now();
        bench.install(&version);
        for caller in callers {
            host.ask(&["signal", caller, "wait-saw", number]);
        }
        let took = began.elapsed();
        assert!(took < Duration::from_secs(8), "everybody calls the new code after {took:?}");
    }
    for caller in callers {
        host.ask(&["signal", caller, "open"]);
        host.ask(&["answer", caller]);
        assert_eq!(host.ask(&["signal", caller, "versions"]), "[1, 2, 3]");
    }
    host.unloaded(1);
    host.finish();
}

/// The peer loses it, once in six.
#[test]
fn change_right_after_the_first_load() {
    let bench = Workbench::new();
    for _ in 0..12 {
        let mut host = bench.start();
        bench.install(&v2());
        host.ask(&["wait-version", "2"]);
        bench.install(&v3());
        host.ask(&["wait-version", "3"]);
        host.finish();
        fs::remove_file(bench.artifact()).unwrap();
    }
}

/// The peer's copies stay behind.
#[test]
fn exit() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    swap(&bench, &mut host, &v3(), 2);
    let before: Vec<_> = files_below(&bench);
    assert!(before.iter().any(|file| file.contains("hot_fixture-gen2")), "{before:?}");
    host.finish();
    let after: Vec<_> = files_below(&bench);
    assert!(!after.iter().any(|file| file.contains("hot_fixture-gen")), "{after:?}");
}

/// The peer calls it with the wrong ABI.
#[test]
fn function_with_extern_c() {
    let bench = Workbench::new();
    let mut host = bench.start();
    for (generation, tag) in [(0, 11), (1, 12), (2, 13)] {
        if generation > 0 {
            swap(&bench, &mut host, &if generation == 1 { v2() } else { v3() }, generation);
        }
        let answer = host.call(&["shapes"]);
        assert!(answer.contains(&format!("Point {{ x: 109.5, y: 0.75, tag: {tag} }}")), "{answer}");
    }
    host.finish();
}

/// The peer waits for 500 ms before anything happens.
#[test]
fn default_debounce() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let mut fastest = Duration::MAX;
    // The machine may be busy with something else, but not every time.
    for generation in 1..=10 {
        let began = Instant::now();
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < Duration::from_millis(250), "the fastest of ten took {fastest:?}");
    host.finish();
}

/// Others: a library is dropped for ever after one failed load.
#[test]
fn one_failed_load() {
    let bench = Workbench::new();
    let mut host = bench.start();
    let unloadable = v2()
        .with("unsafe extern \"C\" {\n    safe fn nobody_has_this() -> u32;\n}")
        .edit("lib.rs", "u32 {\n    VERSION", "u32 {\n    nobody_has_this()");
    bench.install(&unloadable);
    host.event(&["refused step=load"]);
    host.runs(1);
    swap(&bench, &mut host, &v2(), 1);
    host.runs(2);
    host.finish();
}

/// Others: a library is freed while somebody is inside.
#[test]
fn freed_without_waiting_for_calls() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.begin_call("holder", &["held", "hold"]);
    host.ask(&["signal", "hold", "wait-entered", "1"]);
    for generation in 2..=6 {
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
    }
    for generation in 2..=5 {
        host.unloaded(generation);
    }
    assert_eq!(host.events(&["retired generation=1"]), 0);
    host.ask(&["signal", "hold", "open"]);
    assert_eq!(host.ask(&["answer", "holder"]), "2");
    host.unloaded(1);
    host.finish();
}

/// Others: the old library is closed before it is known that the new one loads.
#[test]
fn the_old_code_is_there_until_the_new_one_is() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    let other = v3().named("hot_fixture", "another-identity");
    bench.install(&other);
    host.event(&["refused step=check"]);
    all_of_version_two(&mut host);
    host.finish();
}

fn all_of_version_two(host: &mut Host) {
    host.runs(2);
    assert_eq!(host.call(&["entry", "1"]), "v2 101 2");
    assert_eq!(host.call(&["catching"]), "v2 does not like 8");
    assert_eq!(host.ask(&["images"]), "1");
}

fn files_below(bench: &Workbench) -> Vec<String> {
    let directories = bench.stage_directories().into_iter();
    let files = directories.flat_map(|directory| fs::read_dir(directory).unwrap().flatten());
    files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}
