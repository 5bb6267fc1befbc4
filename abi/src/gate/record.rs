//! The reader's side: one record a thread, entered and left by every call.

use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::AtomicU8;

use super::Gate;
use super::hazard::{Hazard, protect};
use crate::dispatch::Dispatch;
use crate::sync::{AtomicBool, AtomicPtr, AtomicUsize, Cell, Ordering};

/// How many generations one thread can be inside at once before a call claims a further record.
pub(super) const HAZARDS: usize = if cfg!(loom) { 2 } else { 8 };

/// How many bytes of a thread's name a record keeps for reports.
pub(super) const NAME: usize = 32;

/// Which generations one thread is inside.
///
/// `top`, `source`, `pins` and `orphan` belong to the thread that holds the record; the rest is also read by the
/// owner thread.
///
/// Obligation R1: only the thread that claimed a record calls its methods until it gives it back; a [`Claim`] does
/// not leave its thread.
/// Obligation R2: calls of one thread leave in the reverse order of entering.
#[repr(C)]
pub(crate) struct Record {
    /// The innermost hazard that is set, or the first where none is.
    top: Cell<usize>,
    /// Where this thread reads its current table: the gate, or its own pin.
    source: Cell<&'static AtomicPtr<Dispatch>>,
    pins: Cell<usize>,
    /// Whether no thread will use the record again once its last pin is dropped.
    orphan: Cell<bool>,
    gate: &'static Gate,
    pub(super) hazards: [Hazard; HAZARDS],
    pub(super) pin: AtomicPtr<Dispatch>,
    in_use: AtomicBool,
    pub(super) next: Cell<*const Record>,
    pub(super) name: [AtomicU8; NAME],
    /// The thread that claimed the record last, as [`this_thread`] tells them apart.
    pub(super) thread: AtomicUsize,
}

// SAFETY: the cells are only touched by the claiming thread (R1; `next` only before the record is published), everything
// else is atomic.
unsafe impl Sync for Record {}

/// The right to use a record, on the thread that claimed it.
#[derive(Clone, Copy)]
pub struct Claim {
    record: &'static Record,
    _not_send: PhantomData<*const ()>,
}

/// Tells the calling thread from every other that runs: the address of something of its own.
///
/// Without a destructor, so it is there for as long as the thread runs any code.
pub(super) fn this_thread() -> usize {
    thread_local! {
        static MINE: u8 = const { 0 };
    }
    MINE.with(|mine| ptr::from_ref(mine) as usize)
}

impl Gate {
    /// Hands out a record that no other thread uses: one given back earlier, or a new one.
    #[cold]
    pub(crate) fn claim(&'static self) -> Claim {
        let free = self.records().find(|record| record.try_claim());
        let record = free.unwrap_or_else(|| self.publish());
        // Relaxed: only this thread compares it with its own.
        record.thread.store(this_thread(), Ordering::Relaxed);
        Claim { record, _not_send: PhantomData }
    }

    fn publish(&'static self) -> &'static Record {
        let record: &'static Record = Box::leak(Box::new(Record {
            top: Cell::new(0),
            source: Cell::new(self.current()),
            pins: Cell::new(0),
            orphan: Cell::new(false),
            gate: self,
            hazards: std::array::from_fn(|_| Hazard {
                dispatch: AtomicPtr::new(ptr::null_mut()),
                slot: AtomicUsize::new(0),
            }),
            pin: AtomicPtr::new(ptr::null_mut()),
            in_use: AtomicBool::new(true),
            next: Cell::new(ptr::null()),
            name: [const { AtomicU8::new(0) }; NAME],
            thread: AtomicUsize::new(0),
        }));
        // Relaxed: the list behind the head is not followed here.
        let mut head = self.head().load(Ordering::Relaxed);
        loop {
            record.next.set(head.cast_const());
            // Release pairs with the acquire load of the list's head in `Gate::records`. A later publisher's exchange
            // continues this one's release sequence, so that load sees every record behind the head.
            match self.head().compare_exchange_weak(
                head,
                ptr::from_ref(record).cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return record,
                Err(now) => head = now,
            }
        }
    }
}

