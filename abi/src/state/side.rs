//! The host's desk, as every image reaches it.
//!
//! What happens at the desk is done by the host's code: it alone has the lock, the threads' numbers and the list.

use std::sync::atomic::{AtomicPtr, Ordering};

use super::desk::Desk;
use super::ops::{Failure, StateOps, Value};
use super::{OpenError, StateError, WrittenState};

/// What an image asks the host's desk.
#[repr(C)]
pub(crate) struct Side {
    pub(super) admit: fn(&'static StateOps, Value, Option<&str>) -> usize,
    pub(super) kept: fn(&str) -> Option<Vec<u8>>,
    pub(super) unfit: fn(&str, &Failure),
    pub(super) open: fn(usize, &'static StateOps, bool) -> Result<Value, OpenError>,
    pub(super) close: fn(usize, bool),
    pub(super) end: fn(usize) -> Result<(), Failure>,
    pub(super) write: fn(usize) -> Result<WrittenState, StateError>,
    pub(super) read: fn(usize, &[u8]) -> Result<(), StateError>,
}

pub(super) static DESK: Desk = Desk::new();

/// The desk of this image, which counts if the image is the host.
pub(crate) static OWN: Side = Side {
    admit: |ops, value, name| DESK.admit(ops, value, name),
    kept: |name| DESK.lock().kept.remove(name),
    unfit: |name, failure| {
        let listener = DESK.lock().unfit_listener;
        // Outside the lock: it looks after a file.
        if let Some(listener) = listener {
            listener(name, failure);
        }
    },
    open: |slot, ops, to_change| DESK.open(slot, Some(ops), to_change),
    close: |slot, to_change| DESK.close(slot, to_change),
    end: |slot| DESK.end(slot),
    write: |slot| DESK.write(slot),
    read: |slot, bytes| DESK.read(slot, bytes),
};

static HOST: AtomicPtr<Side> = AtomicPtr::new(std::ptr::null_mut());

/// Makes the host's desk the one that this image asks.
pub(crate) fn connect(host: &'static Side) {
    // Release pairs with the acquire in `side`.
    HOST.store(std::ptr::from_ref(host).cast_mut(), Ordering::Release);
}

pub(super) fn side() -> &'static Side {
    // Acquire pairs with the release in `connect`.
    let host = HOST.load(Ordering::Acquire);
    // SAFETY: null, or set by `connect` from a `&'static` of the host, which is never unloaded.
    unsafe { host.as_ref() }.unwrap_or(&OWN)
}
