use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot(self_check)]
fn yes_or_no() -> bool {
    true
}

#[hot(self_check)]
fn borrowed() -> Result<(), &'static str> {
    Ok(())
}

fn main() {}
