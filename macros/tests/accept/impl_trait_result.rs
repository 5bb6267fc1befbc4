use liveswap_macros::hot;

#[hot]
fn evens(limit: u32) -> Box<dyn Iterator<Item = u32>> {
    Box::new((0..limit).step_by(2))
}

#[test]
fn a_boxed_trait_object_is_hot() {
    assert_eq!(evens(5).collect::<Vec<_>>(), [0, 2, 4]);
}
