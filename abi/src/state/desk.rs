//! Where all live states of the process are, and who has which of them open.
//!
//! There is one desk, the host's. It has one lock, which nobody keeps while code of a user runs, and one condition on
//! which everybody waits who has to.
//!
//! # Protocol
//!
//! *Open.* Under the lock: wait while the state is frozen and this thread has no frozen state open, or while others have
//! it open in a way that does not go together with this one; compare the layout; note who opened it.
//! *Close.* Under the lock: remove that note, wake everybody.
//! *Freeze* (owner thread): mark every state that has to be carried over. *Claim*: wait, until a deadline, for a
//! moment in which nobody has a frozen state open. *Thaw*: remove the marks, wake everybody.
//!
//! # Why nobody waits for ever
//!
//! 1. *A thread that has nothing open, and opens a frozen state.* It waits for the thaw, which comes: the owner waits only
//!    until the deadline, and then only for its own work.
//! 2. *A thread that has frozen state A open, and opens frozen state B.* It does not wait for the thaw: it goes on as if
//!    nothing was frozen, so it can finish and close both. Once nobody has a frozen state open, no thread is in this
//!    case, and none can come to be: so at the claim all of them are free at once, not one after the other.
//! 3. *A thread that has state C open, which is not frozen, and opens frozen state A.* As 1: nobody whom the owner waits for
//!    waits for C, or 4 finds it.
//! 4. *Threads that open the same states in another order.* Everybody who waits for a thread says so under the lock, so the
//!    one that would close the circle sees it and gets an error in place of a wait.
//! 5. *A thread that opens a state it has open already*, one of the two to change it: an error, for the same reason.
//! 6. *A thread that keeps a frozen state open*, because it waits for something else or is a main loop that never
//!    closes it: the deadline passes, the owner thaws and refuses the swap, naming the thread.
//! 7. *The owner thread* opens nothing; it waits for the lock, which is only kept for a moment, and until the deadline.
//! 8. *A state that is dropped while it is frozen*: as 1 and 2.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::carry::StateTypes;
use super::ops::{Failure, StateOps, Value};
use super::{OpenError, thread};
use crate::layout::Fingerprint;

/// The live states of a process.
pub(super) struct Desk {
    inner: Mutex<Inner>,
    changed: Condvar,
}

pub(super) struct Inner {
    pub(super) entries: Vec<Option<Entry>>,
    /// For each hot crate with a runtime, the state types of its current generation.
    pub(super) current: BTreeMap<&'static str, Vec<Listed>>,
    /// Layouts as images know them, by the address of their operations; forgotten when an image goes.
    fingerprints: Option<HashMap<usize, Fingerprint>>,
    /// The first type of state, of those that were made, whose values may hold addresses inside the image that made them.
    pub(super) pointing: Option<String>,
    /// Which state a thread waits for because others have it open.
    waiting: BTreeMap<thread::Id, usize>,
    /// Whether a runtime is carrying states over; one at a time does.
    carrying: bool,
    /// Operations that run outside the lock and that no entry tells of.
    pub(super) busy: usize,
    /// Values of named states that do not exist yet.
    pub(super) kept: BTreeMap<String, Vec<u8>>,
    /// Is told of kept values that do not fit.
    pub(super) unfit_listener: Option<fn(&str, &Failure)>,
}

/// One live state.
pub(super) struct Entry {
    pub(super) ops: &'static StateOps,
    pub(super) fingerprint: Fingerprint,
    pub(super) value: Value,
    pub(super) name: Option<String>,
    /// Whether `ops` are those of the current generation of a hot crate, which stays loaded until they are replaced.
    pub(super) homed: bool,
    /// Whether it is being dropped.
    pub(super) ending: bool,
    /// Whether it is about to be carried over.
    pub(super) frozen: bool,
    holders: Vec<Held>,
}

// SAFETY: values are only those of types that are Send, and who may use one is decided under the lock.
unsafe impl Send for Entry {}

struct Held {
    thread: thread::Id,
    to_change: bool,
    since: Instant,
}

/// A type of state as the current generation of a hot crate knows it.
#[derive(Clone, Copy)]
pub(super) struct Listed {
    pub(super) ops: &'static StateOps,
    pub(super) fingerprint: Fingerprint,
}

impl Listed {
    pub(super) fn fits(&self, entry: &Entry) -> bool {
        // A type's name is part of its fingerprint.
        self.fingerprint == entry.fingerprint
    }
}

/// A thread that has a state open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateHolder {
    /// The thread's name; empty where it has none.
    pub thread: String,
    /// For how long.
    pub age: Duration,
}

