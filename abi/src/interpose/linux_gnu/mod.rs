//! The interposers for glibc: `pthread_create`, `__cxa_thread_atexit_impl` and the pthread keys.
//!
//! What is here is bound to by the image around it; [`host`], [`keys`] and [`shared`] do their work in the host's copy only.

mod host;
mod keys;
mod real;
mod shared;
mod stack;
#[cfg(test)]
mod tests;

use std::arch::global_asm;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::LeftBehind;
use crate::panic::standard_library;

pub(super) use keys::{places as key_places, release_all as release_keys};
pub(crate) use shared::run_in;
pub(super) use shared::{set_loading, watch, withdraw};

type Start = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
type Destructor = unsafe extern "C" fn(*mut c_void);

// The hidden symbols that the image's own code binds to; Rust has no stable way to define one. Beside each the name under
// which a shared artifact's link has its code ask the host for the same (`shared.rs`, case 5), weak because a program
// may wrap functions of its own.
#[cfg(target_arch = "x86_64")]
macro_rules! hidden {
    ($($symbol:literal => $target:path),* $(,)?) => {
        $(global_asm!(
            concat!(".globl ", $symbol), concat!(".hidden ", $symbol), concat!(".type ", $symbol, ",@function"),
            concat!(".weak __wrap_", $symbol), concat!(".type __wrap_", $symbol, ",@function"),
            concat!("__wrap_", $symbol, ":"), concat!($symbol, ":"), "jmp {target}", target = sym $target
        );)*
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! hidden {
    ($($symbol:literal => $target:path),* $(,)?) => {
        $(global_asm!(
            concat!(".globl ", $symbol), concat!(".hidden ", $symbol), concat!(".type ", $symbol, ",%function"),
            concat!(".weak __wrap_", $symbol), concat!(".type __wrap_", $symbol, ",%function"),
            concat!("__wrap_", $symbol, ":"), concat!($symbol, ":"), "b {target}", target = sym $target
        );)*
    };
}

hidden! {
    "pthread_create" => pthread_create,
    "__cxa_thread_atexit_impl" => thread_atexit,
    "pthread_key_create" => key_create,
    "pthread_key_delete" => key_delete,
    "pthread_setspecific" => set_specific,
}

/// The host's functions that an artifact's interposers hand their requests to.
#[repr(C)]
pub(crate) struct HostSide {
    create: unsafe fn(
        &'static LeftBehind,
        *mut libc::pthread_t,
        *const c_void,
        Start,
        *mut c_void,
    ) -> c_int,
    atexit: unsafe fn(&'static LeftBehind, Destructor, *mut c_void) -> c_int,
    key_create:
        unsafe fn(&'static LeftBehind, *mut libc::pthread_key_t, Option<Destructor>) -> c_int,
    key_delete: unsafe fn(libc::pthread_key_t) -> c_int,
    set_specific: unsafe fn(libc::pthread_key_t, *const c_void) -> c_int,
}

pub(crate) static HOST_SIDE: HostSide = HostSide {
    create: host::create,
    atexit: host::atexit,
    key_create: keys::create,
    key_delete: keys::delete,
    set_specific: keys::set_specific,
};

static LEFT_BEHIND: AtomicPtr<LeftBehind> = AtomicPtr::new(ptr::null_mut());
/// Whether this image asked for a thread, a destructor or a key before it was connected: those are not counted (I3).
static EARLY: AtomicBool = AtomicBool::new(false);
static HOST: AtomicPtr<HostSide> = AtomicPtr::new(ptr::null_mut());

unsafe extern "C" {
    #[link_name = "pthread_key_create"]
    fn bound_key_create(key: *mut libc::pthread_key_t, destructor: Option<Destructor>) -> c_int;
}

pub(super) fn connect(left_behind: &'static LeftBehind, host: &'static HostSide) {
    // Referring to a hidden symbol keeps its object in the link; were it resolved elsewhere, nothing would be counted.
    let bound: unsafe extern "C" fn(*mut libc::pthread_key_t, Option<Destructor>) -> c_int =
        bound_key_create;
    // A standard library in an image of its own binds to the C library past this one.
    let complete =
        in_this_image(bound as *const c_void) && in_this_image(standard_library().cast());
    if complete && !EARLY.load(Ordering::Relaxed) {
        left_behind.set_provable();
    }
    HOST.store(ptr::from_ref(host).cast_mut(), Ordering::Relaxed);
    // Release pairs with the acquire in `connected`.
    LEFT_BEHIND.store(ptr::from_ref(left_behind).cast_mut(), Ordering::Release);
}

impl LeftBehind {
    fn set_provable(&self) {
        self.unprovable.store(false, Ordering::Release);
    }

    fn set_unprovable(&self) {
        self.unprovable.store(true, Ordering::Release);
    }
}

/// The slot of the generation's function that made the calling thread run, as far as that is known.
pub(super) fn origin(left_behind: &LeftBehind) -> Option<usize> {
    left_behind.running().or_else(|| host::inherited(left_behind)?)
}

/// The system's number of the calling thread.
pub(super) fn thread_number() -> u32 {
    // SAFETY: the call has no preconditions.
    unsafe { libc::gettid() }.unsigned_abs()
}

/// Whether `address` lies in the image that contains this code.
fn in_this_image(address: *const c_void) -> bool {
    let base = |of: *const c_void| {
        let mut info = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
        // SAFETY: dladdr reads the loader's list and writes `info` when it returns non-zero.
        if unsafe { libc::dladdr(of, info.as_mut_ptr()) } == 0 {
            return None;
        }
        // SAFETY: dladdr returned non-zero.
        Some(unsafe { info.assume_init() }.dli_fbase)
    };
    let here = base((&raw const HOST_SIDE).cast());
    here.is_some() && base(address) == here
}

fn connected() -> Option<(&'static LeftBehind, &'static HostSide)> {
    // Acquire pairs with the release in `connect`, which also published HOST.
    let left_behind = LEFT_BEHIND.load(Ordering::Acquire);
    // SAFETY: null, or a `&'static` stored by `connect`.
    let Some(left_behind) = (unsafe { left_behind.as_ref() }) else {
        // Relaxed: read by `connect` on the thread that loaded the image, whose initializers ran on it too.
        EARLY.store(true, Ordering::Relaxed);
        return None;
    };
    // SAFETY: as above; stored before LEFT_BEHIND.
    let host = unsafe { HOST.load(Ordering::Relaxed).as_ref() }?;
    Some((left_behind, host))
}

unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const c_void,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    match connected() {
        // SAFETY: the caller's obligations of pthread_create(3) are passed on.
        Some((left_behind, host)) => unsafe {
            (host.create)(left_behind, thread, attributes, start, argument)
        },
        // SAFETY: as above.
        None => unsafe {
            let charges = shared::of_thread(start as usize);
            host::create_for(charges, thread, attributes, start, argument)
        },
    }
}

unsafe extern "C" fn thread_atexit(
    destructor: Destructor,
    object: *mut c_void,
    dso: *mut c_void,
) -> c_int {
    match connected() {
        // SAFETY: the caller's obligations of __cxa_thread_atexit_impl are passed on.
        Some((left_behind, host)) => unsafe { (host.atexit)(left_behind, destructor, object) },
        None => match shared::of_destructor(destructor as usize, object as usize) {
            // SAFETY: as above.
            Some(charge) => unsafe { host::atexit_for(charge, destructor, object) },
            // SAFETY: as above.
            None => unsafe { real::atexit(destructor, object, dso) },
        },
    }
}

unsafe extern "C" fn key_create(
    key: *mut libc::pthread_key_t,
    destructor: Option<Destructor>,
) -> c_int {
    match connected() {
        // SAFETY: the caller's obligations of pthread_key_create(3) are passed on.
        Some((left_behind, host)) => unsafe { (host.key_create)(left_behind, key, destructor) },
        None => match destructor.and_then(|destructor| shared::of_key(destructor as usize)) {
            // SAFETY: as above.
            Some(left_behind) => unsafe { keys::create(left_behind, key, destructor) },
            // SAFETY: as above.
            None => unsafe { real::key_create(key, destructor) },
        },
    }
}

unsafe extern "C" fn key_delete(key: libc::pthread_key_t) -> c_int {
    match connected() {
        // SAFETY: the caller's obligations of pthread_key_delete(3) are passed on.
        Some((_, host)) => unsafe { (host.key_delete)(key) },
        // SAFETY: as above.
        None => unsafe { keys::delete(key) },
    }
}

unsafe extern "C" fn set_specific(key: libc::pthread_key_t, value: *const c_void) -> c_int {
    match connected() {
        // SAFETY: the caller's obligations of pthread_setspecific(3) are passed on.
        Some((_, host)) => unsafe { (host.set_specific)(key, value) },
        // SAFETY: as above.
        None => unsafe { keys::set_specific(key, value) },
    }
}
