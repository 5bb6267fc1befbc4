use liveswap_macros::hot;

#[hot]
static LIVES: u32 = 3;

#[test]
fn what_changes_begins_with_the_value() {
    let mut lives = LIVES.get();
    lives -= 1;
    assert_eq!(lives, 2);
}
