use std::cell::Cell;

use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub static COUNT: Cell<u32> = Cell::new(0);

fn main() {}
