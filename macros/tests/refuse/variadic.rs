use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub unsafe extern "C" fn sum(_count: usize, _: ...) -> u32 {
    0
}

fn main() {}
