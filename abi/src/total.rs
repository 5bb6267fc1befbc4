//! How many things hold a generation besides calls and pins: threads, destructors, values under keys, leases.
//!
//! One number for all kinds, because reading several one by one could miss what moves from one to another meanwhile.
//!
//! # Protocol
//!
//! *Raise*, by code of the generation that runs because a call, a pin or something counted holds it. *Lower*, when the
//! last instruction of the generation that this count was for has returned. *Read* (owner thread only): after a swap, and
//! after the gate said that nobody is inside.
//!
//! # The races, case by case
//!
//! 1. *A call raises, and leaves while the owner looks.* The raise comes before the call's hazard is cleared (release), and
//!    the owner reads the hazards (acquire) before it reads the count: finding the hazard empty, it sees the raise. In the
//!    other order it could read zero, then find the gate empty, and free what is counted by now.
//! 2. *What is counted raises for the next before it lowers itself*: a thread's thread, a lease inside a leased value.
//!    One atomic has one order of changes, so the owner reads zero only when nothing is left.
//! 3. *What the counted code did, and the freeing.* Lower is a release, the owner's read an acquire, and each later
//!    lowering continues the release sequence of those before.
//! 4. *What is counted calls hot code*: that is a call, with a hazard of its own for the generation it enters. One into the
//!    same generation (a signature that the newer one does not have) is covered by the count.

use crate::sync::{AtomicUsize, Ordering};

/// The number, for one generation.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Total(AtomicUsize);

impl Total {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Total {
        Total(AtomicUsize::new(0))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Total {
        Total(AtomicUsize::new(0))
    }

    /// One thing more, which the calling code is about to leave behind while it is itself held.
    pub(crate) fn raise(&self) {
        // Relaxed: the release that ends the hold of the raising code publishes it (cases 1 and 2).
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One thing less, whose code has returned. Whoever reads zero may free `self`.
    pub(crate) fn lower(&self) {
        // Release pairs with the acquire in `is_zero` (case 3).
        self.0.fetch_sub(1, Ordering::Release);
    }

    /// Whether nothing is left. Read after the gate was looked at (case 1).
    pub(crate) fn is_zero(&self) -> bool {
        // Acquire pairs with the release in `lower` (case 3).
        self.0.load(Ordering::Acquire) == 0
    }
}
