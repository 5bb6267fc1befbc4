//! One place in a record: how it is set to the current table, and cleared.

use std::hint::cold_path;
use std::ptr;

use crate::barrier;
use crate::dispatch::Dispatch;
use crate::sync::{AtomicPtr, AtomicUsize, Ordering};

/// One hazard: the table a call uses, and the slot of the function called, for reports.
#[repr(C)]
pub(super) struct Hazard {
    pub(super) dispatch: AtomicPtr<Dispatch>,
    pub(super) slot: AtomicUsize,
}

impl Hazard {
    #[inline(always)]
    pub(super) fn protect(&self, source: &AtomicPtr<Dispatch>, slot: usize) -> *mut Dispatch {
        // Relaxed: published to the scan by the release store of the table that follows.
        self.slot.store(slot, Ordering::Relaxed);
        protect(&self.dispatch, source)
    }

    #[inline(always)]
    pub(super) fn clear(&self) {
        // Release pairs with the scan's acquire load: the call's work happened before the unload (case 3).
        self.dispatch.store(ptr::null_mut(), Ordering::Release);
    }
}

/// Stores the current table as a hazard until it is still current afterwards (cases 1, 2 and 9).
#[inline(always)]
pub(super) fn protect(hazard: &AtomicPtr<Dispatch>, source: &AtomicPtr<Dispatch>) -> *mut Dispatch {
    // Acquire pairs with the release in `Gate::swap`, here and below: the table's contents are visible.
    let mut dispatch = source.load(Ordering::Acquire);
    loop {
        // Release pairs with the scan's acquire load, so that the slot beside it is this call's.
        hazard.store(dispatch, Ordering::Release);
        barrier::light();
        let now = source.load(Ordering::Acquire);
        if now == dispatch {
            return dispatch;
        }
        // A swap in between: rare, and kept out of the way of those that see none.
        cold_path();
        dispatch = now;
    }
}
