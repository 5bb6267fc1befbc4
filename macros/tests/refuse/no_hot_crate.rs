use liveswap_macros::hot;

#[hot]
pub fn one(value: u32) -> u32 {
    value + 1
}

#[hot]
pub fn two(value: u32) -> u32 {
    one(one(value))
}

fn main() {}
