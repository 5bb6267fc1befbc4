//! A host that hears what its code tells, and does what it is told, a line in for a line out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int, c_void};
use std::fmt::Debug;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use liveswap::{Event, Events, LeasedFuture, Outcome, Retirement, Runtime};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, EnteredSpan, Id, Record};
use tracing::{Metadata, Span};

/// What was heard and not asked for yet.
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// How often something was heard in a storm.
static STORM: AtomicU64 = AtomicU64::new(0);
/// In how many spans somebody is.
static DEPTH: AtomicI64 = AtomicI64::new(0);
static IN_STORM: AtomicBool = AtomicBool::new(false);
static LEVEL: Mutex<LevelFilter> = Mutex::new(LevelFilter::INFO);
static RUNTIME: LazyLock<Runtime> = LazyLock::new(start);

thread_local! {
    /// Spans of hot code that the program is in.
    static ENTERED: RefCell<Vec<EnteredSpan>> = const { RefCell::new(Vec::new()) };
    /// Hot code that has begun and waits.
    static WAITING: RefCell<Option<LeasedFuture<u32>>> = const { RefCell::new(None) };
}

/// Keeps what it was given of every span that is open, as registries do.
#[derive(Default)]
struct Recording {
    last: AtomicU64,
    open: Mutex<BTreeMap<u64, &'static Metadata<'static>>>,
}

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

fn heard(what: &str, metadata: &Metadata<'_>, words: Words) {
    if IN_STORM.load(Ordering::SeqCst) {
        STORM.fetch_add(1, Ordering::SeqCst);
        return;
    }
    let (level, target) = (metadata.level(), metadata.target());
    let (file, line) = (metadata.file().unwrap_or("?"), metadata.line().unwrap_or(0));
    let text = format!("{what} {level} {target} {file}:{line}{}", words.0);
    HEARD.lock().unwrap().push(text);
}

impl Recording {
    fn of(&self, id: &Id) -> &'static Metadata<'static> {
        self.open.lock().unwrap()[&id.into_u64()]
    }
}

impl tracing::Subscriber for Recording {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "hot" && *metadata.level() <= *LEVEL.lock().unwrap()
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(*LEVEL.lock().unwrap())
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        self.open.lock().unwrap().insert(id, span.metadata());
        Id::from_u64(id)
    }
    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut words = Words(String::new());
        values.record(&mut words);
        let metadata = self.of(id);
        heard(metadata.name(), metadata, words);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut words = Words(String::new());
        event.record(&mut words);
        heard("event", event.metadata(), words);
    }
    fn enter(&self, _: &Id) {
        DEPTH.fetch_add(1, Ordering::SeqCst);
    }
    fn exit(&self, _: &Id) {
        DEPTH.fetch_sub(1, Ordering::SeqCst);
    }
    fn try_close(&self, id: Id) -> bool {
        let metadata = self.of(&id);
        self.open.lock().unwrap().remove(&id.into_u64());
        heard(metadata.name(), metadata, Words(" closed".into()));
        true
    }
}

fn start() -> Runtime {
    let mut arguments = std::env::args_os().skip(1);
    let artifact = arguments.next().expect("an artifact");
    let stages = arguments.next().expect("a directory for stages");
    let builder = Runtime::builder(hot::hot_crate())
        .artifact(artifact)
        .stage_dir(stages)
        .quarantine(Duration::from_millis(10));
    builder.start().expect("starts")
}

fn main() {
    let events = RUNTIME.events();
    let mut spans = Vec::new();
    let mut threads = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line.expect("text");
        println!("{line} {}", answer(&line, &events, &mut spans, &mut threads));
    }
}

