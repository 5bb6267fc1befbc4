use liveswap_macros::Layout;

#[derive(Layout)]
pub union Bits {
    pub number: u32,
    pub float: f32,
}

fn main() {}
