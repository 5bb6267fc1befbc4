//! A host that has its memory searched before code is unloaded; a line in for a line out.

use std::panic::catch_unwind;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};

use hot::World;
use liveswap::{Event, Events, GenerationState, Outcome, Retirement, Runtime};

/// What looks like a pointer.
static PLANTED: AtomicUsize = AtomicUsize::new(0);

/// Longer than any event takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Within so many swaps all old generations have gone, but for one.
const LATEST: u64 = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, artifact, stages] = &arguments[..] else { panic!("{arguments:?}") };
    let runtime = Runtime::builder(hot::hot_crate())
        .artifact(artifact)
        .stage_dir(stages)
        .quarantine(Duration::ZERO)
        .scan_memory(true)
        .start()
        .expect("starts");
    let events = runtime.events();
    for line in std::io::stdin().lines() {
        let line = line.expect("text");
        let words: Vec<&str> = line.split(' ').collect();
        let answer = match words[..] {
            ["reload"] => generation(runtime.reload_now().expect("answers").outcome),
            ["version"] => hot::version().to_string(),
            ["plant"] => {
                PLANTED.store(hot::LIMITS.with(|limits| std::ptr::from_ref(limits).addr()), SeqCst);
                "planted".to_owned()
            }
            ["fail"] => {
                catch_unwind(hot::fails).expect_err("it panics");
                "failed".to_owned()
            }
            ["may-escape"] => {
                let status = runtime.status().expect("answers");
                let current = status.generations.last().expect("one is current");
                current.may_escape.clone().unwrap_or_else(|| "nothing".to_owned())
            }
            ["outcome"] => outcome(&events),
            ["swaps", last] => swaps(&runtime, &events, last.parse().expect("a number")),
            _ => panic!("nobody knows {line}"),
        };
        println!("{line} {answer}");
    }
}

fn generation(outcome: Outcome) -> String {
    match outcome {
        Outcome::Swapped { generation, .. } | Outcome::Unchanged { generation } => {
            generation.to_string()
        }
        other => format!("{other:?}"),
    }
}

/// What becomes of generation 1 next.
fn outcome(events: &Events) -> String {
    let retired = |event| match event {
        Event::Retired { generation: 1, outcome: Retirement::Unloaded } => {
            Some("unloaded".to_owned())
        }
        Event::Retired { generation: 1, outcome: Retirement::Retained { why, .. } } => {
            Some(format!("retained: {why}"))
        }
        _ => None,
    };
    events.find_within(PATIENCE, retired).unwrap_or_else(|| "nothing".to_owned())
}

/// Swaps the two generations before the current one in again and again, while four threads call.
fn swaps(runtime: &Runtime, events: &Events, last: u64) -> String {
    let (stop, calls, torn) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let call = || {
        let mut world = World::default();
        while !stop.load(SeqCst) {
            let (version, text) = hot::step(&mut world, "world");
            torn.fetch_add(u64::from(text != version.to_string()), SeqCst);
            calls.fetch_add(1, SeqCst);
        }
    };
    let mut retained = Vec::new();
    let ended = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(call);
        }
        let all = (runtime.generation() + 1..=last).try_for_each(|number| {
            let reload = runtime.activate(number - 2).map_err(|error| error.to_string())?;
            if generation(reload.outcome) != number.to_string() {
                return Err(format!("swap {number} failed"));
            }
            let kept = |event| match event {
                Event::Retired { outcome: Retirement::Retained { why, .. }, .. } => Some(why),
                _ => None,
            };
            retained.extend(std::iter::from_fn(|| events.try_next()).filter_map(kept));
            gone(runtime, number.saturating_sub(LATEST), 1)
        });
        stop.store(true, SeqCst);
        all
    });
    let ended = ended.and_then(|()| gone(runtime, last, 0));
    let images = liveswap::dylib::images_mapped(runtime.stage_directory()).expect("it tells");
    let (calls, torn) = (calls.load(SeqCst), torn.load(SeqCst));
    format!("{ended:?} called={} torn={torn} images={} {retained:?}", calls > last, images.len())
}

/// Waits until of the generations before this one, but the program's own, no more than `most` are left.
fn gone(runtime: &Runtime, before: u64, most: usize) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = runtime.status().map_err(|error| error.to_string())?;
        let old = status.generations.iter().filter(|one| (1..before).contains(&one.number));
        let old: Vec<_> = old.map(|one| (one.number, &one.state, &one.holders)).collect();
        if old.iter().any(|(_, state, _)| matches!(state, GenerationState::Retained { .. })) {
            return Err(format!("retained: {old:?}"));
        }
        if old.len() <= most {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("still there: {old:?}"));
        }
        std::thread::yield_now();
    }
}
