//! Processes: several on one artifact, killed ones, ones that end in the middle of something.

use liveswap_testkit::process::Ended;

use crate::harness::{Workbench, swap, v1, v2, v3};

#[test]
fn two_processes_take_the_same_artifact() {
    let bench = Workbench::new();
    let [mut first, mut second] = [bench.start(), bench.start()];
    for (generation, version) in [(1, v2()), (2, v3()), (3, v2())] {
        bench.install(&version);
        first.swapped(generation);
        second.swapped(generation);
    }
    assert_eq!(bench.stage_directories().len(), 2);
    first.runs(2);
    second.runs(2);

    // The end of one takes nothing from the other.
    first.send(&["return"]);
    assert_eq!(first.wait(), Ended::With(0));
    assert_eq!(bench.stage_directories().len(), 1);
    second.runs(2);
    swap(&bench, &mut second, &v1(), 4);
    second.runs(1);
    second.finish();
}

#[test]
fn processes_that_start_at_the_same_time() {
    let bench = Workbench::new();
    bench.install(&v2());
    let mut hosts: Vec<_> = (0..4).map(|_| bench.program().spawn()).collect();
    for host in &mut hosts {
        host.send(&["start"]);
    }
    for host in &mut hosts {
        host.answer(&["start"]).unwrap();
        host.ask(&["wait-generation", "1"]);
        host.runs(2);
    }
    assert_eq!(bench.stage_directories().len(), 4);
    for host in &mut hosts {
        host.send(&["return"]);
        assert_eq!(host.wait(), Ended::With(0));
    }
    assert!(bench.stage_directories().is_empty());
}

#[test]
fn the_stages_of_a_killed_process_are_removed_by_the_next() {
    let bench = Workbench::new();
    let mut killed = bench.start();
    let mut living = bench.start();
    bench.install(&v2());
    killed.swapped(1);
    living.swapped(1);
    let id = killed.id();
    let left = || {
        let directories = bench.stage_directories().into_iter();
        directories.filter(|path| path.to_string_lossy().contains(&format!("/{id}-"))).count()
    };
    assert_eq!(killed.kill(), Ended::BySignal(9));
    assert_eq!(left(), 1, "nobody could remove it");

    let mut next = bench.start();
    assert_eq!((left(), bench.stage_directories().len()), (0, 2), "only that of the dead is gone");
    // The living one is not harmed.
    swap(&bench, &mut living, &v3(), 2);
    living.runs(3);
    next.send(&["return"]);
    assert_eq!(next.wait(), Ended::With(0));
    living.finish();
}

#[test]
fn a_crash_of_the_program_leaves_nothing_to_the_next() {
    let bench = Workbench::new();
    for _ in 0..3 {
        let mut host = bench.start();
        host.send(&["abort"]);
        assert_eq!(host.wait(), Ended::BySignal(6));
        assert_eq!(bench.stage_directories().len(), 1);
    }
    bench.start().finish();
}

#[test]
fn an_exit_while_a_call_is_inside() {
    for leave in ["return", "exit"] {
        let bench = Workbench::new();
        let mut host = bench.start();
        swap(&bench, &mut host, &v2(), 1);
        host.begin_call("holder", &["held", "hold"]);
        host.ask(&["signal", "hold", "wait-entered", "1"]);
        swap(&bench, &mut host, &v3(), 2);
        if leave == "return" {
            host.finish();
        } else {
            // No destructor runs, so the stages stay until the next start.
            host.send(&["exit", "7"]);
            assert_eq!(host.wait(), Ended::With(7));
            bench.start().finish();
        }
    }
}

#[test]
fn a_shutdown_does_not_wait_for_calls_or_pins() {
    let bench = Workbench::new();
    let mut host = bench.start();
    swap(&bench, &mut host, &v2(), 1);
    host.begin_call("holder", &["held", "hold"]);
    host.ask(&["signal", "hold", "wait-entered", "1"]);
    host.ask(&["shutdown"]);
    assert!(bench.stage_directories().is_empty());
    host.ask(&["signal", "hold", "open"]);
    assert_eq!(host.ask(&["answer", "holder"]), "2");
    host.runs(2);
    host.finish();
}

#[test]
fn readers_that_never_read_are_told_how_much_they_missed() {
    const SWAPS: u64 = 150;
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["subscribe-idle"]);
    host.ask(&["subscribe-idle"]);
    for generation in 1..=SWAPS {
        swap(&bench, &mut host, &if generation % 2 == 1 { v2() } else { v3() }, generation);
        if generation > 1 {
            host.unloaded(generation - 1);
        }
    }
    // Two events a swap but for the first: more than wait for a reader.
    let missed = 2 * SWAPS - 1 - 256;
    let read = host.ask(&["read-idle"]);
    assert_eq!(read, format!("257 events, first Some(Lagged {{ missed: {missed} }})"));
    host.finish();
}

#[test]
fn subscribing_while_a_pin_is_held() {
    let bench = Workbench::new();
    let mut host = bench.start();
    host.ask(&["pin"]);
    host.ask(&["subscribe-idle"]);
    swap(&bench, &mut host, &v2(), 1);
    host.runs(1);
    let read = host.ask(&["read-idle"]);
    assert!(read.starts_with("1 events, first Some(Reloaded("), "{read}");
    host.ask(&["unpin"]);
    host.runs(2);
    host.finish();
}
