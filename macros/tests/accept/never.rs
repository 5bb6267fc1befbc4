use liveswap_macros::hot;

/// One round, and whether there is another.
#[hot]
fn round(world: &mut u32) -> bool {
    *world += 1;
    *world < 3
}

#[test]
fn the_loop_is_in_the_caller() {
    let mut world = 0;
    while round(&mut world) {}
    assert_eq!(world, 3);
}
