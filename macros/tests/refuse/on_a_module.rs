use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub mod rules {
    pub fn one() -> u32 {
        1
    }
}

fn main() {}
