use liveswap_abi::state::Saved;
use liveswap_macros::hot;

liveswap_abi::hot_crate!();

pub struct World;

#[hot(migrate)]
fn nothing_given() -> Result<World, String> {
    Ok(World)
}

#[hot(migrate)]
fn nothing_made(_old: Saved<'_>) {}

#[hot(migrate)]
fn too_much(_old: Saved<'_>, _more: u32) -> Result<World, String> {
    Ok(World)
}

#[hot(migrate)]
async fn later(_old: Saved<'_>) -> Result<World, String> {
    Ok(World)
}

#[hot(migrate)]
unsafe fn promised(_old: Saved<'_>) -> Result<World, String> {
    Ok(World)
}

#[hot(migrate)]
fn named<'a>(_old: Saved<'a>) -> Result<World, String> {
    Ok(World)
}

#[hot(migrate)]
pub static WORLD: u32 = 1;

fn main() {}
