//! What a second process does; started by the tests in `processes`.

use std::env;

use kit_shop::rules;
use liveswap_testkit::{Error, Lab};

/// Says which of the texts is swapped in by whom.
pub const PERCENT: &str = "KIT_PERCENT";

#[test]
#[ignore = "a part of another test"]
fn swaps_in_turn() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let first: u32 = env::var(PERCENT).unwrap().parse().unwrap();
    let change = |text: &str, to: &u32| text.replace("* 10 /", &format!("* {to} /"));
    for version in lab.versions("src/rules.rs", first..first + 4, change)? {
        assert_eq!(rules::discount(100), version?.0);
    }
    Ok(())
}

#[test]
#[ignore = "a part of another test"]
fn finds_everything_built() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let percent = env::var(PERCENT).unwrap();
    let to = format!("* {percent}");
    let swap = lab.edit("src/rules.rs", |text| text.replace("* 10", &to))?.swap()?;
    assert_eq!(rules::discount(100).to_string(), percent);
    assert!(swap.built.cached && swap.built.builder.is_none(), "{:?}", swap.built);
    Ok(())
}
