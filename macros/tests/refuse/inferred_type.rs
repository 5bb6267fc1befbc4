use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn count(values: Vec<_>) -> usize {
    values.len()
}

fn main() {}
