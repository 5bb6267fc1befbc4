//! The handler of faults: in front of those that are there, and out of their way.
//!
//! Faults that are not the table's are given to whoever handled them before, under the signal mask and the flags that they
//! asked for: the handler of the standard library, which tells a stack overflow from other faults, one of the program's
//! own, or the system's default. A program may install its handler later than this one; so at every quarantine it is looked
//! which is in front, and ours goes there again.
//!
//! Such a later handler usually passes on what it does not know to the one that it found, which was ours, and ours would
//! give it back, for ever. So a fault that comes back is given to the next older one each time. It is known by the frame
//! that the system made for it: the same one, while an earlier call of ours with it is still further up the same stack.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicUsize};
use std::sync::{Mutex, PoisonError};

use libc::{c_int, c_void, sigaction, siginfo_t, ucontext_t};

use super::context::Place;
use super::table;

/// How many other handlers can be remembered.
const EARLIER: usize = 16;

/// The handlers that were in front when ours went there, the oldest first.
static CHAIN: [Earlier; EARLIER] =
    [const { Earlier { handler: AtomicUsize::new(0), flags: AtomicI32::new(0) } }; EARLIER];
static LENGTH: AtomicUsize = AtomicUsize::new(0);

/// Held by owner threads, never by the handler.
static INSTALLING: Mutex<()> = Mutex::new(());

struct Earlier {
    handler: AtomicUsize,
    flags: AtomicI32,
}

/// A fault on its way through the chain.
#[derive(Clone, Copy)]
struct Passing {
    /// The frame that the system made for it; zero for none.
    frame: usize,
    /// Where the stack was when it came here.
    stack: usize,
    /// How many of the newest handlers have had it.
    given: usize,
}

thread_local! {
    // Without a destructor and made at compile time: reading it is plain memory access, also in a signal handler.
    static PASSING: Cell<Passing> = const { Cell::new(Passing { frame: 0, stack: 0, given: 0 }) };
}

/// Puts the handler in front of the others; whether it is there.
pub(super) fn stand_in_front() -> bool {
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(front) = exchange(None) else { return false };
    if front.sa_sigaction == ours() {
        return true;
    }
    // Before ours can be called, because it may be called at once.
    if !remember(&front) {
        return false;
    }
    let mut handler = front;
    handler.sa_sigaction = ours();
    // On the stack that the one before wants, with what it wants blocked: it is called from ours.
    let kept = match front.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => libc::SA_ONSTACK,
        _ => front.sa_flags & (libc::SA_ONSTACK | libc::SA_NODEFER | libc::SA_RESTART),
    };
    handler.sa_flags = kept | libc::SA_SIGINFO;
    let Some(before) = exchange(Some(&handler)) else { return false };
    // Somebody was quicker by a hair.
    let same = before.sa_sigaction == front.sa_sigaction || before.sa_sigaction == ours();
    same || remember(&before)
}

fn ours() -> usize {
    let handler: unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = fault;
    handler as usize
}

/// Sets the action, if one is given; the one before.
fn exchange(action: Option<&sigaction>) -> Option<sigaction> {
    let mut before = MaybeUninit::<sigaction>::zeroed();
    let action = action.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: both are actions or null; a handler that is set keeps to what a handler may do.
    let done = unsafe { sigaction(libc::SIGSEGV, action, before.as_mut_ptr()) } == 0;
    // SAFETY: zeros are an action, and the system wrote another one over them.
    done.then(|| unsafe { before.assume_init() })
}

/// Makes an action the newest of the chain; `false` when there is no room.
fn remember(action: &sigaction) -> bool {
    // Relaxed: written under the lock only.
    let length = LENGTH.load(Relaxed);
    if let Some(newest) = length.checked_sub(1).and_then(|newest| CHAIN.get(newest)) {
        // Relaxed: as above.
        let same = newest.handler.load(Relaxed) == action.sa_sigaction
            && newest.flags.load(Relaxed) == action.sa_flags;
        if same {
            return true;
        }
    }
    let Some(place) = CHAIN.get(length) else { return false };
    // Relaxed, both: published by the length.
    place.handler.store(action.sa_sigaction, Relaxed);
    place.flags.store(action.sa_flags, Relaxed);
    // Release pairs with the acquire in `pass_on`.
    LENGTH.store(length + 1, Release);
    true
}