impl Claim {
    /// Enters the current generation (or the pinned one) to call the function in `slot`.
    ///
    /// `None` where a call of this thread is already inside a generation: [`Claim::enter_nested`] is for that.
    #[inline(always)]
    pub(crate) fn enter(self, slot: usize) -> Option<Entered> {
        let first = &self.record.hazards[0];
        // Relaxed: only this thread writes its own hazards.
        if !first.dispatch.load(Ordering::Relaxed).is_null() {
            return None;
        }
        Some(Entered { hazard: first, dispatch: first.protect(self.record.source.get(), slot) })
    }

    /// Enters whatever this thread is inside already.
    #[inline]
    pub(crate) fn enter_nested(self, slot: usize) -> Nested {
        let record = self.record;
        let top = record.top.get();
        let source = record.source.get();
        let innermost = &record.hazards[top];
        // Relaxed: only this thread writes its own hazards.
        let held = innermost.dispatch.load(Ordering::Relaxed);
        if held.is_null() {
            let dispatch = innermost.protect(source, slot);
            return Nested { record, dispatch, exit: Exit::Clear(innermost, top) };
        }
        // Acquire pairs with the release in `Gate::swap`.
        if held == source.load(Ordering::Acquire) {
            return Nested { record, dispatch: held, exit: Exit::Covered }; // case 4
        }
        let Some(hazard) = record.hazards.get(top + 1) else {
            return record.overflow().enter_once(slot); // case 7
        };
        record.top.set(top + 1);
        let dispatch = hazard.protect(source, slot);
        Nested { record, dispatch, exit: Exit::Clear(hazard, top) }
    }

    /// Enters on a record just claimed, which is given back when this one call leaves (case 7).
    pub(crate) fn enter_once(self, slot: usize) -> Nested {
        let record = self.record;
        let dispatch = record.hazards[0].protect(record.source.get(), slot);
        Nested { record, dispatch, exit: Exit::GiveBack }
    }

    /// Makes every call of this thread use one generation until the last pin is dropped.
    pub(crate) fn pin(self) -> PinHold {
        let record = self.record;
        let pins = record.pins.get();
        if pins == 0 {
            protect(&record.pin, record.gate.current());
            record.source.set(&record.pin);
        }
        record.pins.set(pins + 1);
        PinHold { record, _not_send: PhantomData }
    }

    /// As [`Claim::pin`], to a table that need not be the current one (case 10).
    #[cfg(not(loom))]
    pub(crate) fn pin_to(self, dispatch: &'static Dispatch) -> PinHold {
        let record = self.record;
        let pins = record.pins.get();
        if pins == 0 {
            // Release pairs with the scan's acquire load, as the store in `protect` does.
            record.pin.store(ptr::from_ref(dispatch).cast_mut(), Ordering::Release);
            record.source.set(&record.pin);
        }
        record.pins.set(pins + 1);
        PinHold { record, _not_send: PhantomData }
    }

    /// Pins with a record just claimed, for a thread that has given its own back: it holds the generation, but the
    /// thread's calls still go to the newest.
    pub(crate) fn pin_once(self) -> PinHold {
        self.record.orphan.set(true);
        self.pin()
    }

