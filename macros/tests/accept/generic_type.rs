use std::fmt::Display;

use liveswap_macros::hot;

/// For the type in use.
#[hot]
fn largest(values: &[u32]) -> Option<u32> {
    values.iter().copied().reduce(u32::max)
}

/// For any type behind a trait object.
#[hot]
fn show(value: &dyn Display) -> String {
    format!("<{value}>")
}

#[test]
fn a_function_for_the_type_in_use_or_for_trait_objects_is_hot() {
    assert_eq!(largest(&[3, 8, 5]), Some(8));
    assert_eq!((show(&1), show(&"one")), ("<1>".to_owned(), "<one>".to_owned()));
}
