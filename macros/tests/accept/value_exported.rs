use liveswap_macros::hot;

const THE_LIMIT: u32 = 7;

#[used]
static EXPORTED: u32 = THE_LIMIT;

#[hot]
static LIMIT: u32 = THE_LIMIT;

#[test]
fn both_have_the_value() {
    assert_eq!((EXPORTED, LIMIT.get()), (7, 7));
}
