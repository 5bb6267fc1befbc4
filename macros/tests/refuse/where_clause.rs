use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn double(value: u32) -> u32
where
    u32: Copy,
{
    value * 2
}

fn main() {}
