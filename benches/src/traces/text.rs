//! A hot crate that traces, and the program that links it, as text.

use std::fmt::Write;

/// What both sides do: `count` times one thing that tells somebody, or nobody.
const LOOPS: &str = r#"
HOT pub fn events(count: u32) {
    for index in 0..count {
        tracing::info!(target: "heard", index, "an event");
    }
}

HOT pub fn unheard_events(count: u32) {
    for index in 0..count {
        tracing::info!(target: "unheard", index, "an event");
    }
}

HOT pub fn spans(count: u32) {
    for index in 0..count {
        let span = tracing::info_span!(target: "heard", "a span", index);
        let _inside = span.enter();
    }
}

HOT pub fn unheard_spans(count: u32) {
    for index in 0..count {
        let span = tracing::info_span!(target: "unheard", "a span", index);
        let _inside = span.enter();
    }
}
"#;

/// The root of the hot crate with this many callsites beside those of the loops, below so many empty lines.
pub(super) fn hot(callsites: u32, lines: u32) -> String {
    let mut text = "\n".repeat(lines as usize);
    text += "pub fn many(which: u32) {\n    match which {\n";
    for index in 0..callsites {
        // Writing to a `String` does not fail.
        let _ = writeln!(
            text,
            "        {index} => tracing::info!(target: \"heard\", which, \"one of many\"),"
        );
    }
    text += "        _ => {}\n    }\n}\n";
    let root = "use liveswap_macros::hot;\n\nliveswap_abi::hot_crate!();\n";
    // The attribute stands on the line of the function, and the lines of the loops are behind those of the many.
    format!("{root}{}\n#[hot] {text}", LOOPS.replace("HOT", "#[hot]"))
}

/// The program: measures what it is told to, and says it, a line each.
pub(super) fn host() -> String {
    HOST.replace("LOOPS", &LOOPS.replace("HOT", "#[inline(never)]"))
}

const HOST: &str = r#"
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use liveswap::{Event, Events, Outcome, Retirement, Runtime};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::Metadata;

mod own {
LOOPS
}

/// What the C library says of its allocator, in the order of its `mallinfo2`.
#[repr(C)]
struct Allocated {
    arena: usize,
    free_blocks: usize,
    fast_blocks: usize,
    mapped_blocks: usize,
    mapped: usize,
    most: usize,
    fast_free: usize,
    used: usize,
    free: usize,
    top: usize,
}

unsafe extern "C" {
    fn mallinfo2() -> Allocated;
}

/// Adds up what it hears.
#[derive(Default)]
struct Adding(AtomicU64);

struct Sum(u64);

impl Visit for Sum {
    fn record_u64(&mut self, _: &Field, value: u64) {
        self.0 += value;
    }
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {
        self.0 += 1;
    }
}

impl tracing::Subscriber for Adding {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "heard"
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut sum = Sum(0);
        span.record(&mut sum);
        Id::from_u64(self.0.fetch_add(sum.0, Ordering::Relaxed) | 1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut sum = Sum(0);
        event.record(&mut sum);
        self.0.fetch_add(sum.0, Ordering::Relaxed);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

const PATIENCE: Duration = Duration::from_secs(120);

struct Scene {
    runtime: Runtime,
    events: Events,
    artifact: PathBuf,
    loaded: u64,
}

impl Scene {
    /// Swaps a file in, and waits until what was there before is gone; the nanoseconds of its load.
    fn swap(&mut self, file: &Path) -> u128 {
        let aside = self.artifact.with_extension("aside");
        std::fs::copy(file, &aside).expect("copied");
        std::fs::rename(&aside, &self.artifact).expect("renamed");
        self.runtime.reload_now().expect("an answer");
        let load = self.events.find_within(PATIENCE, |event| match event {
            Event::Reloaded(reload) => match reload.outcome {
                Outcome::Swapped { kind, .. } => {
                    assert_eq!(kind.to_string(), "shared");
                    Some(reload.timings.load)
                }
                // The watcher was faster.
                Outcome::Unchanged { .. } => None,
                other => panic!("{other:?}"),
            },
            _ => None,
        });
        self.loaded += 1;
        if self.loaded > 1 {
            let retired = self.events.find_within(PATIENCE, |event| match event {
                Event::Retired { outcome, .. } => Some(outcome),
                _ => None,
            });
            assert!(matches!(retired, Some(Retirement::Unloaded)), "{retired:?}");
        }
        load.expect("swapped").as_nanos()
    }

    /// What is allocated while nothing happens.
    fn live(&self) -> i64 {
        self.runtime.status().expect("a status");
        // SAFETY: it has no arguments, and the form of its result is the one of glibc since 2.33.
        let allocated = unsafe { mallinfo2() };
        (allocated.used + allocated.mapped) as i64
    }
}

fn time(work: fn(u32), count: u32) -> f64 {
    let begun = Instant::now();
    work(count);
    begun.elapsed().as_nanos() as f64 / f64::from(count)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stages, rounds, count, files @ ..] = &arguments[..] else { panic!("what to measure") };
    let (rounds, count): (u32, u32) = (rounds.parse().expect("a number"), count.parse().expect("a number"));
    let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
    let [few, many @ ..] = &files[..] else { panic!("artifacts") };
    tracing::subscriber::set_global_default(Adding::default()).expect("the first");
    let artifact = Path::new(stages).join("artifact.so");
    let runtime = Runtime::builder(hot::hot_crate())
        .artifact(&artifact)
        .stage_dir(stages)
        .history(1)
        .quarantine(Duration::ZERO)
        .start()
        .expect("starts");
    let events = runtime.events();
    let mut scene = Scene { runtime, events, artifact, loaded: 0 };
    scene.swap(few);

    let works: [(fn(u32), fn(u32)); 4] = [
        (own::events, |count| hot::events(count)),
        (own::unheard_events, |count| hot::unheard_events(count)),
        (own::spans, |count| hot::spans(count)),
        (own::unheard_spans, |count| hot::unheard_spans(count)),
    ];
    for round in 0..=rounds {
        let taken: Vec<f64> = works.iter().flat_map(|(own, hot)| [time(*own, count), time(*hot, count)]).collect();
        if round > 0 {
            println!("costs {}", taken.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
        }
    }

    // Once, so that what is made only once is there.
    scene.swap(&many[0]);
    scene.swap(few);
    for file in &many[1..] {
        let before = scene.live();
        let new = scene.swap(file);
        let without = scene.swap(few);
        let after = scene.live();
        let known = scene.swap(file);
        scene.swap(few);
        let again = scene.live();
        println!("loads {new} {known} {without} {} {}", after - before, again - after);
    }
    println!("done");
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_callsites_as_were_asked_for_on_other_lines() {
        let text = hot(7, 0);
        assert_eq!(text.matches("one of many").count(), 7);
        let line = |text: &str| text.lines().position(|line| line.contains("one of many")).unwrap();
        assert_eq!(line(&hot(7, 10)), line(&text) + 10);
        let events = |text: &str| text.lines().position(|line| line.contains("an event")).unwrap();
        assert_eq!(events(&hot(7, 10)), events(&text), "those of the loops stay where they are");
    }

    #[test]
    fn both_sides_do_the_same() {
        assert!(host().contains("#[inline(never)] pub fn spans(count: u32)"));
        assert!(hot(0, 0).contains("#[hot] pub fn spans(count: u32)"));
    }
}
