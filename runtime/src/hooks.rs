//! `#[hot(on_retire)]` and `#[hot(on_load)]`: what generations do when they go and when they come.
//!
//! After a swap, the hooks of the old generation and then those of the new one run, each kind on a thread of its own that is
//! pinned to its generation: the hot functions that a hook calls are its generation's own, and its code stays mapped. One
//! such thread begins when the one before it has ended, across swaps too, so hooks never overlap and come in the order
//! of the swaps; one that takes longer than the deadline is not waited for any more. Nobody waits for the threads: a
//! swap has happened when its hooks run, and nothing they do can undo it. What they can do is panic, which is told and
//! keeps the next one from nothing.

use std::time::Duration;

use liveswap_abi::HotCrate;
use liveswap_abi::dispatch::Dispatch;
use liveswap_abi::hook::{Ended, HookEntry, Role};

use crate::announce::Announcer;
use crate::event::{Event, HotPanic};
use crate::inside::Inside;
use crate::panics;

/// One generation's hooks of one kind, about to run.
pub(crate) struct Hooks {
    pub(crate) role: Role,
    pub(crate) generation: u64,
    /// Stays allocated, and the hooks mapped, until [`Inside`] says that the thread left.
    pub(crate) dispatch: &'static Dispatch,
    pub(crate) hooks: Vec<&'static HookEntry>,
}

impl Hooks {
    /// Starts the thread, which waits for `before` as long as `patience` allows; `None` where there is nothing to run.
    pub(crate) fn start(
        self,
        host: &'static HotCrate,
        before: Option<Inside>,
        patience: Duration,
        announcer: &Announcer,
    ) -> Option<Inside> {
        let (first, others) = (*self.hooks.first()?, self.hooks.len() - 1);
        let (role, generation) = (self.role, self.generation);
        let (inside, held) = Inside::new();
        let listener = announcer.clone();
        let thread = std::thread::Builder::new().name(format!("liveswap-{}", role.name()));
        let started = thread.spawn(move || {
            let pin = host.pin_to(self.dispatch);
            if let Some(before) = before {
                before.wait(patience);
            }
            for hook in self.hooks {
                if let Ended::Panicked(message) = hook.run() {
                    let location = panics::place_of(&message);
                    let panic = HotPanic { function: hook.path().to_owned(), message, location };
                    listener.tell(&Event::HookPanicked { generation, role, panic });
                }
            }
            drop(pin);
            drop(held);
        });
        match started {
            Ok(_) => Some(inside),
            Err(error) => {
                let message = format!("it and {others} more were not run: {error}");
                let panic = HotPanic { function: first.path().to_owned(), message, location: None };
                announcer.tell(&Event::HookPanicked { generation, role, panic });
                None
            }
        }
    }
}
