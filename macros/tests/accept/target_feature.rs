use liveswap_macros::hot;

#[hot]
fn add(a: u32, b: u32) -> u32 {
    // SAFETY: every processor has what is enabled here.
    unsafe { add_with_feature(a, b) }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse2"))]
unsafe fn add_with_feature(a: u32, b: u32) -> u32 {
    a + b
}

#[test]
fn a_hot_function_calls_the_one_with_the_feature() {
    assert_eq!(add(1, 2), 3);
}
