use liveswap_macros::hot;

#[hot]
fn sum(values: &[u32]) -> u32 {
    values.iter().sum()
}

#[test]
fn a_slice_takes_any_number_of_values() {
    assert_eq!(sum(&[]) + sum(&[1, 2]), 3);
}
