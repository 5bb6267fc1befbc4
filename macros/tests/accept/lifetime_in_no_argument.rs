use liveswap_macros::hot;

#[hot]
fn title() -> &'static str {
    "title"
}

#[test]
fn a_static_result_is_hot() {
    assert_eq!(title(), "title");
}
