//! The host's side of threads and thread-local destructors: it runs them, and lowers the count when they returned.

use std::ffi::{c_int, c_void};

use super::{Destructor, HOST_SIDE, Start, real};
use crate::interpose::{Kind, LeftBehind};

struct Entry {
    left_behind: &'static LeftBehind,
    start: Start,
    argument: *mut c_void,
}

struct LowerOnExit(&'static LeftBehind, Kind);

impl Drop for LowerOnExit {
    fn drop(&mut self) {
        self.0.lower(self.1);
    }
}

pub(super) unsafe fn create(
    left_behind: &'static LeftBehind,
    thread: *mut libc::pthread_t,
    attributes: *const c_void,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    left_behind.raise(Kind::Thread);
    let entry = Box::into_raw(Box::new(Entry { left_behind, start, argument }));
    // SAFETY: the caller's obligations, with a start routine of ours that takes `entry`.
    let result = unsafe { real::create(thread, attributes, run_thread, entry.cast()) };
    if result != 0 {
        left_behind.lower(Kind::Thread);
        // SAFETY: no thread was started, so `entry` is still ours.
        drop(unsafe { Box::from_raw(entry) });
    }
    result
}

unsafe extern "C-unwind" fn run_thread(entry: *mut c_void) -> *mut c_void {
    // SAFETY: `create` made the box for this thread alone.
    let entry = unsafe { Box::from_raw(entry.cast::<Entry>()) };
    let Entry { left_behind, start, argument } = *entry;
    // Also lowered when the thread ends by pthread_exit, which unwinds.
    let _lower = LowerOnExit(left_behind, Kind::Thread);
    // SAFETY: the obligations of the interposed pthread_create; the count keeps `start` mapped.
    unsafe { start(argument) }
}

struct Pending {
    left_behind: &'static LeftBehind,
    destructor: Destructor,
    object: *mut c_void,
}

pub(super) unsafe fn atexit(
    left_behind: &'static LeftBehind,
    destructor: Destructor,
    object: *mut c_void,
) -> c_int {
    left_behind.raise(Kind::Destructor);
    let pending = Box::into_raw(Box::new(Pending { left_behind, destructor, object }));
    // The C library pins the library that the last argument lies in: the host's, not the artifact's.
    let dso = (&raw const HOST_SIDE).cast_mut().cast();
    // SAFETY: `run_destructor` takes `pending`; the C library calls it once, on this thread.
    let result = unsafe { real::atexit(run_destructor, pending.cast(), dso) };
    if result != 0 {
        left_behind.lower(Kind::Destructor);
        // SAFETY: nothing was registered, so `pending` is still ours.
        drop(unsafe { Box::from_raw(pending) });
    }
    result
}

unsafe extern "C" fn run_destructor(pending: *mut c_void) {
    // SAFETY: `atexit` made the box for this one call.
    let pending = unsafe { Box::from_raw(pending.cast::<Pending>()) };
    let _lower = LowerOnExit(pending.left_behind, Kind::Destructor);
    // SAFETY: the obligations of the interposed call; the count keeps the destructor mapped.
    unsafe { (pending.destructor)(pending.object) };
}
