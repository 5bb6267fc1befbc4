use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn first(one: &str, other: &str) -> &str {
    if other.is_empty() { one } else { other }
}

fn main() {}