    /// Names the thread for reports; longer names are cut.
    pub(crate) fn set_name(self, name: &str) {
        let bytes = name.as_bytes();
        for (index, cell) in self.record.name.iter().enumerate() {
            // Relaxed: a name is for reports; one read while it changes may be mixed.
            cell.store(bytes.get(index).copied().unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// Gives the record back when its thread ends; one with a hold left is not handed on (case 6).
    pub(crate) fn release(self) {
        self.record.release();
    }
}

impl Record {
    /// Claims a record for one call more than this one has room for.
    #[cold]
    fn overflow(&self) -> Claim {
        let claim = self.gate.claim();
        claim.record.source.set(self.source.get());
        claim
    }

    fn release(&self) {
        // Relaxed: only this thread writes its own hazards.
        let inside = !self.hazards[0].dispatch.load(Ordering::Relaxed).is_null();
        if inside || self.pins.get() > 0 {
            self.orphan.set(true);
        } else {
            self.give_back();
        }
    }

    fn try_claim(&self) -> bool {
        // Acquire pairs with the release in `give_back`: the former thread's cells are ours now.
        !self.in_use.load(Ordering::Relaxed)
            && self
                .in_use
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }

    #[cold]
    fn give_back(&self) {
        self.source.set(self.gate.current());
        self.orphan.set(false);
        // Release pairs with the acquire in `try_claim`.
        self.in_use.store(false, Ordering::Release);
    }
}

/// A thread's only call in progress: holds its generation until [`Entered::leave`].
///
/// It has no destructor, so that the call between enter and leave needs no landing pad: fenced bodies never unwind, and
/// a hold that is forgotten keeps its generation loaded, which is safe.
#[must_use = "the generation is held until `leave`"]
pub(crate) struct Entered {
    hazard: &'static Hazard,
    dispatch: *const Dispatch,
}

impl Entered {
    /// The table that this call uses.
    #[inline(always)]
    pub(crate) fn dispatch(&self) -> &Dispatch {
        // SAFETY: a hazard of this thread names the table, so the owner thread keeps it allocated.
        unsafe { &*self.dispatch }
    }

    /// Ends the hold.
    #[inline(always)]
    pub(crate) fn leave(self) {
        self.hazard.clear();
    }
}

/// A call in progress inside another one, or on a record of its own; like [`Entered`] it has no destructor.
#[must_use = "the generation is held until `leave`"]
pub(crate) struct Nested {
    record: &'static Record,
    dispatch: *const Dispatch,
    exit: Exit,
}

/// How a [`Nested`] call ends.
enum Exit {
    /// An outer call of this thread holds the same generation.
    Covered,
    /// This hazard is the call's own; below it is the one with this index.
    Clear(&'static Hazard, usize),
    /// The whole record is the call's own.
    GiveBack,
}

impl Nested {
    /// The table that this call uses.
    pub(crate) fn dispatch(&self) -> &Dispatch {
        // SAFETY: a hazard of this thread names the table, so the owner thread keeps it allocated.
        unsafe { &*self.dispatch }
    }

    /// Ends the hold.
    pub(crate) fn leave(self) {
        match self.exit {
            Exit::Covered => {}
            Exit::Clear(hazard, below) => {
                hazard.clear();
                self.record.top.set(below);
            }
            Exit::GiveBack => {
                self.record.hazards[0].clear();
                self.record.give_back();
            }
        }
    }
}

/// The hold of a pin; stays on its thread.
#[must_use = "the generation is pinned only while this lives"]
pub struct PinHold {
    record: &'static Record,
    _not_send: PhantomData<*const ()>,
}

impl PinHold {
    /// The number of the pinned generation.
    #[must_use]
    pub fn generation(&self) -> u64 {
        // Relaxed: this thread wrote it.
        let dispatch = self.record.pin.load(Ordering::Relaxed);
        // SAFETY: the pin's hazard names the table, so the owner thread keeps it allocated.
        unsafe { &*dispatch }.generation()
    }
}

impl Drop for PinHold {
    fn drop(&mut self) {
        let record = self.record;
        let pins = record.pins.get() - 1;
        record.pins.set(pins);
        if pins > 0 {
            return;
        }
        record.source.set(record.gate.current());
        // Release pairs with the scan's acquire load (cases 3 and 5).
        record.pin.store(ptr::null_mut(), Ordering::Release);
        if record.orphan.get() {
            record.release();
        }
    }
}
