//! The hot crate that the benches swap.
//!
//! Every version of it is the same build with another number behind the [`MARKER`] in the file.

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

use std::hint::black_box;

use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[allow(unsafe_code, reason = "a type that says it is another one in every version")]
pub mod records;

/// What stands before the number, so that it is found in the file.
pub const MARKER: [u8; 16] = *b"LIVESWAP-BENCH-V";

/// The marker and a number that can be changed in the built file.
static VERSION: [u64; 3] = [u64::from_ne_bytes(*b"LIVESWAP"), u64::from_ne_bytes(*b"-BENCH-V"), 0];

/// The number of the version that this code is; 0 as it was built.
#[hot]
#[must_use]
pub fn version() -> u64 {
    current()
}

/// One step of a linear congruential generator: the function whose calls are measured.
#[hot]
#[must_use]
pub fn step(state: u64) -> u64 {
    advance(state)
}

/// A result that tells which version computed it: see [`version_of`].
#[hot]
#[must_use]
pub fn stamp(state: u64) -> u64 {
    advance(state) ^ current()
}

/// The version that answered `stamp` when [`stamp`] was called with `state`.
///
/// ```
/// assert_eq!(bench_hot::version_of(7, bench_hot::stamp(7)), bench_hot::version());
/// ```
#[must_use]
pub fn version_of(state: u64, stamp: u64) -> u64 {
    advance(state) ^ stamp
}

/// The body of [`step`], for callers that compile it themselves.
///
/// One multiplication and one addition: as little as a function does that is worth a call.
#[inline(always)]
#[must_use]
pub fn advance(state: u64) -> u64 {
    state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F)
}

/// Read through the black box, or the compiler would put the number of the build into the code.
#[inline(always)]
pub(crate) fn current() -> u64 {
    let [.., number] = *black_box(&VERSION);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_tells_its_version_and_no_other() {
        for state in [1, 7, u64::MAX] {
            assert_eq!(version_of(state, stamp(state)), 0);
            assert_eq!(version_of(state, stamp(state) ^ 12), 12);
            assert_ne!(version_of(state, stamp(state - 1)), 0);
        }
    }
}
