//! Versions that are complete and well-formed, and wrong in what they do or say.

use liveswap_macros::hot;

use crate::numbers;
use crate::versioned::Shape;

/// The number of a version's fault.
pub mod number {
    /// Its self-check objects.
    pub const VETO: u64 = 1;
    /// Its self-check panics.
    pub const PANIC_IN_CHECK: u64 = 2;
    /// The signature of [`outline`](super::outline) is another one.
    pub const SIGNATURE: u64 = 3;
    /// It cannot read the state that it is given.
    pub const UNREADABLE_STATE: u64 = 4;
    /// It panics when it reads that state.
    pub const PANIC_IN_MIGRATION: u64 = 5;
}

/// What panics that are faults begin with.
pub const MEANT: &str = "this version panics";

/// The number of this version's fault; 0 where it has none.
pub(crate) fn current() -> u64 {
    numbers()[2]
}

#[hot(self_check)]
fn is_fit() -> Result<(), String> {
    match current() {
        number::VETO => Err("this version objects to itself".to_owned()),
        number::PANIC_IN_CHECK => panic!("{MEANT} in its self-check"),
        _ => Ok(()),
    }
}

/// A function whose signature reaches a type that is another one in versions with that fault.
#[hot]
#[must_use]
pub fn outline(shape: Shape) -> Shape {
    shape
}
