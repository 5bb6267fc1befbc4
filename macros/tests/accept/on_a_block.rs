use liveswap_macros::hot;

trait Step {
    fn step(&mut self);
}

struct World(u32);

impl Step for World {
    fn step(&mut self) {
        step(self);
    }
}

#[hot]
fn step(world: &mut World) {
    world.0 += 1;
}

#[test]
fn methods_of_a_trait_call_hot_functions() {
    let mut world = World(0);
    world.step();
    assert_eq!(world.0, 1);
}
