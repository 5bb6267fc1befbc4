use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub fn title<'a>() -> &'a str {
    "title"
}

fn main() {}
