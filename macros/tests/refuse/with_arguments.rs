use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot(inline)]
pub fn one() -> u32 {
    1
}

#[hot(self_check, on_load)]
fn both() -> Result<(), String> {
    Ok(())
}

#[hot(on_load = 3)]
fn loaded() {}

#[hot("on_load")]
fn quoted() {}

#[hot(on_load)]
static VALUE: u32 = 1;

fn main() {}
