//! A host that does what it is told, a line in for a line out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use liveswap::{Event, Events, Outcome, Retirement, Runtime};
use tracing::span::{Attributes, Id, Record};

static TOLD: AtomicU32 = AtomicU32::new(0);
static PLACE: Mutex<String> = Mutex::new(String::new());

struct Counting;

impl tracing::Subscriber for Counting {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "hot"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        TOLD.fetch_add(1, Ordering::SeqCst);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let artifact = arguments.next().expect("an artifact");
    let stages = arguments.next().expect("a directory for stages");
    let runtime = Runtime::builder(hot::hot_crate())
        .artifact(artifact)
        .stage_dir(stages)
        .start()
        .expect("starts");
    let events = runtime.events();
    tracing::subscriber::set_global_default(Counting).expect("the only one");
    std::panic::set_hook(Box::new(|info| {
        *PLACE.lock().unwrap() = info.location().expect("a place").file().to_owned();
    }));
    liveswap::set_spawner(|future| drop(tokio::spawn(future)));
    let mut threads: Vec<JoinHandle<u32>> = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line.expect("text");
        println!("{line} {}", answer(&line, &runtime, &events, &mut threads));
    }
}

fn answer(
    line: &str,
    runtime: &Runtime,
    events: &Events,
    threads: &mut Vec<JoinHandle<u32>>,
) -> String {
    match line {
        "reload" => match runtime.reload_now().expect("answers").outcome {
            Outcome::Swapped { generation, kind, .. } => format!("swapped {generation} {kind}"),
            Outcome::Refused(refusal) => refusal.to_string(),
            other => format!("{other:?}"),
        },
        "value" => hot::value().to_string(),
        "type" => hot::boxed().is::<hot::Marker>().to_string(),
        "count" => format!("{} {} {}", state::count(), hot::count(), state::count()),
        "panic" => {
            let caught = catch_unwind(hot::fail).expect_err("it panics");
            let message = caught.downcast_ref::<String>().expect("a text");
            format!("{message} at {}", PLACE.lock().unwrap())
        }
        "tell" => {
            hot::tell();
            TOLD.load(Ordering::SeqCst).to_string()
        }
        "spawn" => {
            let executor = tokio::runtime::Builder::new_current_thread().build();
            let executor = executor.expect("an executor");
            let task = || executor.block_on(async { hot::spawned().await.expect("it ends") });
            match catch_unwind(AssertUnwindSafe(task)) {
                Ok(value) => value.to_string(),
                Err(panic) => format!("panicked: {}", panic.downcast_ref::<String>().expect("a text")),
            }
        }
        // The same, but as leases: what the executor keeps of the tasks is made by the program's code.
        "lease" => {
            let executor = tokio::runtime::Builder::new_current_thread().build();
            let executor = executor.expect("an executor");
            let (tell, told) = std::sync::mpsc::channel();
            let leased = executor.block_on(async {
                let task = tokio::spawn(hot::leased());
                hot::begin(tell);
                task.await.expect("it ends")
            });
            // What is left is dropped with the executor, having run or not.
            drop(executor);
            format!("{leased} {:?}", told.recv())
        }
        // A thread of the host's and one of the hot crate's, each with a destructor of the hot crate's.
        "leave" => {
            let (touched, is_touched) = std::sync::mpsc::channel();
            threads.push(thread::spawn(move || {
                hot::touch();
                touched.send(()).expect("somebody waits");
                state::wait_for_the_end();
                0
            }));
            is_touched.recv().expect("touched");
            threads.push(hot::linger());
            threads.len().to_string()
        }
        "end" => {
            state::end();
            let values: Vec<u32> =
                threads.drain(..).map(|thread| thread.join().expect("ended well")).collect();
            tracing::callsite::rebuild_interest_cache();
            format!("{values:?}, {} dropped", state::all_dropped())
        }
        "retired" => events
            .find_within(Duration::from_secs(60), |event| match event {
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
