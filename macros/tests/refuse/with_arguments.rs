use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot(inline)]
pub fn one() -> u32 {
    1
}

fn main() {}