impl Desk {
    pub(super) const fn new() -> Desk {
        Desk {
            inner: Mutex::new(Inner {
                entries: Vec::new(),
                current: BTreeMap::new(),
                fingerprints: None,
                pointing: None,
                waiting: BTreeMap::new(),
                carrying: false,
                busy: 0,
                kept: BTreeMap::new(),
                unfit_listener: None,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }

    fn wait<'a>(&self, inner: MutexGuard<'a, Inner>) -> MutexGuard<'a, Inner> {
        self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner)
    }

    /// The layout of the type of `ops`, asked once.
    pub(super) fn fingerprint(&self, ops: &'static StateOps) -> Fingerprint {
        let address = std::ptr::from_ref(ops).addr();
        if let Some(known) = self.lock().fingerprints.get_or_insert_default().get(&address) {
            return *known;
        }
        let (fingerprint, points) = ops.look();
        let mut inner = self.lock();
        inner.fingerprints.get_or_insert_default().insert(address, fingerprint);
        if points && inner.pointing.is_none() {
            inner.pointing = Some(ops.name().to_owned());
        }
        fingerprint
    }

    /// Another image may come to be where one was.
    pub(super) fn forget_layouts(&self) {
        self.lock().fingerprints = None;
    }

    /// Takes in a new state.
    pub(super) fn admit(&self, ops: &'static StateOps, value: Value, name: Option<&str>) -> usize {
        let fingerprint = self.fingerprint(ops);
        let mut inner = self.lock();
        let mut entry = Entry {
            ops,
            fingerprint,
            value,
            name: name.map(str::to_owned),
            homed: false,
            ending: false,
            frozen: false,
            holders: Vec::new(),
        };
        inner.settle(&mut entry);
        let free = inner.entries.iter().position(Option::is_none);
        let slot = free.unwrap_or(inner.entries.len());
        if free.is_none() {
            inner.entries.push(None);
        }
        inner.entries[slot] = Some(entry);
        slot
    }

    /// Takes note of the types of a hot crate's first generation.
    pub(super) fn settle(&self, hot_crate: &'static str, types: &StateTypes) {
        let mut inner = self.lock();
        if inner.current.contains_key(hot_crate) {
            return;
        }
        inner.current.insert(hot_crate, types.listed.clone());
        inner.settle_all();
    }

    /// Opens a state for code that knows the type by `ops`, or without looking at it where there are none.
    pub(super) fn open(
        &self,
        slot: usize,
        ops: Option<&'static StateOps>,
        to_change: bool,
    ) -> Result<Value, OpenError> {
        let me = thread::id();
        // Asked outside the lock, because the answer comes from code of the caller's image.
        let mut asked = None;
        let mut inner = self.lock();
        loop {
            let Some(entry) = inner.entry(slot) else { return Err(OpenError::gone()) };
            let mine = entry.holders.iter().find(|held| held.thread == me);
            if mine.is_some_and(|held| held.to_change || to_change) {
                return Err(OpenError::already_open(entry.ops.name()));
            }
            if entry.frozen && !inner.holds_frozen(me) {
                inner = self.wait(inner);
                continue;
            }
            if entry.holders.iter().any(|held| to_change || held.to_change) {
                if inner.is_circle(me, slot) {
                    return Err(OpenError::circle(entry.ops.name()));
                }
                inner.waiting.insert(me, slot);
                inner = self.wait(inner);
                inner.waiting.remove(&me);
                continue;
            }
            if let Some(ops) = ops
                && !std::ptr::eq(entry.ops, ops)
            {
                let Some(fingerprint) = asked else {
                    drop(inner);
                    asked = Some(self.fingerprint(ops));
                    inner = self.lock();
                    continue;
                };
                if entry.fingerprint != fingerprint {
                    return Err(OpenError::other_layout(ops.name(), entry.homed));
                }
            }
            let held = Held { thread: me, to_change, since: Instant::now() };
            let Some(entry) = inner.entry_mut(slot) else { return Err(OpenError::gone()) };
            entry.holders.push(held);
            return Ok(entry.value);
        }
    }

    /// Ends what `open` began, on the same thread.
    pub(super) fn close(&self, slot: usize, to_change: bool) {
        let me = thread::id();
        let mut inner = self.lock();
        if let Some(entry) = inner.entry_mut(slot) {
            let mine = |held: &Held| held.thread == me && held.to_change == to_change;
            if let Some(index) = entry.holders.iter().position(mine) {
                entry.holders.swap_remove(index);
            }
        }
        drop(inner);
        self.wake();
    }

