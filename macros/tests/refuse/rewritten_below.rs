use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
#[std::prelude::v1::test]
pub fn check() {}

#[hot]
#[cfg_attr(all(), std::prelude::v1::test)]
pub fn check_again() {}

fn main() {}
