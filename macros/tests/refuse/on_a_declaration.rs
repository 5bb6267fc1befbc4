use liveswap_macros::hot;

liveswap_abi::hot_crate!();

pub trait Step {
    #[hot]
    fn step() -> u32;
}

fn main() {}
