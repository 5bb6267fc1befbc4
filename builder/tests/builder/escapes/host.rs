//! A host that keeps what escapes from its hot crate, and uses it when it is told to; a line in for a line out.

use std::ffi::{CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use hot::Greeter;
use liveswap::{Event, Events, Outcome, Retirement, Runtime};

static GO: AtomicU32 = AtomicU32::new(0);
static SAW: AtomicU32 = AtomicU32::new(0);

/// Longer than any event takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Kept {
    thread: Option<(Sender<()>, JoinHandle<()>)>,
    function: Option<fn(u32) -> u32>,
    value: Option<Box<dyn Greeter>>,
    future: Option<tokio::task::JoinHandle<u32>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, artifact, stages, quarantine, judge] = &arguments[..] else { panic!("{arguments:?}") };
    let runtime = Runtime::builder(hot::hot_crate())
        .artifact(artifact)
        .stage_dir(stages)
        .report_held_after(Duration::from_millis(20))
        .quarantine(Duration::from_millis(quarantine.parse().expect("a number")))
        .judge_imports(judge == "judge")
        .start()
        .expect("starts");
    let events = runtime.events();
    let executor = tokio::runtime::Builder::new_current_thread().build().expect("an executor");
    let mut kept = Kept::default();
    for line in std::io::stdin().lines() {
        let line = line.expect("text");
        let words: Vec<&str> = line.split(' ').collect();
        let answer = match words[..] {
            ["reload"] => match runtime.reload_now().expect("answers").outcome {
                Outcome::Swapped { generation, .. } | Outcome::Unchanged { generation } => {
                    format!("{generation}")
                }
                other => format!("{other:?}"),
            },
            ["version"] => hot::version().to_string(),
            ["leave", what] => leave(what, &mut kept, &executor),
            ["use", what] => later(what, &mut kept, &executor),
            ["outcome"] => outcome(&events),
            ["held"] => held(&events),
            ["close-anyway"] => close_oldest(runtime.stage_directory()),
            _ => panic!("nobody knows {line}"),
        };
        println!("{line} {answer}");
    }
}

fn leave(what: &str, kept: &mut Kept, executor: &tokio::runtime::Runtime) -> String {
    match what {
        "thread-local" => kept.thread = Some(on_a_thread(|| hot::local(&SAW))),
        "current-thread" => kept.thread = Some(on_a_thread(|| assert!(hot::current()))),
        "function" => kept.function = Some(hot::function()),
        "value" | "dropped-value" => kept.value = Some(hot::value(&SAW)),
        "future" => kept.future = Some(executor.spawn(hot::future(&GO))),
        "task" => executor.block_on(async { hot::task(&GO, &SAW) }),
        "panic-hook" => hot::hook(&SAW),
        other => panic!("nobody knows {other}"),
    }
    // Whatever was spawned has begun.
    executor.block_on(tokio::task::yield_now());
    "left".to_owned()
}

/// Uses what was left; the version of the code that then ran.
fn later(what: &str, kept: &mut Kept, executor: &tokio::runtime::Runtime) -> String {
    GO.store(1, SeqCst);
    match what {
        "thread-local" | "current-thread" => {
            let (end, thread) = kept.thread.take().expect("it was left");
            drop(end);
            thread.join().expect("it ends");
        }
        "function" => SAW.store(kept.function.expect("it was left")(0), SeqCst),
        "value" => SAW.store(kept.value.as_ref().expect("it was left").greet(), SeqCst),
        "dropped-value" => kept.value = None,
        "future" => {
            let future = kept.future.take().expect("it was left");
            SAW.store(executor.block_on(future).expect("it ends"), SeqCst);
        }
        "task" => executor.block_on(async {
            while SAW.load(SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        }),
        "panic-hook" => drop(catch_unwind(|| panic!("on purpose")).expect_err("it panics")),
        other => panic!("nobody knows {other}"),
    }
    SAW.load(SeqCst).to_string()
}

fn on_a_thread(call: impl FnOnce() + Send + 'static) -> (Sender<()>, JoinHandle<()>) {
    let (end, ended) = channel::<()>();
    let (called, is_called) = channel();
    let thread = std::thread::Builder::new().name("keeper".to_owned());
    let run = move || {
        call();
        called.send(()).expect("somebody waits");
        let _ = ended.recv();
    };
    let thread = thread.spawn(run).expect("a thread");
    is_called.recv().expect("called");
    (end, thread)
}

/// What became of generation 1.
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

/// What holds generation 1.
fn held(events: &Events) -> String {
    let draining = |event| match event {
        Event::Draining { generation: 1, holders } => {
            Some(holders.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))
        }
        _ => None,
    };
    events.find_within(PATIENCE, draining).unwrap_or_else(|| "nothing".to_owned())
}

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlclose(library: *mut c_void) -> c_int;
}

/// Unloads the oldest stage without asking what holds it.
fn close_oldest(stages: &Path) -> String {
    let images = || liveswap::dylib::images_mapped(stages).expect("the loader tells");
    let oldest = images().into_iter().next().expect("one is loaded");
    let path = CString::new(oldest.path.as_os_str().as_bytes()).expect("a path");
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
