use liveswap_macros::hot;

#[hot]
#[inline(never)]
fn one() -> u32 {
    1
}

#[test]
fn other_attributes_stand_beside_it() {
    assert_eq!(one(), 1);
}
