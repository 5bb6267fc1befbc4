//! The ways to call one function that are compared: direct, indirect, through Liveswap, through the peer.

use std::hint::black_box;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::peer;

/// A way to call one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A call that is not inlined.
    Direct,
    /// A call through a pointer that another thread may change.
    Indirect,
    /// A call of a `#[hot]` function.
    Liveswap,
    /// A call of what `#[hot_module]` generates.
    HotLibReloader,
}

impl Subject {
    /// Every way.
    pub(crate) const ALL: [Subject; 4] =
        [Subject::Direct, Subject::Indirect, Subject::Liveswap, Subject::HotLibReloader];

    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Subject::Direct => "direct, not inlined",
            Subject::Indirect => "indirect, atomic pointer",
            Subject::Liveswap => "Liveswap #[hot]",
            Subject::HotLibReloader => "hot-lib-reloader",
        }
    }
}

/// What a monomorphic copy of a loop is made for.
pub(crate) trait Loop {
    /// What it gives.
    type Result;

    /// Runs with `call` known to the compiler.
    fn run(self, call: impl Fn(u64) -> u64) -> Self::Result;
}

impl Subject {
    /// Runs `body` with this way of calling; the compiler sees which one it is.
    pub(crate) fn with<L: Loop>(self, body: L) -> L::Result {
        match self {
            Subject::Direct => body.run(direct),
            Subject::Indirect => body.run(indirect),
            Subject::Liveswap => body.run(bench_hot::step),
            Subject::HotLibReloader => body.run(peer::step),
        }
    }
}

static TARGET: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Sets the pointer of [`Subject::Indirect`]; to be done once, before any call.
pub(crate) fn set_indirect() {
    // The black box keeps the compiler from knowing that it is always the same function.
    let target = black_box(direct as fn(u64) -> u64);
    // Release pairs with the acquire in `indirect`.
    TARGET.store(target as *mut (), Ordering::Release);
}

#[inline(never)]
fn direct(state: u64) -> u64 {
    bench_hot::advance(state)
}

#[inline(always)]
fn indirect(state: u64) -> u64 {
    // Acquire pairs with the release in `set_indirect`.
    let target = TARGET.load(Ordering::Acquire);
    // SAFETY: `set_indirect` ran before the first round and stored a function of this type.
    let call = unsafe { mem::transmute::<*mut (), fn(u64) -> u64>(target) };
    call(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_in_this_program_compute_the_same() {
        set_indirect();
        for state in [1, 0x9E37_79B9_7F4A_7C15] {
            assert_eq!(indirect(state), direct(state));
            assert_eq!(bench_hot::step(state), direct(state));
            assert_eq!(bench_peer::bench_peer_step(state), direct(state));
        }
    }
}
