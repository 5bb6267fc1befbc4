use std::panic::Location;

use liveswap_macros::hot;

#[hot]
fn describe(caller: &Location<'_>) -> String {
    format!("{}:{}", caller.file(), caller.line())
}

#[track_caller]
fn describe_caller() -> String {
    describe(Location::caller())
}

#[test]
fn the_location_is_an_argument() {
    assert_eq!(describe_caller(), format!("{}:{}", file!(), line!()));
}
