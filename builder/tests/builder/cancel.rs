//! Stale work dies.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use liveswap_builder::{BuildEvent, Error, Settings};

use crate::fixture::{Fixture, assert_line, build, run};

/// Takes the compiler minutes.
const ENDLESS: &str = r#"
#[allow(long_running_const_eval)]
const ENDLESS: u64 = {
    let mut n = 0;
    while n < 100_000_000_000 {
        n += 1;
    }
    n
};
pub fn endless() -> u64 {
    ENDLESS
}
"#;

/// Processes that have a directory in their command line.
pub fn processes_in(directory: &Path) -> Vec<String> {
    let name = directory.to_str().expect("text");
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let command = |path: &Path| fs::read(path.join("cmdline")).ok();
    processes
        .filter_map(|process| command(&process.path()))
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(name))
        .collect()
}

#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting until {what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_later_build_ends_the_earlier_one_and_its_processes() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    let good = fixture.read("hot-logic/src/lib.rs");
    fixture.write("hot-logic/src/lib.rs", &format!("{good}{ENDLESS}"));
    let stale = builder.start().expect("starts");
    wait_until("the compiler runs", || !processes_in(fixture.root()).is_empty());

    fixture.write("hot-logic/src/lib.rs", &good.replace("    10\n", "    20\n"));
    let fresh = builder.start().expect("starts");
    assert!(fresh.number() > stale.number());
    let error = stale.wait().expect_err("is cancelled");
    assert!(matches!(error, Error::Cancelled { .. }) && error.is_stale(), "{error:?}");
    let outcome = fresh.wait().expect("builds");
    assert_line(&run(&host, &[&outcome]), "hot value 20");
    assert_eq!(processes_in(fixture.root()), Vec::<String>::new());
}

#[test]
fn a_build_dies_with_its_handle_and_with_its_builder() {
    let fixture = Fixture::new();
    let (builder, _) = fixture.started(Settings::default());
    let good = fixture.read("hot-logic/src/lib.rs");
    fixture.write("hot-logic/src/lib.rs", &format!("{good}{ENDLESS}"));

    let task = builder.start().expect("starts");
    wait_until("the compiler runs", || !processes_in(fixture.root()).is_empty());
    drop(task);
    assert_eq!(processes_in(fixture.root()), Vec::<String>::new());

    let task = builder.start().expect("starts");
    wait_until("the compiler runs", || !processes_in(fixture.root()).is_empty());
    drop(builder);
    assert!(matches!(task.wait(), Err(Error::Cancelled { .. })));
    assert_eq!(processes_in(fixture.root()), Vec::<String>::new());
}

#[test]
fn cargo_and_all_its_compilers_die_too() {
    let fixture = Fixture::new();
    fixture.edit("shapes/src/lib.rs", "pub fn", &format!("{ENDLESS}\npub fn"));
    let builder = fixture.open(Settings::default());
    let task = builder.build_host().expect("starts");
    let compiling = |line: &String| line.contains("--crate-name shapes");
    wait_until("a compiler runs", || processes_in(fixture.root()).iter().any(compiling));
    task.cancel();
    assert!(matches!(task.wait(), Err(Error::Cancelled { .. })));
    wait_until("all are gone", || processes_in(fixture.root()).is_empty());
}

#[test]
fn of_many_saves_the_last_is_what_is_built() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    let good = fixture.read("hot-logic/src/lib.rs");
    let mut tasks = Vec::new();
    for value in 100..160 {
        fixture.write("hot-logic/src/lib.rs", &good.replace("    10\n", &format!("    {value}\n")));
        tasks.push(builder.start().expect("starts"));
    }
    let last = tasks.pop().expect("sixty builds");
    let numbers: Vec<u64> = tasks.iter().map(liveswap_builder::Task::number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.last() < Some(&last.number()));
    let outcome = last.wait().expect("the last one is built");
    for task in tasks {
        match task.wait() {
            Err(error) => assert!(error.is_stale(), "{error:?}"),
            Ok(earlier) => assert!(earlier.number < outcome.number),
        }
    }
    assert_line(&run(&host, &[&outcome]), "hot value 159");
    let published = fs::read(&outcome.artifact.path).expect("published");
    assert_eq!(published.len() as u64, outcome.artifact.size);
    assert_eq!(processes_in(fixture.root()), Vec::<String>::new());
}

#[test]
fn events_come_in_order_and_the_channel_closes() {
    let fixture = Fixture::new();
    let (builder, _) = fixture.started(Settings::default());
    fixture.edit("shapes/src/lib.rs", "4", "5");
    let task = builder.start().expect("starts");
    let number = task.number();
    let events: Vec<BuildEvent> = task.events().iter().collect();
    assert_eq!(
        events,
        [
            BuildEvent::Started { number },
            BuildEvent::Dependency { package: "shapes".into() },
            BuildEvent::Compiling { package: "hot-logic".into() },
        ]
    );
    assert_eq!(task.wait().expect("builds").number, number);
    build(&builder);
}

#[test]
fn an_editor_that_checks_all_the_time_changes_nothing() {
    let fixture = Fixture::new();
    let (builder, host) = fixture.started(Settings::default());
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let editor = scope.spawn(|| {
            let mut checks = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                fixture.cargo(&["check", "--workspace"]);
                checks += 1;
            }
            checks
        });
        let mut value = 10;
        for next in 20..30 {
            fixture.edit_value(value, next);
            value = next;
            let outcome = build(&builder);
            assert_eq!(outcome.recaptured, None);
            assert_line(&run(&host, &[&outcome]), &format!("hot value {value}"));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(editor.join().expect("checks") > 0);
    });
}
