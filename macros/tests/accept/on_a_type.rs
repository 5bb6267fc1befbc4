use liveswap_macros::hot;

struct World {
    ticks: u32,
}

#[hot]
fn tick(world: &mut World) {
    world.ticks += 1;
}

#[test]
fn the_functions_that_work_with_a_type_are_hot() {
    let mut world = World { ticks: 0 };
    tick(&mut world);
    assert_eq!(world.ticks, 1);
}
