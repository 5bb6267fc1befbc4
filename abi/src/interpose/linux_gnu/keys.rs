//! The host's side of pthread keys: it runs their destructors, and lowers the count when they returned.
//!
//! A program that uses a key on one thread while another deletes it is wrong by POSIX; here it may retain a generation,
//! and nothing worse.

use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::host::{Charge, inherited, run_as};
use super::{Destructor, real};
use crate::interpose::{LeftBehind, LeftKind};

/// A pthread key that some generation's code created.
struct Key {
    /// The key plus one; [`FREE`], or [`TAKEN`] while the key is being created and where its place is given up.
    key: AtomicUsize,
    destructor: AtomicPtr<c_void>,
    owner: AtomicPtr<LeftBehind>,
    /// How many threads have a value for which the destructor will run.
    values: AtomicUsize,
}

const KEYS: usize = 64;
const FREE: usize = 0;
const TAKEN: usize = usize::MAX;

static TRACKED: [Key; KEYS] = [const {
    Key {
        key: AtomicUsize::new(FREE),
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
    let owner = place.owner();
    // Acquire pairs with the release that made the key known.
    let destructor = place.destructor.load(Ordering::Acquire);
    if !destructor.is_null() {
        // SAFETY: stored from a `Destructor` by `create`.
        let destructor = unsafe { std::mem::transmute::<*mut c_void, Destructor>(destructor) };
        // SAFETY: the obligations of the interposed calls; the count keeps the destructor mapped.
        let run = || unsafe { destructor(value) };
        match owner {
            Some(owner) => {
                let charge = Charge::counted_elsewhere(owner, LeftKind::KeyValue);
                run_as(std::slice::from_ref(&charge), run);
            }
            None => run(),
        }
    }
    place.lower(owner);
}

/// # Safety
///
/// That of `pthread_key_create`.
pub(super) unsafe fn create(
    left_behind: &'static LeftBehind,
    key: *mut libc::pthread_key_t,
    destructor: Option<Destructor>,
) -> c_int {
    let free = TRACKED.iter().position(Key::try_take);
    let Some(index) = free else {
        left_behind.set_unprovable(); // I3
        // SAFETY: the caller's obligations are passed on.
        return unsafe { real::key_create(key, destructor) };
    };
    let place = &TRACKED[index];
    let address = destructor.map_or(ptr::null_mut(), |destructor| destructor as *mut c_void);
    // Relaxed: published by the release store of the key, here and below.
    place.destructor.store(address, Ordering::Relaxed);
    place.owner.store(ptr::from_ref(left_behind).cast_mut(), Ordering::Relaxed);
    let wrapped = destructor.map(|_| TRAMPOLINES[index]);
    // SAFETY: the caller's `key` is writable; the trampoline is never unloaded.
    let result = unsafe { real::key_create(key, wrapped) };
    let known = if result == 0 {
        // SAFETY: pthread_key_create wrote the key when it returned zero.
        let key = unsafe { *key };
        // The C library gives a key's number only once at a time, so whoever had it was deleted behind our back.
        find(key).inspect(|stale| stale.forget());
        known(key)
    } else {
        FREE
    };
    // Release pairs with the acquire in `find`.
    place.key.store(known, Ordering::Release);
    result
}

fn known(key: libc::pthread_key_t) -> usize {
    key as usize + 1
}

fn find(key: libc::pthread_key_t) -> Option<&'static Key> {
    // Acquire pairs with the release in `create`.
    TRACKED.iter().find(|place| place.key.load(Ordering::Acquire) == known(key))
}

impl Key {
    fn try_take(&self) -> bool {
        // Acquire pairs with the release in `forget`.
        self.key.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn owner(&self) -> Option<&'static LeftBehind> {
        // SAFETY: null, or stored from a `&'static` by `create`; not used after `LeftBehind::release_keys`.
        unsafe { self.owner.load(Ordering::Acquire).as_ref() }
    }

    /// Tells its values from those of others.
    fn mark(&self) -> usize {
        ptr::from_ref(self) as usize
    }

    fn raise(&self, owner: Option<&LeftBehind>) {
        if let Some(owner) = owner {
            let function = owner.running().or_else(|| inherited(owner)?);
            owner.raise(LeftKind::KeyValue, self.mark(), function, None);
        }
        self.values.fetch_add(1, Ordering::Relaxed);
    }

    /// Values that were set past the interposers were never counted.
    fn lower(&self, owner: Option<&LeftBehind>) {
        let counted = |values: usize| values.checked_sub(1);
        if self.values.fetch_update(Ordering::Release, Ordering::Relaxed, counted).is_ok() {
            owner.inspect(|owner| owner.lower(LeftKind::KeyValue, self.mark()));
        }
    }

    /// Lets go of a deleted key.
    ///
    /// Values that are left will not be destroyed any more, but their destructor may be running at this moment: then the
    /// place is not used again and the generation stays (I3).
    fn forget(&self) {
        let unused = self.values.load(Ordering::Acquire) == 0;
        if !unused {
            self.owner().inspect(|owner| owner.set_unprovable());
        }
        // Release pairs with the acquire in `try_take`.
        self.key.store(if unused { FREE } else { TAKEN }, Ordering::Release);
    }
}

/// # Safety
///
/// That of `pthread_key_delete`.
pub(super) unsafe fn delete(key: libc::pthread_key_t) -> c_int {
    find(key).inspect(|place| place.forget());
    // SAFETY: the caller's obligations are passed on.
    unsafe { real::key_delete(key) }
}

/// # Safety
///
/// That of `pthread_setspecific`.
pub(super) unsafe fn set_specific(key: libc::pthread_key_t, value: *const c_void) -> c_int {
    let place = find(key).filter(|place| !place.destructor.load(Ordering::Relaxed).is_null());
    let Some(place) = place else {
        // SAFETY: the caller's obligations are passed on.
        return unsafe { real::set_specific(key, value) };
    };
    let owner = place.owner();
    // SAFETY: reading a key's value has no obligations beyond a valid key, which `find` knows.
    let had = !unsafe { libc::pthread_getspecific(key) }.is_null();
    let has = !value.is_null();
    if has && !had {
        place.raise(owner);
    }
    // SAFETY: the caller's obligations are passed on.
    let result = unsafe { real::set_specific(key, value) };
    if (had && !has && result == 0) || (has && !had && result != 0) {
        place.lower(owner);
    }
    result
}

/// Where the keys' destructors are; each is called only for a value, which is counted.
pub(in crate::interpose) fn places() -> Range<usize> {
    let places = TRACKED.as_ptr_range();
    places.start.addr()..places.end.addr()
}

/// Deletes the keys of a generation that has no values left.
pub(in crate::interpose) fn release_all(left_behind: &LeftBehind) {
    for place in &TRACKED {
        let known = place.key.load(Ordering::Acquire);
        let owner = place.owner.load(Ordering::Acquire).cast_const();
        if known == FREE || known == TAKEN || !ptr::eq(owner, left_behind) {
            continue;
        }
        place.forget();
        let key = (known - 1) as libc::pthread_key_t;
        // SAFETY: the key was created for the generation, which nobody uses any more.
        unsafe { real::key_delete(key) };
    }
}
