use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot(self_check)]
fn silent() {}

#[hot(self_check)]
fn asked(level: u32) -> Result<(), String> {
    Err(format!("{level}"))
}

#[hot(on_load)]
async fn later() {}

#[hot(on_load)]
fn answers() -> u32 {
    1
}

#[hot(on_retire)]
unsafe fn trusting() {}

#[hot(on_retire)]
extern "C" fn foreign() {}

#[hot(on_retire)]
fn any<T>() {}

#[hot(on_load)]
#[hot]
fn two() {}

fn main() {}
