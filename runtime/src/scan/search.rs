//! The thread that searches: one in the process, there only while something is looked for.
//!
//! Whatever is asked for while it searches is looked for together by the next pass over the memory, so many generations that
//! go at once cost no more than one.

mod heap;
mod image;
mod judge;
mod lists;
mod memory;
mod regions;
mod stacks;
mod symbols;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use nix::unistd::gettid;

use super::Target;
use crate::status::Searched;
use image::Image;
use judge::{Found, Survey};
use memory::Address;

/// What the thread is called.
const THREAD: &str = "liveswap-scan";
/// How long to wait before memory is searched once more for what only stacks seem to have, which threads write to all the
/// time; after the last of them that is the answer.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(2),
    Duration::from_millis(8),
    Duration::from_millis(30),
    Duration::from_millis(100),
    Duration::from_millis(200),
];

type Reply = Result<Option<String>, String>;

/// A search under way.
#[derive(Debug)]
pub(super) struct Scan {
    reply: Receiver<Reply>,
}

#[derive(Debug)]
struct Request {
    target: Target,
    /// The thread that asks: an owner thread, which does nothing but Liveswap's own work.
    owner: u32,
    reply: Sender<Reply>,
}

#[derive(Debug)]
struct Queue {
    requests: Vec<Request>,
    is_running: bool,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { requests: Vec::new(), is_running: false });
/// What the last pass cost.
static LATEST: Mutex<Option<Searched>> = Mutex::new(None);

impl Scan {
    /// Has the image looked for; called on an owner thread.
    pub(super) fn start(target: Target) -> Scan {
        let (sender, reply) = bounded(1);
        let request = Request { target, owner: number(), reply: sender };
        let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
        queue.requests.push(request);
        if !queue.is_running {
            let thread = thread::Builder::new().name(THREAD.to_owned());
            queue.is_running = thread.spawn(serve).is_ok();
        }
        Scan { reply }
    }

    /// What came of it; `None` while it goes on.
    pub(super) fn answer(&self) -> Option<Reply> {
        let gone = || Err("no thread could be started that looks for what points to it".to_owned());
        match self.reply.try_recv() {
            Ok(reply) => Some(reply),
            Err(error) if error.is_empty() => {
                let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
                if queue.is_running {
                    return None;
                }
                // It may have answered in between, and ended.
                if let Ok(reply) = self.reply.try_recv() {
                    return Some(reply);
                }
                queue.requests.clear();
                Some(gone())
            }
            Err(_) => Some(gone()),
        }
    }
}

/// What the searches of this process cost so far; `None` before the first.
pub(crate) fn latest() -> Option<Searched> {
    *LATEST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The system's number of the calling thread.
fn number() -> u32 {
    gettid().as_raw().unsigned_abs()
}

/// Searches until nobody waits for an answer.
fn serve() {
    let mut open: Vec<Open> = Vec::new();
    loop {
        let requests = {
            let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
            queue.is_running = !queue.requests.is_empty() || !open.is_empty();
            if !queue.is_running {
                return;
            }
            std::mem::take(&mut queue.requests)
        };
        open.extend(requests.into_iter().filter_map(Open::new));
        search(&mut open);
        if let Some(pause) = open.iter().filter_map(|open| PAUSES.get(open.passes - 1)).min() {
            thread::sleep(*pause);
        }
    }
}

/// A request that has no answer yet.
struct Open {
    request: Request,
    image: Image,
    /// How often memory was searched for it.
    passes: usize,
}

impl Open {
    fn new(request: Request) -> Option<Open> {
        match Image::of(&request.target) {
            Ok(mut image) => {
                // What waits to be looked for is told apart by addresses.
                let queue = (&raw const QUEUE).addr() as u64;
                let end = queue + size_of_val(&QUEUE) as u64;
                image.known.push(Address::of(queue)..Address::of(end));
                Some(Open { request, image, passes: 0 })
            }
            Err(error) => {
                let file = request.target.file.display();
                let words = format!(
                    "what is in `{file}` cannot be read to look for pointers to it: {error}"
                );
                answer(&request, Err(words));
                None
            }
        }
    }
}

/// One pass over the memory; those that it answers are open no more.
fn search(open: &mut Vec<Open>) {
    let started = Instant::now();
    let mut ours: BTreeSet<u32> = open.iter().map(|open| open.request.owner).collect();
    ours.insert(number());
    let images: Vec<&Image> = open.iter().map(|open| &open.image).collect();
    let count = images.len();
    let mut survey = match Survey::take(&images, ours) {
        Ok(survey) => survey,
        Err(error) => {
            let words =
                format!("the program's memory cannot be searched for pointers to it: {error}");
            open.drain(..).for_each(|open| answer(&open.request, Err(words.clone())));
            return;
        }
    };
    let mut index = 0;
    open.retain_mut(|open| {
        let found = survey.judge(index, &open.image);
        index += 1;
        open.passes += 1;
        match found {
            Some(found) if found.is_doubtful && open.passes <= PAUSES.len() => return true,
            Some(found) => answer(&open.request, Ok(Some(words(&found)))),
            None => answer(&open.request, Ok(None)),
        }
        false
    });
    let (bytes, took) = (survey.bytes, started.elapsed());
    tracing::debug!(bytes, ?took, images = count, "searched memory");
    let mut latest = LATEST.lock().unwrap_or_else(PoisonError::into_inner);
    let passes = latest.map_or(1, |before| before.passes + 1);
    *latest = Some(Searched { passes, bytes, took });
}

fn answer(request: &Request, reply: Reply) {
    // Nobody asks any more if the runtime ended.
    let _ = request.reply.send(reply);
}

fn words(found: &Found) -> String {
    let mut words = found.pointers.join("; ");
    if found.more > 0 {
        let and = if words.is_empty() { "" } else { "; and " };
        words.push_str(&format!("{and}{} more pointers to it", found.more));
    }
    format!("it can still be reached: {words}")
}

#[cfg(test)]
mod tests;
