use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
#[target_feature(enable = "sse2")]
pub fn add(a: u32, b: u32) -> u32 {
    a + b
}

fn main() {}
