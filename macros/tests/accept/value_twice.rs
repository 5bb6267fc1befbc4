use liveswap_macros::hot;

#[hot]
static LIMIT: u32 = 7;

#[test]
fn once_is_enough() {
    assert_eq!(LIMIT.get(), 7);
}
