use liveswap_macros::hot;

#[hot]
fn double(value: u32) -> u32 {
    value * 2
}

#[test]
fn nothing_is_lost_without_the_clause() {
    assert_eq!(double(4), 8);
}
