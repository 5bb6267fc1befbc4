//! The asymmetric fence of the gate: nearly free where calls enter, paid in full where a generation is swapped.
//!
//! A caller that enters must not look at the current table before its own record is visible to the owner
//! thread. A full fence on every call would cost five times the call itself, so the caller only keeps the
//! compiler from reordering ([`light`]) and the owner thread makes every other thread of the process pass
//! a full fence at a moment of its choosing ([`heavy`]).
//!
//! Linux does that with `membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)` (membarrier(2): when the call
//! returns, all running threads of the process have passed through a state where their memory accesses
//! match program order), Windows with `FlushProcessWriteBuffers`. Elsewhere, under Miri and under loom
//! both sides use a real sequentially consistent fence.

/// The caller's half: orders an earlier store before a later load, paired with [`heavy`].
#[inline(always)]
pub(crate) fn light() {
    #[cfg(all(not(loom), not(miri), any(target_os = "linux", target_os = "android", windows)))]
    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    #[cfg(any(loom, miri, not(any(target_os = "linux", target_os = "android", windows))))]
    // Pairs with the same fence in `heavy`.
    crate::sync::fence(crate::sync::Ordering::SeqCst);
}

/// The kernel refuses the process-wide fence, so no generation can be proven free of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarrierUnavailable;

impl std::fmt::Display for BarrierUnavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the kernel refuses membarrier(2) (older than 4.14, or filtered by a sandbox)")
    }
}

impl std::error::Error for BarrierUnavailable {}

/// The owner's half: every thread of the process passes a full fence before this returns.
///
/// # Errors
///
/// [`BarrierUnavailable`] when the kernel does not offer it; nothing may be reclaimed then.
#[cfg(all(not(loom), not(miri), any(target_os = "linux", target_os = "android")))]
pub(crate) fn heavy() -> Result<(), BarrierUnavailable> {
    use std::sync::OnceLock;

    // linux/membarrier.h
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: membarrier takes two integers (and a cpu id that these commands ignore) and touches no memory.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = *REGISTERED.get_or_init(|| membarrier(REGISTER_PRIVATE_EXPEDITED));
    if registered && membarrier(PRIVATE_EXPEDITED) { Ok(()) } else { Err(BarrierUnavailable) }
}

#[cfg(all(not(loom), not(miri), windows))]
pub(crate) fn heavy() -> Result<(), BarrierUnavailable> {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        safe fn FlushProcessWriteBuffers();
    }
    FlushProcessWriteBuffers();
    Ok(())
}

#[cfg(any(loom, miri, not(any(target_os = "linux", target_os = "android", windows))))]
pub(crate) fn heavy() -> Result<(), BarrierUnavailable> {
    // Pairs with the same fence in `light`.
    crate::sync::fence(crate::sync::Ordering::SeqCst);
    Ok(())
}
