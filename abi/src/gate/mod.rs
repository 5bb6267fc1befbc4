//! The gate: which generations a thread is inside, and when nobody is inside one any more.
//!
//! # Protocol
//!
//! Every thread that calls hot functions of a crate owns one record: a small stack of hazards (one
//! table pointer each) and one more for a pin. Records are never freed, only handed on when their thread
//! ends, so the owner thread can walk all of them without a lock.
//!
//! *Enter.* Read the current table; if the innermost hazard already names it, that outer hold covers this
//! call. Otherwise store it as the next hazard, light fence, and read the current table
//! again; where it changed, store the new one instead and look again. Only then is the table used.
//!
//! *Leave.* Clear the hazard with a release store.
//!
//! *Swap* (owner thread only). Store the new table, then the heavy fence.
//!
//! *Drain* (owner thread only, after a swap). The old table is free when no record names it.
//!
//! *Pin.* As enter, into the pin's own hazard; until it drops, the thread reads its "current table" from that
//! hazard, so every call of it uses one generation.
//!
//! # The races, case by case
//!
//! 1. *The hazard store comes before the heavy fence.* The fence makes it visible; the drain sees it.
//! 2. *The hazard store comes after the heavy fence.* The swap's store precedes the fence, so the second read
//!    sees the new table; the old one is never used.
//! 3. *Leave against drain.* The drain's acquire load of the cleared hazard pairs with leave's release store:
//!    everything that the call did in the old code happened before the unload.
//! 4. *Nested call while a swap happens.* The nested call reads its table once. If that is the outer call's, the
//!    outer hazard holds it for longer than the nested call lasts. If it is the newer one, it gets its own hazard
//!    and cases 1 to 3 apply.
//! 5. *A hold moves from a pin to a call.* A call under a pin may store its own hazard, in this record or in a borrowed
//!    one (case 7), and the pin may drop first. The pin's hazard is cleared after the call's was stored, and the
//!    drain reads the pins of all records before it reads any call's hazard: finding the pin's empty (acquire, pairs
//!    with the pin's release) it sees the call's, and the record that it is in.
//! 6. *Thread exit.* A record is handed on only when its stack and its pin are empty. One whose pin outlives the thread's
//!    other locals is handed on when that pin drops; one with a forgotten pin keeps its hold for ever and is
//!    reported, which is what was asked of it.
//! 7. *A call after the thread gave its record back* (from a thread-local destructor), *or deeper than the stack*.
//!    The call borrows a record of its own for as long as it lasts; claiming (acquire) and returning (release)
//!    one is a compare-and-swap on `in_use`.
//! 8. *A table's address is used again.* A table is freed only after case 3, so a thread that reads the same address
//!    again after storing its hazard reads the table that is current now.
//! 9. *Two swaps in a row.* Each is a store and a fence; a caller that finds the table changed twice loops twice. A caller
//!    can only starve while swaps keep coming faster than two loads.
//! 10. *A pin to a table that is not current*, by a thread that the runtime started to run the hooks of one generation.
//!     No second look can tell whether the table is still there, and none is needed: the owner thread, which alone frees
//!     tables, keeps that one until the hooks' thread told it, after the pin was dropped, that it is done.
//!
//! # What the model checker sees
//!
//! `model/` runs every case under loom, where both halves of the fence are full fences. So it cannot see what the
//! light half leaves to the orderings beside it: that the pin of case 5 is cleared with release, and that a swap
//! publishes with release what was written before it. Those two are argued here and at the accesses.

mod hazard;
#[cfg(all(test, loom))]
mod model;
mod record;
mod scan;
#[cfg(all(test, not(loom)))]
mod tests;

use std::ptr;

use record::Record;
pub use record::{Claim, PinHold};
#[cfg(not(loom))]
pub(crate) use record::{Entered, Nested};
pub use scan::{Hold, HoldKind};

use crate::barrier::{self, BarrierUnavailable};
use crate::dispatch::{Dispatch, UNASSIGNED};
use crate::sync::{AtomicPtr, Ordering};

/// The meeting point of the threads that call a hot crate and the one that swaps it.
#[repr(C)]
pub struct Gate {
    current: AtomicPtr<Dispatch>,
    records: AtomicPtr<Record>,
}

static EMPTY: Dispatch = Dispatch::EMPTY;

impl Gate {
    /// A gate whose current table is [`Dispatch::EMPTY`].
    #[cfg(not(loom))]
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a gate is made once, in a static")]
    pub const fn new() -> Gate {
        Gate {
            current: AtomicPtr::new((&raw const EMPTY).cast_mut()),
            records: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// A gate whose current table is [`Dispatch::EMPTY`].
    #[cfg(loom)]
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a gate is made once, in a static")]
    pub fn new() -> Gate {
        Gate {
            current: AtomicPtr::new((&raw const EMPTY).cast_mut()),
            records: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Publishes `next` and returns the table that was current before.
    ///
    /// Afterwards no thread can begin to use the old table; those inside it are found by [`Gate::is_held`].
    /// Only the owner thread calls this, and it keeps `next` allocated until a later swap replaced it and
    /// [`Gate::is_held`] said `false`.
    ///
    /// # Errors
    ///
    /// [`BarrierUnavailable`] beside the old table: the swap happened, but who is inside cannot be known.
    pub fn swap(
        &self,
        next: &'static Dispatch,
    ) -> (*const Dispatch, Result<(), BarrierUnavailable>) {
        // Release pairs with the acquire loads in `Record::enter` and `Record::pin`: who reads the pointer sees
        // the table's contents and everything that was prepared before the swap.
        let old = self.current.swap(ptr::from_ref(next).cast_mut(), Ordering::AcqRel);
        (old.cast_const(), barrier::heavy())
    }

    /// The number of the generation that a call entering now would use.
    ///
    /// The answer may be old by the time it is read.
    #[must_use]
    pub fn generation(&'static self) -> u64 {
        let entered = self.claim().enter_once(UNASSIGNED);
        let generation = entered.dispatch().generation();
        entered.leave();
        generation
    }

    /// The current table's address, for comparison only.
    fn current(&self) -> &AtomicPtr<Dispatch> {
        &self.current
    }

    fn head(&self) -> &AtomicPtr<Record> {
        &self.records
    }

    fn records(&self) -> impl Iterator<Item = &'static Record> {
        // Acquire pairs with the release that published the records.
        let mut next = self.records.load(Ordering::Acquire).cast_const();
        std::iter::from_fn(move || {
            if next.is_null() {
                return None;
            }
            // SAFETY: published records are leaked boxes and are never freed.
            let record = unsafe { &*next };
            next = record.next.get();
            Some(record)
        })
    }
}
