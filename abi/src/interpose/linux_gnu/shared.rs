//! Generations of shared artifacts: what they leave behind, found among the requests of the whole program.
//!
//! The standard library is the host's, so are its calls of the C library, and they arrive in the host's interposers
//! whoever caused them. Names of the standard library's own functions play no part in this: they carry a hash, and
//! code that is generic may have been compiled into either image.
//!
//! 1. *A thread* is counted for every generation that the starting thread is inside: by a call (the gate's records),
//!    because it is itself a thread or runs a destructor that is counted, because it runs a hook of it, or because it is loading the
//!    generation. Of a generation with leases it is also counted where a frame of the image is on the starting thread's stack: what
//!    a lease's method does comes past the gate (`stack.rs`). What the thread will run cannot be seen from outside (a closure in a box in a box), so no closer look is
//!    taken: a pool that hot code is the first to use is counted as well, and named. A start routine inside the image is
//!    counted whoever passed it.
//! 2. *A thread-local destructor* is counted for the generation that its code lies in, or else the one whose
//!    thread-local storage its value lies in: drop glue of a type that both sides know may be the host's. A thread-local of the
//!    program that hot code is the first to touch has neither, and is not counted: its code and its memory stay.
//! 3. *A pthread key* is counted by the code of its destructor. The value under it is memory of its maker.
//! 4. *Requests of initializers*, while the library is being loaded, come before anybody knows where its code is. Threads are
//!    counted by case 1; a destructor or a key makes the generation unprovable (I3).
//! 5. *Code of the artifact that calls the C library itself* does not pass through the host's standard library. Its link
//!    has it call what is exported here under the names that linkers give to wrapped functions. Where it was linked
//!    without that, its imports show it, and the runtime retains it.
//! 6. *Code of the artifact that runs outside of all this*, because the host kept a function or a trait object of it: what
//!    it registers has an address in the image (cases 1 to 3), as far as it has one. Holding such a value is what a scan has
//!    to find; the counts do not claim to.
//! 7. *The interposers use memory*, and an allocator may register something for itself while they look. The thread knows
//!    that it is looking, and what comes in meanwhile is passed on.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::host::{Charge, inherited, run_as};
use super::{in_this_image, stack};
use crate::interpose::{LeftBehind, LeftKind};
use crate::panic::standard_library;

/// A shared generation and where it is in memory.
struct Watched {
    left_behind: &'static LeftBehind,
    base: usize,
    image: Vec<Range<usize>>,
}

static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
/// How many are watched or being loaded, so that a program without any does not look.
static SOME: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static LOADING: Cell<Option<&'static LeftBehind>> = const { Cell::new(None) };
    static LOOKING: Cell<bool> = const { Cell::new(false) };
}

pub(in crate::interpose) fn set_loading(
    left_behind: Option<&'static LeftBehind>,
) -> Option<&'static LeftBehind> {
    let before = LOADING.replace(left_behind);
    // Relaxed, here and below: who leaves something behind runs code of the image, and has it from the loading thread.
    match (before.is_some(), left_behind.is_some()) {
        (false, true) => drop(SOME.fetch_add(1, Ordering::Relaxed)),
        (true, false) => drop(SOME.fetch_sub(1, Ordering::Relaxed)),
        _ => {}
    }
    before
}

pub(in crate::interpose) fn watch(
    left_behind: &'static LeftBehind,
    base: usize,
    image: Vec<Range<usize>>,
) {
    let bound = super::bound_key_create as *const c_void;
    // A host whose standard library is an image of its own calls the C library past this one.
    let complete = in_this_image(bound) && in_this_image(standard_library().cast());
    looking(|| {
        lock().push(Watched { left_behind, base, image });
        SOME.fetch_add(1, Ordering::Relaxed);
    });
    if complete && !left_behind.early.load(Ordering::Relaxed) {
        left_behind.set_provable();
    }
}

pub(in crate::interpose) fn withdraw(left_behind: &LeftBehind) {
    looking(|| {
        let mut watched = lock();
        let before = watched.len();
        watched.retain(|watched| !std::ptr::eq(watched.left_behind, left_behind));
        SOME.fetch_sub(before - watched.len(), Ordering::Relaxed);
    });
}

