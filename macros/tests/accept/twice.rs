use liveswap_macros::hot;

#[hot]
fn one() -> u32 {
    1
}

#[liveswap_macros::hot]
fn two() -> u32 {
    2
}

#[test]
fn once_is_enough_by_either_name() {
    assert_eq!(one() + two(), 3);
}
