use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn show(value: impl std::fmt::Display) -> String {
    value.to_string()
}

fn main() {}
