//! The interposers for glibc: `pthread_create`, `__cxa_thread_atexit_impl` and the pthread keys.
//!
//! The first half is bound to by the image around it; the second half runs in the host's copy only.

use std::arch::global_asm;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use super::{LeftBehind, lower, raise};

type Start = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
type Destructor = unsafe extern "C" fn(*mut c_void);

// The hidden symbols that the image's own code binds to. Rust has no stable way to define a hidden symbol.
#[cfg(target_arch = "x86_64")]
macro_rules! hidden {
    ($($symbol:literal => $target:path),* $(,)?) => {
        $(global_asm!(
            concat!(".globl ", $symbol), concat!(".hidden ", $symbol), concat!(".type ", $symbol, ",@function"),
            concat!($symbol, ":"), "jmp {target}", target = sym $target
        );)*
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! hidden {
    ($($symbol:literal => $target:path),* $(,)?) => {
        $(global_asm!(
            concat!(".globl ", $symbol), concat!(".hidden ", $symbol), concat!(".type ", $symbol, ",%function"),
            concat!($symbol, ":"), "b {target}", target = sym $target
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
    create: host_create,
    atexit: host_atexit,
    key_create: host_key_create,
    key_delete: host_key_delete,
    set_specific: host_set_specific,
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
    HOST.store(ptr::from_ref(host).cast_mut(), Ordering::Relaxed);
    // Release pairs with the acquire in `connected`.
    LEFT_BEHIND.store(ptr::from_ref(left_behind).cast_mut(), Ordering::Release);
    // Referring to a hidden symbol keeps its object in the link; were it resolved elsewhere, nothing would be counted.
    let bound: unsafe extern "C" fn(*mut libc::pthread_key_t, Option<Destructor>) -> c_int =
        bound_key_create;
    let early = EARLY.load(Ordering::Relaxed);
    left_behind.set_provable(!early && in_this_image(bound as *const c_void));
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
        None => unsafe { real_create(thread, attributes, start, argument) },
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
        // SAFETY: as above.
        None => unsafe { real_atexit(destructor, object, dso) },
    }
}

unsafe extern "C" fn key_create(
    key: *mut libc::pthread_key_t,
    destructor: Option<Destructor>,
) -> c_int {
    match connected() {
        // SAFETY: the caller's obligations of pthread_key_create(3) are passed on.
        Some((left_behind, host)) => unsafe { (host.key_create)(left_behind, key, destructor) },
        // SAFETY: as above.
        None => unsafe { real_key_create(key, destructor) },
    }
}

unsafe extern "C" fn key_delete(key: libc::pthread_key_t) -> c_int {
    match connected() {
        // SAFETY: the caller's obligations of pthread_key_delete(3) are passed on.
        Some((_, host)) => unsafe { (host.key_delete)(key) },
        // SAFETY: as above.
        None => unsafe { real_key_delete(key) },
    }
}

unsafe extern "C" fn set_specific(key: libc::pthread_key_t, value: *const c_void) -> c_int {
    match connected() {
        // SAFETY: the caller's obligations of pthread_setspecific(3) are passed on.
        Some((_, host)) => unsafe { (host.set_specific)(key, value) },
        // SAFETY: as above.
        None => unsafe { real_set_specific(key, value) },
    }
}

/// Finds the C library's own function behind an interposed name, once.
macro_rules! real {
    ($name:ident, $symbol:literal, fn($($argument:ident: $type:ty),* $(,)?) -> c_int) => {
        unsafe fn $name($($argument: $type),*) -> c_int {
            static FOUND: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
            let found = next(&FOUND, $symbol);
            if found.is_null() {
                return libc::ENOSYS;
            }
            // SAFETY: the C library's function of this name has this signature.
            let function = unsafe {
                std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> c_int>(found)
            };
            // SAFETY: the caller's obligations are passed on.
            unsafe { function($($argument),*) }
        }
    };
}

real!(
    real_create,
    c"pthread_create",
    fn(
        thread: *mut libc::pthread_t,
        attributes: *const c_void,
        start: Start,
        argument: *mut c_void,
    ) -> c_int
);
real!(
    real_atexit,
    c"__cxa_thread_atexit_impl",
    fn(destructor: Destructor, object: *mut c_void, dso: *mut c_void) -> c_int
);
real!(
    real_key_create,
    c"pthread_key_create",
    fn(key: *mut libc::pthread_key_t, destructor: Option<Destructor>) -> c_int
);
real!(real_key_delete, c"pthread_key_delete", fn(key: libc::pthread_key_t) -> c_int);
real!(
    real_set_specific,
    c"pthread_setspecific",
    fn(key: libc::pthread_key_t, value: *const c_void) -> c_int
);

fn next(found: &AtomicPtr<c_void>, symbol: &CStr) -> *mut c_void {
    // Relaxed: the value is the same whoever stores it, and points to code mapped before the program ran.
    let known = found.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: dlsym reads the loader's tables; the name is a C string.
    let address = unsafe { libc::dlsym(libc::RTLD_NEXT, symbol.as_ptr()) };
    found.store(address, Ordering::Relaxed);
    address
}

// ---- the host's side ------------------------------------------------------------------------------------------------

struct Entry {
    left_behind: &'static LeftBehind,
    start: Start,
    argument: *mut c_void,
}

struct LowerOnExit(&'static AtomicUsize);

impl Drop for LowerOnExit {
    fn drop(&mut self) {
        lower(self.0);
    }
}

unsafe fn host_create(
    left_behind: &'static LeftBehind,
    thread: *mut libc::pthread_t,
    attributes: *const c_void,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    raise(&left_behind.threads);
    let entry = Box::into_raw(Box::new(Entry { left_behind, start, argument }));
    // SAFETY: the caller's obligations, with a start routine of ours that takes `entry`.
    let result = unsafe { real_create(thread, attributes, run_thread, entry.cast()) };
    if result != 0 {
        lower(&left_behind.threads);
        // SAFETY: no thread was started, so `entry` is still ours.
        drop(unsafe { Box::from_raw(entry) });
    }
    result
}

unsafe extern "C-unwind" fn run_thread(entry: *mut c_void) -> *mut c_void {
    // SAFETY: `host_create` made the box for this thread alone.
    let entry = unsafe { Box::from_raw(entry.cast::<Entry>()) };
    let Entry { left_behind, start, argument } = *entry;
    // Also lowered when the thread ends by pthread_exit, which unwinds.
    let _lower = LowerOnExit(&left_behind.threads);
    // SAFETY: the obligations of the interposed pthread_create; the count keeps `start` mapped.
    unsafe { start(argument) }
}

struct Pending {
    left_behind: &'static LeftBehind,
    destructor: Destructor,
    object: *mut c_void,
}

unsafe fn host_atexit(
    left_behind: &'static LeftBehind,
    destructor: Destructor,
    object: *mut c_void,
) -> c_int {
    raise(&left_behind.destructors);
    let pending = Box::into_raw(Box::new(Pending { left_behind, destructor, object }));
    // The C library pins the library that the last argument lies in: the host's, not the artifact's.
    let dso = (&raw const HOST_SIDE).cast_mut().cast();
    // SAFETY: `run_destructor` takes `pending`; the C library calls it once, on this thread.
    let result = unsafe { real_atexit(run_destructor, pending.cast(), dso) };
    if result != 0 {
        lower(&left_behind.destructors);
        // SAFETY: nothing was registered, so `pending` is still ours.
        drop(unsafe { Box::from_raw(pending) });
    }
    result
}

unsafe extern "C" fn run_destructor(pending: *mut c_void) {
    // SAFETY: `host_atexit` made the box for this one call.
    let pending = unsafe { Box::from_raw(pending.cast::<Pending>()) };
    let _lower = LowerOnExit(&pending.left_behind.destructors);
    // SAFETY: the obligations of the interposed call; the count keeps the destructor mapped.
    unsafe { (pending.destructor)(pending.object) };
}

/// A pthread key that some generation's code created with a destructor.
struct Key {
    /// The key plus one; zero while the place is free, `usize::MAX` while it is being taken.
    key: AtomicUsize,
    destructor: AtomicPtr<c_void>,
    owner: AtomicPtr<LeftBehind>,
    values: AtomicUsize,
}

const KEYS: usize = 64;
const TAKEN: usize = usize::MAX;

static TRACKED: [Key; KEYS] = [const {
    Key {
        key: AtomicUsize::new(0),
        destructor: AtomicPtr::new(ptr::null_mut()),
        owner: AtomicPtr::new(ptr::null_mut()),
        values: AtomicUsize::new(0),
    }
}; KEYS];

/// One host function a place, because a pthread key's destructor is told the value but not the key.
macro_rules! trampolines {
    ($($index:literal)*) => { [$(run_key::<$index> as Destructor),*] };
}

static TRAMPOLINES: [Destructor; KEYS] = trampolines!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
);

unsafe extern "C" fn run_key<const INDEX: usize>(value: *mut c_void) {
    let place = &TRACKED[INDEX];
    // SAFETY: set before the key existed, from a `&'static`.
    let owner = unsafe { place.owner.load(Ordering::Acquire).as_ref() };
    let destructor = place.destructor.load(Ordering::Acquire);
    if !destructor.is_null() {
        // SAFETY: stored from a `Destructor` by `host_key_create`.
        let destructor = unsafe { std::mem::transmute::<*mut c_void, Destructor>(destructor) };
        // SAFETY: the obligations of the interposed calls; the count keeps the destructor mapped.
        unsafe { destructor(value) };
    }
    lower(&place.values);
    if let Some(owner) = owner {
        lower(&owner.key_values);
    }
}

unsafe fn host_key_create(
    left_behind: &'static LeftBehind,
    key: *mut libc::pthread_key_t,
    destructor: Option<Destructor>,
) -> c_int {
    let place = TRACKED.iter().position(|place| {
        place.key.compare_exchange(0, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    });
    let Some(place) = place else {
        left_behind.set_provable(false); // I3
        // SAFETY: the caller's obligations are passed on.
        return unsafe { real_key_create(key, destructor) };
    };
    let tracked = &TRACKED[place];
    let address = destructor.map_or(ptr::null_mut(), |destructor| destructor as *mut c_void);
    tracked.destructor.store(address, Ordering::Relaxed);
    tracked.owner.store(ptr::from_ref(left_behind).cast_mut(), Ordering::Relaxed);
    tracked.values.store(0, Ordering::Relaxed);
    let wrapped = destructor.map(|_| TRAMPOLINES[place]);
    // SAFETY: the caller's `key` is writable; the trampoline is never unloaded.
    let result = unsafe { real_key_create(key, wrapped) };
    let known = if result == 0 {
        // SAFETY: pthread_key_create wrote the key when it returned zero.
        (unsafe { *key }) as usize + 1
    } else {
        0
    };
    // Release pairs with the acquire in `find`.
    tracked.key.store(known, Ordering::Release);
    result
}

fn find(key: libc::pthread_key_t) -> Option<&'static Key> {
    let wanted = key as usize + 1;
    // Acquire pairs with the release in `host_key_create`.
    TRACKED.iter().find(|place| place.key.load(Ordering::Acquire) == wanted)
}

unsafe fn host_key_delete(key: libc::pthread_key_t) -> c_int {
    if let Some(place) = find(key) {
        forget(place);
    }
    // SAFETY: the caller's obligations are passed on.
    unsafe { real_key_delete(key) }
}

/// A deleted key runs no destructor any more, so its values hold nothing.
fn forget(place: &Key) {
    let values = place.values.swap(0, Ordering::AcqRel);
    // SAFETY: null, or stored from a `&'static` by `host_key_create`.
    if let Some(owner) = unsafe { place.owner.load(Ordering::Acquire).as_ref() } {
        owner.key_values.fetch_sub(values, Ordering::Release);
    }
    place.key.store(0, Ordering::Release);
}

unsafe fn host_set_specific(key: libc::pthread_key_t, value: *const c_void) -> c_int {
    let place = find(key).filter(|place| !place.destructor.load(Ordering::Relaxed).is_null());
    let Some(place) = place else {
        // SAFETY: the caller's obligations are passed on.
        return unsafe { real_set_specific(key, value) };
    };
    // SAFETY: null, or stored from a `&'static` by `host_key_create`.
    let owner = unsafe { place.owner.load(Ordering::Acquire).as_ref() };
    // SAFETY: reading a key's value has no obligations beyond a valid key, which `find` knows.
    let had = !unsafe { libc::pthread_getspecific(key) }.is_null();
    let has = !value.is_null();
    if has && !had {
        raise(&place.values);
        owner.inspect(|owner| raise(&owner.key_values));
    }
    // SAFETY: the caller's obligations are passed on.
    let result = unsafe { real_set_specific(key, value) };
    if (had && !has && result == 0) || (has && !had && result != 0) {
        lower(&place.values);
        owner.inspect(|owner| lower(&owner.key_values));
    }
    result
}

pub(super) fn release_keys(left_behind: &LeftBehind) {
    for place in &TRACKED {
        let known = place.key.load(Ordering::Acquire);
        let owner = place.owner.load(Ordering::Acquire).cast_const();
        if known == 0 || known == TAKEN || !ptr::eq(owner, left_behind) {
            continue;
        }
        forget(place);
        let key = (known - 1) as libc::pthread_key_t;
        // SAFETY: the key was created for the generation, which nobody uses any more.
        unsafe { real_key_delete(key) };
    }
}
