mod rules {
    use liveswap_macros::hot;

    #[hot]
    pub(super) fn one() -> u32 {
        1
    }
}

#[test]
fn functions_in_a_module_are_hot() {
    assert_eq!(rules::one(), 1);
}
