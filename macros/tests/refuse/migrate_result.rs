use liveswap_abi::state::Saved;
use liveswap_macros::hot;

liveswap_abi::hot_crate!();

pub struct World;

#[hot(migrate)]
fn without_a_way_out(_old: Saved<'_>) -> World {
    World
}

fn main() {}