/// The handler.
unsafe extern "C" fn fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let errno = errno();
    // SAFETY: where it is known at all, it is the thread's own for as long as the thread lives.
    let before = unsafe { *errno };
    // SAFETY: the system passes both, and they are valid during the call.
    let ours = unsafe { is_ours(info, context) };
    // SAFETY: as above.
    unsafe { *errno = before };
    if !ours {
        // SAFETY: what the system passed, for handlers that were made for it.
        unsafe { pass_on(signal, info, context) };
    }
}

/// Whether the fault was a call of closed code, which is open now.
///
/// # Safety
///
/// Both pointers are those that the system passed.
unsafe fn is_ours(info: *mut siginfo_t, context: *mut c_void) -> bool {
    // linux/asm-generic/siginfo.h: the page is there, and may not be used in this way.
    const SEGV_ACCERR: c_int = 2;
    // SAFETY: passed on to the caller.
    let info = unsafe { &*info };
    if info.si_code != SEGV_ACCERR {
        return false;
    }
    // SAFETY: a fault has an address.
    let address = unsafe { info.si_addr() };
    // SAFETY: passed on to the caller.
    let place = Place::of(unsafe { &*context.cast::<ucontext_t>() });
    table::strike(address.addr(), &place)
}

/// Gives the fault to the newest of the other handlers that has not had it.
///
/// # Safety
///
/// The arguments are those that the system passed.
unsafe fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let here = 0_u8;
    let (frame, stack) = (context.addr(), (&raw const here).addr());
    let outer = PASSING.get();
    // Deeper in the same frame: it came back. Elsewhere: an older fault, whose handler never returned.
    let came_back = outer.frame == frame && stack < outer.stack;
    let given = if came_back { outer.given } else { 0 };
    // Acquire pairs with the release in `remember`.
    let length = LENGTH.load(Acquire);
    let earlier = length.checked_sub(given + 1).and_then(|index| CHAIN.get(index));
    // Relaxed: ordered by the length.
    let (handler, flags) = earlier.map_or((libc::SIG_DFL, 0), |earlier| {
        (earlier.handler.load(Relaxed), earlier.flags.load(Relaxed))
    });
    // SAFETY: where it is known at all, it is valid during the call.
    let was_sent = unsafe { (*info).si_code } <= 0;
    match handler {
        // The system lets nobody ignore a fault of one's own making.
        libc::SIG_IGN if was_sent => {}
        libc::SIG_DFL | libc::SIG_IGN => end_as_without_handlers(signal, was_sent),
        _ => {
            if flags & libc::SA_RESETHAND != 0 {
                reset();
            }
            PASSING.set(Passing { frame, stack, given: given + 1 });
            // SAFETY: passed on to the caller, and the handler was installed with these flags.
            unsafe { call(handler, flags, signal, info, context) };
            PASSING.set(if came_back { outer } else { Passing { frame: 0, stack: 0, given: 0 } });
        }
    }
}

/// Calls another handler as the system would.
///
/// # Safety
///
/// `handler` was installed with these flags, and the rest is what the system passed.
unsafe fn call(
    handler: usize,
    flags: c_int,
    signal: c_int,
    info: *mut siginfo_t,
    context: *mut c_void,
) {
    let handler = ptr::with_exposed_provenance::<()>(handler);
    if flags & libc::SA_SIGINFO != 0 {
        type WithInfo = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
        // SAFETY: the flag says that it takes these arguments.
        let handler = unsafe { std::mem::transmute::<*const (), WithInfo>(handler) };
        // SAFETY: passed on to the caller.
        unsafe { handler(signal, info, context) };
    } else {
        type Plain = unsafe extern "C" fn(c_int);
        // SAFETY: without the flag it takes the signal's number.
        let handler = unsafe { std::mem::transmute::<*const (), Plain>(handler) };
        // SAFETY: passed on to the caller.
        unsafe { handler(signal) };
    }
}

/// Lets the system end the program when this handler returns: by the same instruction again, or by the same signal.
fn end_as_without_handlers(signal: c_int, was_sent: bool) {
    reset();
    if was_sent {
        // SAFETY: it stays pending until the handler has returned.
        unsafe { libc::raise(signal) };
    }
}

/// Puts the system's default in front.
fn reset() {
    // SAFETY: zeros are an action: the default, without flags, with nothing blocked.
    let default: sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // It cannot fail for a signal that a handler was installed for.
    let _ = exchange(Some(&default));
}

fn errno() -> *mut c_int {
    // SAFETY: asks where it is.
    unsafe { libc::__errno_location() }
}
