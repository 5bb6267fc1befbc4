//! A shop with rules that change while it is open.

#![deny(unsafe_code)]

liveswap_abi::hot_crate!();

pub mod rules;
