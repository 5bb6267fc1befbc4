use liveswap_macros::hot;

struct World(u32);

impl World {
    fn step(&mut self) {
        step(self);
    }
}

#[hot]
fn step(this: &mut World) {
    this.0 += 1;
}

#[test]
fn a_method_calls_a_hot_function() {
    let mut world = World(1);
    world.step();
    assert_eq!(world.0, 2);
}
