use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn sum<const N: usize>(values: [u32; N]) -> u32 {
    values.iter().sum()
}

fn main() {}
