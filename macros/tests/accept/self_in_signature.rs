use liveswap_macros::hot;

struct World(u32);

impl World {
    fn new() -> Self {
        new_world()
    }
}

#[hot]
fn new_world() -> World {
    World(1)
}

#[test]
fn a_free_function_names_the_type() {
    assert_eq!(World::new().0, 1);
}
