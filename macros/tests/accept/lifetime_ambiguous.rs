use liveswap_macros::hot;

#[hot]
fn first<'a>(one: &'a str, other: &'a str) -> &'a str {
    if other.is_empty() { one } else { other }
}

#[test]
fn named_lifetimes_say_whose_the_result_is() {
    assert_eq!(first("one", ""), "one");
}
