use std::fmt::Display;

use liveswap_macros::hot;

#[hot]
fn show(value: &dyn Display) -> String {
    value.to_string()
}

#[test]
fn a_reference_to_a_trait_object_is_hot() {
    assert_eq!(show(&7), "7");
}
