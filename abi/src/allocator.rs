//! Whether an image allocates from the system, so that host and artifact can free each other's memory.
//!
//! A value that crosses the border of a standalone artifact is freed by the other side. Both sides bring their own
//! global allocator; only where both are the system's does that work.

use std::alloc::{GlobalAlloc, Layout, System, alloc, dealloc};
use std::hint::black_box;

/// A size that no other code asks for between the steps of the probe.
const PROBE: Layout = Layout::new::<[usize; 7]>();

/// Whether the global allocator of the calling image hands out the system's memory; `None` where that cannot be told.
///
/// glibc gives a block that was just freed to the same thread's next request for its size. A global allocator that
/// answers such a request with another block is not the system's.
pub(crate) fn is_system() -> Option<bool> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) || cfg!(miri) {
        return None;
    }
    let freed = system_block();
    // Under a checking allocator freed blocks are kept back, and the probe tells nothing.
    if freed.is_null() || system_block() != freed {
        return None;
    }
    // SAFETY: the layout has a size.
    let block = black_box(unsafe { alloc(PROBE) });
    let same = block == freed;
    if !block.is_null() {
        // SAFETY: allocated above with this layout.
        unsafe { dealloc(block, PROBE) };
    }
    Some(same)
}

/// The address of a block that was allocated from the system and freed.
fn system_block() -> *mut u8 {
    // SAFETY: the layout has a size.
    let block = black_box(unsafe { System.alloc(PROBE) });
    if !block.is_null() {
        // SAFETY: allocated above with this layout.
        unsafe { System.dealloc(block, PROBE) };
    }
    block
}

#[cfg(all(test, target_os = "linux", target_env = "gnu", not(any(loom, miri))))]
mod tests {
    #[test]
    fn this_test_program_allocates_from_the_system() {
        assert_ne!(super::is_system(), Some(false));
    }
}
