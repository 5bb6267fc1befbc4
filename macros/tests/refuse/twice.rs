use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
#[hot]
pub fn one() -> u32 {
    1
}

#[hot]
#[liveswap_macros::hot]
pub fn two() -> u32 {
    2
}

fn main() {}
