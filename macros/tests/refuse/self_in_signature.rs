use liveswap_macros::hot;

liveswap_abi::hot_crate!();

pub struct World(u32);

impl World {
    #[hot]
    pub fn new() -> Self {
        World(1)
    }
}

fn main() {}
