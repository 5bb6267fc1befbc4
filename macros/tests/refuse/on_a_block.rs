use liveswap_macros::hot;

liveswap_abi::hot_crate!();

pub struct World(u32);

#[hot]
impl World {
    pub fn step(&mut self) {
        self.0 += 1;
    }
}

#[hot]
pub trait Step {
    fn step(&mut self);
}

fn main() {}
