use liveswap_macros::hot;

#[hot]
fn count(values: Vec<u8>) -> usize {
    values.len()
}

#[test]
fn named_types_are_hot() {
    assert_eq!(count(vec![1, 2]), 2);
}
