//! What a new generation has to say against itself, before anybody can enter it.
//!
//! Self-checks run on a thread of their own, one after the other in the order of their paths, and the owner thread waits for
//! their answers until a deadline. The thread is pinned to a table that knows no function, so every hot function that a
//! self-check calls is the one compiled beside it: the generation that is to be judged, published or not. It therefore
//! also holds no generation, however long it takes.
//!
//! A self-check that gives no answer in time refuses its generation and may run on: its code stays mapped until the thread
//! says that it left it.

use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, unbounded};
use liveswap_abi::HotCrate;
use liveswap_abi::dispatch::Dispatch;
use liveswap_abi::hook::{Ended, Role};

use crate::event::{Difference, HotPanic, Refusal, Step};
use crate::inside::Inside;
use crate::panics;
use crate::refuse;

const THREAD: &str = "liveswap-check";

/// Knows no function, and belongs to no generation.
static NOWHERE: Dispatch = Dispatch::EMPTY;

/// Why a generation refused itself.
#[derive(Debug)]
pub(crate) struct Veto {
    pub(crate) refusal: Refusal,
    /// Set where a self-check still runs.
    pub(crate) inside: Option<Inside>,
}

/// Runs the self-checks of `image`, which is not published, or is not current.
pub(crate) fn run(
    host: &'static HotCrate,
    image: &'static HotCrate,
    deadline: Duration,
) -> Result<(), Veto> {
    let hooks = image.hooks_of(Role::SelfCheck);
    if hooks.is_empty() {
        return Ok(());
    }
    let until = Instant::now() + deadline;
    let (tell, told) = unbounded();
    let (inside, held) = Inside::new();
    let all = hooks.clone();
    let started = std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
        let pin = host.pin_to(&NOWHERE);
        for hook in all {
            let ended = hook.run();
            let place = match &ended {
                Ended::Panicked(message) => panics::place_of(message),
                _ => None,
            };
            // Nobody listens any more after the deadline, and then no further check is begun.
            if tell.send((ended, place)).is_err() {
                break;
            }
        }
        drop(pin);
        drop(held);
    });
    if let Err(error) = started {
        let refusal = Refusal::one(Step::SelfCheck, refuse::no_thread(THREAD, &error));
        return Err(Veto { refusal, inside: None });
    }
    let mut differences = Vec::new();
    let mut late = None;
    for hook in hooks {
        match told.recv_deadline(until) {
            Ok((ended, place)) => differences.extend(objection(hook.path(), ended, place)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                differences.push(refuse::self_check_late(hook.path(), deadline));
                late = Some(inside);
                break;
            }
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Veto { refusal: Refusal { step: Step::SelfCheck, differences }, inside: late })
}

fn objection(path: &str, ended: Ended, place: Option<String>) -> Option<Difference> {
    match ended {
        Ended::Well => None,
        Ended::Vetoed(why) => Some(refuse::self_check_vetoed(path, &why)),
        Ended::Panicked(message) => {
            let panic = HotPanic { function: path.to_owned(), message, location: place };
            Some(refuse::self_check_panicked(&panic))
        }
    }
}

#[cfg(test)]
mod tests;
