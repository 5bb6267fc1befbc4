use liveswap_macros::hot;

#[hot]
fn one(value: u32) -> u32 {
    value + 1
}

#[test]
fn the_crate_is_declared_once_at_its_root() {
    assert_eq!(one(1), 2);
    assert_eq!(crate::hot_crate().name(), "accept");
}
