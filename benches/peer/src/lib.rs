//! The library that hot-lib-reloader swaps in the benches: the functions of `bench-hot`, in that crate's manner.

#![warn(missing_docs, unreachable_pub)]
#![deny(unsafe_code)]

use std::hint::black_box;

/// What stands before the number, so that it is found in the file.
pub const MARKER: [u8; 16] = *b"LIVESWAP-BENCH-P";

/// The marker and a number that can be changed in the built file.
static VERSION: [u64; 3] = [u64::from_ne_bytes(*b"LIVESWAP"), u64::from_ne_bytes(*b"-BENCH-P"), 0];

/// The number of the version that this code is; 0 as it was built.
#[allow(unsafe_code, reason = "hot-lib-reloader finds functions by their plain names")]
#[unsafe(no_mangle)]
#[must_use]
pub fn bench_peer_version() -> u64 {
    // Read through the black box, or the compiler would put the number of the build into the code.
    let [.., number] = *black_box(&VERSION);
    number
}

/// One step of a linear congruential generator: the function whose calls are measured.
#[allow(unsafe_code, reason = "hot-lib-reloader finds functions by their plain names")]
#[unsafe(no_mangle)]
#[must_use]
pub fn bench_peer_step(state: u64) -> u64 {
    state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F)
}
