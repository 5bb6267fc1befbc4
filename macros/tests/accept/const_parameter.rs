use liveswap_macros::hot;

const N: usize = 3;

#[hot]
fn sum(values: [u32; N]) -> u32 {
    values.iter().sum()
}

#[test]
fn a_function_for_one_length_is_hot() {
    assert_eq!(sum([1, 2, 3]), 6);
}
