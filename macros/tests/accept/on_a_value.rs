use liveswap_macros::hot;

#[hot]
fn limit() -> u32 {
    7
}

#[test]
fn a_function_gives_the_value() {
    assert_eq!(limit(), 7);
}
