use liveswap_macros::hot;

#[std::prelude::v1::test]
#[hot]
#[clippy::cognitive_complexity = "9"]
#[rustfmt::skip]
fn what_rewrites_it_stands_above() {
    assert_eq!(1 + 1, 2);
}
