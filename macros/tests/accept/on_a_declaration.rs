use liveswap_macros::hot;

#[hot]
fn step() -> u32 {
    1
}

#[test]
fn a_function_with_a_body_is_hot() {
    assert_eq!(step(), 1);
}
