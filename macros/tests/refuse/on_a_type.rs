use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
pub struct World {
    pub ticks: u32,
}

#[hot]
pub enum Color {
    Red,
}

#[hot]
pub type Ticks = u32;

fn main() {}
