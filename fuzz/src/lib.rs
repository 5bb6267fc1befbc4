//! What reads bytes that somebody else wrote, tried on bytes that nobody would write.
//!
//! Everything that the runtime reads of an artifact before the system's loader sees it, of a state that a former run left,
//! and of a socket, must end, must not panic, and must not take more memory than there are bytes, besides a fixed amount for
//! what every reading needs.
//!
//! `just fuzz` looks for inputs that lead somewhere new, with libFuzzer; `cargo test` tries those that were found and kept in
//! `corpus`, and a few changes of each.

#![deny(unsafe_code)]
#![warn(missing_docs)]

#[allow(unsafe_code, reason = "an allocator that counts is an allocator")]
pub mod allocator;
mod shapes;

use liveswap::verify::Manifest;
use liveswap::wire::{Frames, FromCli, ToCli};
use liveswap::{imports, keeps, saved_value, structure, watch::extent};
use liveswap_abi::manifest;
use liveswap_abi::state::WrittenState;
use serde::de::DeserializeOwned;

use allocator::Counting;
use shapes::{Shape, Tree, World};

/// Counts what everything here allocates.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What reading an input of any size may need: its headers as they are understood, an error in words.
pub const ALLOWANCE: usize = 64 * 1024;

/// A reader of bytes, and the directory in `corpus` with its inputs.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// The directory.
    pub name: &'static str,
    /// Reads; whether the bytes went for what is read there.
    ///
    /// # Panics
    ///
    /// If reading takes more memory than it may; as does whatever panics while reading.
    pub read: fn(&[u8]) -> bool,
}

/// Every reader.
pub const READERS: [Reader; 3] = [
    Reader { name: "artifacts", read: artifact },
    Reader { name: "states", read: state },
    Reader { name: "messages", read: messages },
];

/// Reads the bytes in every way in which the runtime reads an artifact; whether they went for one.
///
/// # Panics
///
/// As [`Reader::read`].
pub fn artifact(bytes: &[u8]) -> bool {
    let extent = bounded("its extent", bytes, 1, || extent::of_bytes(bytes).is_ok());
    let structure = bounded("its structure", bytes, 1, || structure::of_bytes(bytes).is_ok());
    let manifest = bounded("its manifest", bytes, 1, || Manifest::of_bytes(bytes).is_ok());
    // Also as a section by itself, which a mutation reaches sooner than through a whole library.
    let records = || manifest::records(bytes).flatten().map(str::len).sum::<usize>();
    bounded("a record", bytes, 1, records);
    bounded("a seal", bytes, 1, || manifest::seal_in(bytes));
    if !structure {
        return false;
    }
    bounded("its imports", bytes, 1, || drop(imports::of_bytes(bytes)));
    bounded("what it may leave behind", bytes, 1, || drop(keeps::of_bytes(bytes, "hot")));
    extent && manifest
}

/// Reads the bytes as a file in which a state was saved, and what it holds, or the bytes themselves, as values of several
/// types; whether they went for one of those.
///
/// # Panics
///
/// As [`Reader::read`].
pub fn state(bytes: &[u8]) -> bool {
    let saved = bounded("a saved state", bytes, 1, || saved_value(bytes));
    // Without the digest, which no mutation finds.
    let value = saved.unwrap_or(bytes);
    let world = value_of::<World>(value);
    let tree = value_of::<Tree>(value);
    let shapes = value_of::<Vec<Shape>>(value);
    world || tree || shapes
}

/// Reads the bytes as what comes in on the control socket, at both of its ends; whether one of them understood all of it.
///
/// # Panics
///
/// As [`Reader::read`].
pub fn messages(bytes: &[u8]) -> bool {
    const LONGEST: usize = 64 * 1024;
    fn all<M: DeserializeOwned>(bytes: &[u8]) -> bool {
        let mut frames = Frames::new(bytes, LONGEST);
        loop {
            match frames.message::<M>() {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }
    // What a byte of text may become: an element of a list.
    let heard = bounded("what a program hears", bytes, 64, || all::<FromCli>(bytes));
    let told = bounded("what the cli is told", bytes, 64, || all::<ToCli>(bytes));
    heard || told
}

fn value_of<T: DeserializeOwned>(bytes: &[u8]) -> bool {
    let written = WrittenState { type_name: "fuzzed".to_owned(), bytes: bytes.to_owned() };
    // A byte may be an element of a list that grows: three times its size while it does.
    let times = 3 * size_of::<Shape>().max(size_of::<Tree>());
    bounded("a value", bytes, times, || written.read::<T>().is_ok())
}

fn bounded<T>(what: &str, bytes: &[u8], times: usize, read: impl FnOnce() -> T) -> T {
    let (result, peak) = allocator::peak(read);
    let most = bytes.len() * times + ALLOWANCE;
    assert!(peak <= most, "reading {what} of {} bytes took {peak}", bytes.len());
    result
}

/// Tries the files that are named on the command line, each once, as libFuzzer does with files.
pub fn files(read: fn(&[u8]) -> bool) {
    for input in std::env::args_os().skip(1) {
        match std::fs::read(&input) {
            Ok(bytes) => drop(read(&bytes)),
            Err(error) => eprintln!("{}: {error}", input.display()),
        }
    }
}