/// Runs `code`, which begins at `address`, as that of the shared generation it lies in: hooks are called past the gate.
///
/// The caller keeps the generation mapped meanwhile.
pub(crate) fn run_in<T>(address: usize, code: impl FnOnce() -> T) -> T {
    match look(|watched| owner(watched, address).map(|watched| watched.left_behind)).flatten() {
        Some(left_behind) => {
            let charge = Charge::counted_elsewhere(left_behind, LeftKind::Thread);
            run_as(std::slice::from_ref(&charge), code)
        }
        None => code(),
    }
}

/// The counts, raised, of a thread that is about to be started (case 1).
pub(super) fn of_thread(start: usize) -> Vec<Charge> {
    let charge = |left_behind| Charge::raise(left_behind, LeftKind::Thread);
    let leased = |watched: &Watched| watched.left_behind.leases() > 0;
    // Not walked under the lock, because that asks the loader for its list.
    let frames = match look(|watched| watched.iter().any(leased)) {
        Some(true) => stack::frames(),
        _ => Vec::new(),
    };
    let found = look(|watched| {
        let mut charges: Vec<Charge> = LOADING.get().into_iter().map(charge).collect();
        let concerned = watched.iter().filter(|watched| {
            watched.contains(start)
                || watched.left_behind.running().is_some()
                || inherited(watched.left_behind).is_some()
                || (leased(watched) && frames.iter().any(|&frame| watched.contains(frame)))
        });
        charges.extend(concerned.map(|watched| charge(watched.left_behind)));
        charges
    });
    found.unwrap_or_default()
}

/// The count, raised, of a thread-local destructor that is about to be registered (cases 2 and 4).
pub(super) fn of_destructor(destructor: usize, object: usize) -> Option<Charge> {
    look(|watched| {
        early();
        let owner =
            owner(watched, destructor).or_else(|| owner(watched, object)).or_else(|| {
                let base = image_with_local(object)?;
                watched.iter().find(|watched| watched.base == base)
            })?;
        Some(Charge::raise(owner.left_behind, LeftKind::Destructor))
    })?
}

/// Whose destructor of a pthread key this is (cases 3 and 4).
pub(super) fn of_key(destructor: usize) -> Option<&'static LeftBehind> {
    look(|watched| {
        early();
        Some(owner(watched, destructor)?.left_behind)
    })?
}

fn early() {
    if let Some(loading) = LOADING.get() {
        // Relaxed: read by `watch` on this same thread.
        loading.early.store(true, Ordering::Relaxed);
    }
}

fn owner(watched: &[Watched], address: usize) -> Option<&Watched> {
    watched.iter().find(|watched| watched.contains(address))
}

impl Watched {
    fn contains(&self, address: usize) -> bool {
        self.image.iter().any(|part| part.contains(&address))
    }
}

/// `None` where there is nothing to look at.
fn look<T>(find: impl FnOnce(&[Watched]) -> T) -> Option<T> {
    if SOME.load(Ordering::Relaxed) == 0 || LOOKING.get() {
        return None;
    }
    Some(looking(|| find(&lock())))
}

/// Case 7.
fn looking<T>(work: impl FnOnce() -> T) -> T {
    LOOKING.set(true);
    let result = work();
    LOOKING.set(false);
    result
}

fn lock() -> std::sync::MutexGuard<'static, Vec<Watched>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The base of the image whose thread-local storage, for the calling thread, contains `address`.
fn image_with_local(address: usize) -> Option<usize> {
    struct Wanted {
        address: usize,
        base: Option<usize>,
    }

    unsafe extern "C" fn compare(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        wanted: *mut c_void,
    ) -> c_int {
        // SAFETY: `image_with_local` passes a `Wanted` that nobody else uses during the call.
        let wanted = unsafe { &mut *wanted.cast::<Wanted>() };
        // SAFETY: the loader passes a record that is valid during the call.
        let info = unsafe { &*info };
        if info.dlpi_tls_data.is_null() || info.dlpi_phdr.is_null() {
            return 0;
        }
        // SAFETY: the loader keeps that many program headers of each image mapped.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let size = headers.iter().find(|header| header.p_type == libc::PT_TLS);
        let start = info.dlpi_tls_data as usize;
        if size.is_some_and(|header| {
            (start..start + header.p_memsz as usize).contains(&wanted.address)
        }) {
            wanted.base = Some(info.dlpi_addr as usize);
            return 1;
        }
        0
    }

    let mut wanted = Wanted { address, base: None };
    // SAFETY: `compare` takes the second argument for what it is and does not unwind.
    unsafe { libc::dl_iterate_phdr(Some(compare), (&raw mut wanted).cast()) };
    wanted.base
}
