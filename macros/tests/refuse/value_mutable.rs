use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub static mut LIVES: u32 = 3;

fn main() {}
