use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
#[track_caller]
pub fn check(value: u32) {
    assert!(value > 0);
}

#[hot]
#[cfg_attr(all(), track_caller)]
pub fn check_again(value: u32) {
    assert!(value > 0);
}

fn main() {}
