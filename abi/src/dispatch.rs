//! The dispatch table: one function pointer a hot function, for one generation.

use std::fmt;
use std::hint::cold_path;

/// The address of a hot function's fenced body; its real type is known to the wrapper that calls it.
pub type Target = *const ();

/// The slot of a function that no runtime has numbered yet: past the end of every table.
pub const UNASSIGNED: usize = usize::MAX;

/// One generation's table of targets, published whole by one pointer store.
///
/// Slots are numbered by the runtime; a slot means the same path and signature in every table that has it.
/// A slot past the end of a table, or with a null target, is a function that this generation does not know:
/// its caller falls back to the body compiled beside it.
#[repr(C)]
pub struct Dispatch {
    generation: u64,
    targets: *const Target,
    len: usize,
}

// SAFETY: a table is written once, before it is published, and only read afterwards.
unsafe impl Send for Dispatch {}
// SAFETY: as above; the targets are code addresses, which any thread may call.
unsafe impl Sync for Dispatch {}

impl Dispatch {
    /// The table of a program whose runtime has not started: every call goes to the body beside its caller.
    pub const EMPTY: Dispatch = Dispatch { generation: 0, targets: std::ptr::null(), len: 0 };

    /// Builds the table of `generation` with `targets[slot]` for every slot.
    #[must_use]
    pub fn new(generation: u64, targets: Vec<Target>) -> Box<Dispatch> {
        let targets = Box::into_raw(targets.into_boxed_slice());
        Box::new(Dispatch { generation, targets: targets.cast(), len: targets.len() })
    }

    /// The number of the generation that this table calls.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How many slots the table has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The addresses at which the targets stand.
    #[must_use]
    pub fn memory(&self) -> std::ops::Range<usize> {
        let start = self.targets.addr();
        start..start + self.len * size_of::<Target>()
    }

    /// Whether the table has no slot at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The target in `slot`, or `None` where this generation does not know the function.
    #[inline(always)]
    #[must_use]
    pub fn target(&self, slot: usize) -> Option<Target> {
        if slot < self.len {
            // SAFETY: `slot` is below the length of the boxed slice that `targets` was made from.
            let cell = unsafe { self.targets.add(slot) };
            // SAFETY: the slice is initialized and lives as long as `self`.
            let target = unsafe { *cell };
            if !target.is_null() {
                return Some(target);
            }
        }
        // Only before a runtime has started, and for functions that a generation lacks.
        cold_path();
        None
    }
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        if self.targets.is_null() {
            return;
        }
        let slice = std::ptr::slice_from_raw_parts_mut(self.targets.cast_mut(), self.len);
        // SAFETY: pointer and length come from `Box::into_raw` in `new`, and only `drop` takes them back.
        drop(unsafe { Box::from_raw(slice) });
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch")
            .field("generation", &self.generation)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_slot_past_the_end_or_without_target_is_unknown() {
        let one = 1_u8;
        let target: Target = (&raw const one).cast();
        let dispatch = Dispatch::new(3, vec![target, std::ptr::null()]);
        assert_eq!(dispatch.target(0), Some(target));
        assert_eq!(dispatch.target(1), None);
        assert_eq!(dispatch.target(2), None);
        assert_eq!(dispatch.target(UNASSIGNED), None);
        assert_eq!((dispatch.generation(), dispatch.len()), (3, 2));
    }

    #[test]
    fn the_empty_table_knows_nothing() {
        assert!(Dispatch::EMPTY.is_empty());
        assert_eq!(Dispatch::EMPTY.target(0), None);
    }
}
