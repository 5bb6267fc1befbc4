//! The hot crate of the hostile soak: it leaves behind whatever hot code can, and has versions with a fault.
//!
//! Every version of it is the same build with other numbers behind the [`MARKER`] in the file.

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

use std::hint::black_box;

use liveswap_macros::hot;

liveswap_abi::hot_crate!();

pub mod cargo;
pub mod course;
pub mod fault;
pub mod lease;
pub mod leftovers;
pub mod task;
#[allow(unsafe_code, reason = "types that say they are others in some versions")]
pub mod versioned;

/// What stands before the numbers, so that they are found in the file.
pub const MARKER: [u8; 16] = *b"LIVESWAP-HOSTILE";

/// How many numbers stand behind it: the version's own, that of the layout of its state, and that of its fault.
pub const NUMBERS: usize = 3;

static WORDS: [u64; 2 + NUMBERS] =
    [u64::from_ne_bytes(*b"LIVESWAP"), u64::from_ne_bytes(*b"-HOSTILE"), 0, 0, 0];

/// The number of the version that this code is; 0 as it was built.
#[hot]
#[must_use]
pub fn version() -> u64 {
    numbers()[0]
}

/// A result that tells which version computed it: see [`version_of`].
#[hot]
#[must_use]
pub fn stamp(state: u64) -> u64 {
    advance(state) ^ numbers()[0]
}

/// The version that answered `stamp` when [`stamp`] was called with `state`.
///
/// ```
/// assert_eq!(bench_hostile::version_of(7, bench_hostile::stamp(7)), bench_hostile::version());
/// ```
#[must_use]
pub fn version_of(state: u64, stamp: u64) -> u64 {
    advance(state) ^ stamp
}

/// One step of a linear congruential generator.
#[inline(always)]
#[must_use]
pub fn advance(state: u64) -> u64 {
    state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F)
}

/// Read through the black box, or the compiler would put the numbers of the build into the code.
pub(crate) fn numbers() -> [u64; NUMBERS] {
    let [_, _, numbers @ ..] = *black_box(&WORDS);
    numbers
}
