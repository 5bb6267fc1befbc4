use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn shorter<'a, 'b: 'a>(one: &'a str, other: &'b str) -> &'a str {
    if one.len() < other.len() { one } else { other }
}

fn main() {}
