use liveswap_macros::hot;

#[hot]
fn shorter<'a>(one: &'a str, other: &'a str) -> &'a str {
    if one.len() < other.len() { one } else { other }
}

#[test]
fn one_lifetime_for_both_is_enough() {
    let owned = String::from("longer");
    assert_eq!(shorter("short", &owned), "short");
}
