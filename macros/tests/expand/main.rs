//! What `#[hot]` makes of functions: each is called like the plain one, listed, described and swapped.

#![allow(clippy::unwrap_used)]

liveswap_abi::hot_crate!();

mod attributes;
mod layout;
mod names;
mod panics;
mod signatures;
mod threads;

#[cfg(debug_assertions)]
mod describe;