    /// Marks a state as being dropped and gives what is needed for that; `None` where somebody forgot to close it.
    pub(super) fn begin_end(&self, slot: usize) -> Option<(&'static StateOps, Value)> {
        let me = thread::id();
        let mut inner = self.lock();
        while inner.entry(slot)?.frozen && !inner.holds_frozen(me) {
            inner = self.wait(inner);
        }
        let entry = inner.entry_mut(slot)?;
        if !entry.holders.is_empty() {
            return None;
        }
        entry.ending = true;
        Some((entry.ops, entry.value))
    }

    /// Removes a state whose value was dropped.
    pub(super) fn finish_end(&self, slot: usize) {
        self.lock().entries[slot] = None;
    }

    /// Waits until nobody has a frozen state open. States that come to be frozen in between count too.
    ///
    /// # Errors
    ///
    /// At the deadline: the name of one that is open, and who has it open.
    pub(super) fn claim(&self, deadline: Instant) -> Result<(), (&'static str, Vec<StateHolder>)> {
        let mut inner = self.lock();
        loop {
            let held = |entry: &&Entry| entry.frozen && !entry.holders.is_empty();
            let Some(entry) = inner.entries.iter().flatten().find(held) else { return Ok(()) };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let name = entry.ops.name();
                let holders = entry.holders.iter().map(|held| StateHolder {
                    thread: thread::name(held.thread),
                    age: held.since.elapsed(),
                });
                return Err((name, holders.collect()));
            }
            let waited = self.changed.wait_timeout(inner, left);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until no other runtime carries states over; `None` at the deadline.
    pub(super) fn turn(&'static self, deadline: Instant) -> Option<Turn> {
        let mut inner = self.lock();
        while inner.carrying {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.changed.wait_timeout(inner, left);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.carrying = true;
        Some(Turn(self))
    }

    /// What keeps every generation that was ever current from being unloaded, in words.
    pub(super) fn holds(&self) -> Vec<String> {
        let inner = self.lock();
        let loose = inner.entries.iter().flatten().filter(|entry| !entry.homed || entry.ending);
        let mut holds: Vec<String> = loose.map(|entry| entry.ops.name().to_owned()).collect();
        if inner.busy > 0 {
            holds.push("a state that is being written or read".to_owned());
        }
        holds.sort_unstable();
        holds.dedup();
        holds
    }
}

/// The right to freeze states; when it ends, all of them are thawed.
pub(super) struct Turn(&'static Desk);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.carrying = false;
        inner.entries.iter_mut().flatten().for_each(|entry| entry.frozen = false);
        drop(inner);
        self.0.wake();
    }
}

impl Inner {
    pub(super) fn entry(&self, slot: usize) -> Option<&Entry> {
        self.entries.get(slot)?.as_ref()
    }

    pub(super) fn entry_mut(&mut self, slot: usize) -> Option<&mut Entry> {
        self.entries.get_mut(slot)?.as_mut()
    }

    /// Gives a state the operations of the current generation, if that knows its type and layout.
    pub(super) fn settle(&self, entry: &mut Entry) {
        let mut known = self.current.values().flatten();
        let listed = known.find(|listed| listed.fits(entry)).copied();
        entry.homed = listed.is_some();
        if let Some(listed) = listed {
            entry.ops = listed.ops;
        }
    }

    /// Gives every state the operations of the current generation where that knows its type and layout.
    pub(super) fn settle_all(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        let whole = entries.iter_mut().flatten().filter(|entry| !entry.ending);
        whole.for_each(|entry| self.settle(entry));
        self.entries = entries;
    }

    fn holds_frozen(&self, me: thread::Id) -> bool {
        let frozen = self.entries.iter().flatten().filter(|entry| entry.frozen);
        frozen.flat_map(|entry| &entry.holders).any(|held| held.thread == me)
    }

    /// Whether somebody who has `slot` open waits, perhaps by way of others, for `me`.
    fn is_circle(&self, me: thread::Id, slot: usize) -> bool {
        let mut to_look_at = vec![slot];
        let mut seen = Vec::new();
        while let Some(slot) = to_look_at.pop() {
            let Some(entry) = self.entry(slot) else { continue };
            for held in &entry.holders {
                if held.thread == me {
                    return true;
                }
                if let Some(&next) = self.waiting.get(&held.thread)
                    && !seen.contains(&next)
                {
                    seen.push(next);
                    to_look_at.push(next);
                }
            }
        }
        false
    }
}
