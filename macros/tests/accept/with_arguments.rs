use liveswap_macros::hot;

#[hot]
#[inline(never)]
fn one() -> u32 {
    1
}

#[test]
fn other_attributes_stand_beside_it() {
    assert_eq!(one(), 1);
}

#[hot(self_check)]
fn checked() -> Result<(), String> {
    Ok(())
}

#[hot(on_load)]
fn loaded() {}

#[test]
fn a_hook_can_be_called_like_any_function() {
    loaded();
    assert_eq!(checked(), Ok(()));
}
