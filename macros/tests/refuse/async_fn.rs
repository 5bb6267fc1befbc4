use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub async fn double(value: u32) -> u32 {
    value * 2
}

fn main() {}
