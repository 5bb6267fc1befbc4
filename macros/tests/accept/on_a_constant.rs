use liveswap_macros::hot;

#[hot]
static SPEED: f32 = 1.5;

#[hot]
fn limit() -> u32 {
    7
}

#[test]
fn a_static_or_a_function_gives_the_value() {
    assert_eq!(SPEED.get(), 1.5);
    assert_eq!(limit(), 7);
}
