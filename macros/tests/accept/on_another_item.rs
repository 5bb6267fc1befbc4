use liveswap_macros::hot;

#[hot]
fn larger(a: u32, b: u32) -> u32 {
    use std::cmp::max;

    max(a, b)
}

#[test]
fn a_hot_function_has_items_of_its_own() {
    assert_eq!(larger(3, 4), 4);
}
