use liveswap_macros::hot;

#[derive(Debug, PartialEq)]
struct World(u32);

#[hot]
fn new_world() -> World {
    struct Inside;
    impl Inside {
        fn one() -> Self {
            Self
        }
    }
    let Inside = Inside::one();
    World(1)
}

#[test]
fn self_means_something_only_in_items_of_the_body() {
    assert_eq!(new_world(), World(1));
}
