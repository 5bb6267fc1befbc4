use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
use std::mem;

fn user() {
    mem::drop(1);
}

fn main() {}
