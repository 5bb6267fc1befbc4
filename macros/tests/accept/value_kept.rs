use liveswap_macros::hot;

#[hot]
static LIMITS: [u32; 2] = [1, 2];

#[test]
fn a_copy_can_be_kept() {
    let kept: [u32; 2] = LIMITS.get();
    assert_eq!(kept, [1, 2]);
    assert_eq!(LIMITS.with(|limits| limits.len()), 2);
}