fn answer(
    line: &str,
    events: &Events,
    spans: &mut Vec<Span>,
    threads: &mut Vec<JoinHandle<()>>,
) -> String {
    match line {
        "listen" => {
            tracing::subscriber::set_global_default(Recording::default()).expect("the first");
            said()
        }
        "reload" => reload(),
        "value" => hot::value().to_string(),
        "tell" => {
            hot::tell();
            said()
        }
        "whisper" => {
            hot::whisper();
            said()
        }
        "asks" => hot::asks().to_string(),
        "open" => {
            spans.push(hot::opened());
            said()
        }
        // What the program asks of a span, and does with it, after the code that opened it is gone.
        "use" => {
            for span in spans.iter() {
                let metadata = span.metadata().expect("it is enabled");
                let field = metadata.fields().field("late").expect("it has one");
                span.in_scope(|| span.record(&field, 7));
            }
            said()
        }
        "close" => {
            spans.clear();
            said()
        }
        "around" => {
            let value = hot::around(|| drop(reload()));
            format!("{value}, {}", said())
        }
        "instrumented" => {
            let value = hot::instrumented(|| drop(reload()));
            format!("{value}, {}", said())
        }
        "enter" => {
            ENTERED.with_borrow_mut(|entered| entered.push(hot::opened().entered()));
            DEPTH.load(Ordering::SeqCst).to_string()
        }
        "leave" => {
            ENTERED.take();
            format!("{}, {}", DEPTH.load(Ordering::SeqCst), said())
        }
        "wait" => {
            WAITING.set(Some(hot::waiting()));
            go_on()
        }
        "go-on" => format!("{}, {}", go_on(), said()),
        // One subscriber only, of one thread, which is not the one that loads.
        "scoped" => tracing::subscriber::with_default(Recording::default(), || {
            let swapped = reload();
            hot::tell();
            format!("{swapped}, {}", said())
        }),
        "storm" => {
            IN_STORM.store(true, Ordering::SeqCst);
            for _ in 0..3 {
                threads.push(std::thread::spawn(|| {
                    while IN_STORM.load(Ordering::SeqCst) {
                        hot::tell();
                        drop(hot::opened());
                    }
                }));
            }
            threads.len().to_string()
        }
        // More than was heard before is heard.
        "storm-goes-on" => {
            let (before, deadline) = (STORM.load(Ordering::SeqCst), Instant::now() + PATIENCE);
            while STORM.load(Ordering::SeqCst) < before + 10 {
                assert!(Instant::now() < deadline, "nothing is heard any more");
                std::thread::yield_now();
            }
            "it does".to_owned()
        }
        "calm" => {
            IN_STORM.store(false, Ordering::SeqCst);
            let joined = threads.drain(..).map(|thread| thread.join()).filter(Result::is_ok);
            joined.count().to_string()
        }
        "debug" | "info" => {
            *LEVEL.lock().unwrap() = line.parse().expect("a level");
            tracing::callsite::rebuild_interest_cache();
            said()
        }
        "rebuild" => {
            tracing::callsite::rebuild_interest_cache();
            "rebuilt".to_owned()
        }
        "images" => liveswap::dylib::images_mapped(RUNTIME.stage_directory())
            .expect("the loader tells")
            .len()
            .to_string(),
        "close-newest" => close_newest(RUNTIME.stage_directory()),
        "retired" => events
            .find_within(PATIENCE, |event| match event {
                Event::Retired { generation, outcome: Retirement::Retained { why, .. } } => {
                    Some(format!("{generation}: {why}"))
                }
                Event::Retired { generation, outcome } => Some(format!("{generation}: {outcome:?}")),
                _ => None,
            })
            .unwrap_or_else(|| "nothing".to_owned()),
        other => panic!("nobody knows {other}"),
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

fn said() -> String {
    std::mem::take(&mut *HEARD.lock().unwrap()).join("; ")
}

/// Polls what waits, once; what it answers, or that it still waits.
fn go_on() -> String {
    let mut future = WAITING.take().expect("somebody waits");
    match Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value.to_string(),
        Poll::Pending => {
            WAITING.set(Some(future));
            "waits".to_owned()
        }
    }
}

fn reload() -> String {
    match RUNTIME.reload_now().expect("answers").outcome {
        Outcome::Swapped { generation, kind, .. } => format!("swapped {generation} {kind}"),
        // The watcher was faster.
        Outcome::Unchanged { generation } => format!("swapped {generation}"),
        Outcome::Refused(refusal) => refusal.to_string(),
        other => format!("{other:?}"),
    }
}

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlclose(library: *mut c_void) -> c_int;
}

/// Unloads the stage that was loaded last without asking what may point into it: what the program is protected from.
fn close_newest(stages: &Path) -> String {
    let images = || liveswap::dylib::images_mapped(stages).expect("the loader tells");
    let newest = images().into_iter().next_back().expect("one is loaded");
    let path = CString::new(newest.path.as_os_str().as_bytes()).expect("a path");
    const NOW_IF_LOADED: c_int = 2 | 4;
    // SAFETY: nothing is loaded with these flags.
    let library = unsafe { dlopen(path.as_ptr(), NOW_IF_LOADED) };
    assert!(!library.is_null());
    // Once for the line above, once for the runtime.
    for _ in 0..2 {
        // SAFETY: none; that is what the test shows.
        unsafe { dlclose(library) };
    }
    format!("{} left", images().len())
}
