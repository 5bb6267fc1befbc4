//! What reads artifacts, tried on bytes that nobody would write.
//!
//! Everything that the runtime reads of a file before the system's loader sees it must end, must not panic, and must not
//! take more memory than the file has bytes, besides a fixed amount for what every file needs.
//!
//! `just fuzz` looks for inputs that lead somewhere new, with libFuzzer; `cargo test` tries those that were found and kept in
//! `corpus`, and a few changes of each.

#![deny(unsafe_code)]
#![warn(missing_docs)]

#[allow(unsafe_code, reason = "an allocator that counts is an allocator")]
pub mod allocator;

use liveswap::verify::Manifest;
use liveswap::{structure, watch::extent};
use liveswap_abi::manifest;

use allocator::Counting;

/// Counts what everything here allocates.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a file of any size may need: its headers as they are understood, an error in words.
pub const ALLOWANCE: usize = 160 * 1024;

/// Reads the bytes in every way in which the runtime reads an artifact; whether they went for one.
///
/// # Panics
///
/// If reading takes more memory than it may; as does whatever panics while reading.
pub fn artifact(bytes: &[u8]) -> bool {
    let extent = bounded("its extent", bytes, || extent::of_bytes(bytes).is_ok());
    let structure = bounded("its structure", bytes, || structure::of_bytes(bytes).is_ok());
    let manifest = bounded("its manifest", bytes, || Manifest::of_bytes(bytes).is_ok());
    // Also as a section by itself, which a mutation reaches sooner than through a whole library.
    bounded("a record", bytes, || manifest::records(bytes).flatten().map(str::len).sum::<usize>());
    bounded("a seal", bytes, || manifest::seal_in(bytes));
    extent && structure && manifest
}

fn bounded<T>(what: &str, bytes: &[u8], read: impl FnOnce() -> T) -> T {
    let (result, peak) = allocator::peak(read);
    let most = bytes.len() + ALLOWANCE;
    assert!(peak <= most, "reading {what} of {} bytes took {peak}", bytes.len());
    result
}
