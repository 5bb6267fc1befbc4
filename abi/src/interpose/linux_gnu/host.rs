//! The host's side of threads and thread-local destructors: it runs them, and lowers the count when they returned.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Destructor, HOST_SIDE, Start, real};
use crate::interpose::{LeftBehind, LeftKind};

/// One count of one generation, raised when it is made.
pub(super) struct Charge {
    left_behind: &'static LeftBehind,
    kind: LeftKind,
    mark: usize,
    function: Option<usize>,
}

impl Charge {
    /// Stands for a count that somebody else raised and lowers.
    pub(super) fn counted_elsewhere(left_behind: &'static LeftBehind, kind: LeftKind) -> Charge {
        Charge { left_behind, kind, mark: 0, function: None }
    }

    /// Raises the count (I1).
    pub(super) fn raise(left_behind: &'static LeftBehind, kind: LeftKind) -> Charge {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let function = super::origin(left_behind);
        // Relaxed: only that no two are equal matters.
        let mark = NEXT.fetch_add(1, Ordering::Relaxed);
        left_behind.raise(kind, mark, function, None);
        Charge { left_behind, kind, mark, function }
    }

    fn lower(&self) {
        self.left_behind.lower(self.kind, self.mark);
    }
}

thread_local! {
    /// The generations whose thread or destructor this thread is running. Without a destructor, so that it is
    /// there for as long as destructors run.
    static RUNNING: Cell<*const [Charge]> =
        const { Cell::new(ptr::slice_from_raw_parts(ptr::null(), 0)) };
}

/// Whether this thread runs a thread or a destructor of the generation, and from which of its functions that came.
pub(super) fn inherited(left_behind: &LeftBehind) -> Option<Option<usize>> {
    let running = RUNNING.get();
    if running.is_null() {
        return None;
    }
    // SAFETY: set by `run_as` to what it borrows, on this thread, and set back before that borrow ends.
    let running = unsafe { &*running };
    let charge = running.iter().find(|charge| ptr::eq(charge.left_behind, left_behind))?;
    Some(charge.function)
}

/// Runs `code` as that of the counted generations, and lowers their counts when it has returned (I2) or unwinds.
pub(super) fn run_counted<T>(charges: &[Charge], code: impl FnOnce() -> T) -> T {
    struct Lower<'a>(&'a [Charge]);
    impl Drop for Lower<'_> {
        fn drop(&mut self) {
            self.0.iter().for_each(Charge::lower);
        }
    }
    let _lower = Lower(charges);
    run_as(charges, code)
}

/// Runs `code` as that of the generations in `charges`: what it starts is theirs too.
pub(super) fn run_as<T>(charges: &[Charge], code: impl FnOnce() -> T) -> T {
    struct Restore(*const [Charge]);
    impl Drop for Restore {
        fn drop(&mut self) {
            RUNNING.set(self.0);
        }
    }
    let _restore = Restore(RUNNING.replace(charges));
    code()
}

struct Entry {
    charges: Vec<Charge>,
    start: Start,
    argument: *mut c_void,
}

pub(super) unsafe fn create(
    left_behind: &'static LeftBehind,
    thread: *mut libc::pthread_t,
    attributes: *const c_void,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    let charges = vec![Charge::raise(left_behind, LeftKind::Thread)];
    // SAFETY: the caller's obligations are passed on.
    unsafe { create_for(charges, thread, attributes, start, argument) }
}

/// Starts a thread that holds several generations, or none.
///
/// # Safety
///
/// That of `pthread_create`.
pub(super) unsafe fn create_for(
    charges: Vec<Charge>,
    thread: *mut libc::pthread_t,
    attributes: *const c_void,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    if charges.is_empty() {
        // SAFETY: the caller's obligations are passed on.
        return unsafe { real::create(thread, attributes, start, argument) };
    }
    let entry = Box::into_raw(Box::new(Entry { charges, start, argument }));
    // SAFETY: the caller's obligations, with a start routine of ours that takes `entry`.
    let result = unsafe { real::create(thread, attributes, run_thread, entry.cast()) };
    if result != 0 {
        // SAFETY: no thread was started, so `entry` is still ours.
        let entry = unsafe { Box::from_raw(entry) };
        entry.charges.iter().for_each(Charge::lower);
    }
    result
}

unsafe extern "C-unwind" fn run_thread(entry: *mut c_void) -> *mut c_void {
    // SAFETY: `create_for` made the box for this thread alone.
    let entry = unsafe { Box::from_raw(entry.cast::<Entry>()) };
    let Entry { charges, start, argument } = *entry;
    for charge in &charges {
        charge.left_behind.is_this_thread(charge.mark);
    }
    // Also lowered when the thread ends by pthread_exit, which unwinds.
    run_counted(&charges, || {
        // SAFETY: the obligations of the interposed pthread_create; the count keeps `start` mapped.
        unsafe { start(argument) }
    })
}

struct Pending {
    charge: Charge,
    destructor: Destructor,
    object: *mut c_void,
}

pub(super) unsafe fn atexit(
    left_behind: &'static LeftBehind,
    destructor: Destructor,
    object: *mut c_void,
) -> c_int {
    let charge = Charge::raise(left_behind, LeftKind::Destructor);
    // SAFETY: the caller's obligations are passed on.
    unsafe { atexit_for(charge, destructor, object) }
}

/// # Safety
///
/// That of `__cxa_thread_atexit_impl`.
pub(super) unsafe fn atexit_for(
    charge: Charge,
    destructor: Destructor,
    object: *mut c_void,
) -> c_int {
    let pending = Box::into_raw(Box::new(Pending { charge, destructor, object }));
    // The C library pins the library that the last argument lies in: the host's, not the artifact's.
    let dso = (&raw const HOST_SIDE).cast_mut().cast();
    // SAFETY: `run_destructor` takes `pending`; the C library calls it once, on this thread.
    let result = unsafe { real::atexit(run_destructor, pending.cast(), dso) };
    if result != 0 {
        // SAFETY: nothing was registered, so `pending` is still ours.
        let pending = unsafe { Box::from_raw(pending) };
        pending.charge.lower();
    }
    result
}

unsafe extern "C" fn run_destructor(pending: *mut c_void) {
    // SAFETY: `atexit_for` made the box for this one call.
    let pending = unsafe { Box::from_raw(pending.cast::<Pending>()) };
    run_counted(std::slice::from_ref(&pending.charge), || {
        // SAFETY: the obligations of the interposed call; the count keeps the destructor mapped.
        unsafe { (pending.destructor)(pending.object) };
    });
}
