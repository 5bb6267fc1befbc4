use liveswap_macros::hot;

#[hot]
#[cfg(not(windows))]
fn area(width: u32, height: u32) -> u32 {
    width * height
}

#[hot]
#[cfg(windows)]
fn area(width: u32, height: u32, depth: u32) -> u32 {
    width * height * depth
}

#[test]
fn the_version_that_is_configured_is_hot() {
    assert_eq!(area(2, 3), 6);
}
