use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub const SPEED: f32 = 1.5;

fn main() {}
