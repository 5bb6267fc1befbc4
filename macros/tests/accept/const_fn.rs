use liveswap_macros::hot;

#[hot]
fn double(value: u32) -> u32 {
    value * 2
}

#[test]
fn the_function_without_const_is_hot() {
    assert_eq!(double(4), 8);
}
