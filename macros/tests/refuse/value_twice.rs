use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
#[hot]
pub static LIMIT: u32 = 7;

fn main() {}
