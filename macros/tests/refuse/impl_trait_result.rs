use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn evens(limit: u32) -> impl Iterator<Item = u32> {
    (0..limit).step_by(2)
}

fn main() {}
