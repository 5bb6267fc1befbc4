//! What a second process does; started by the tests in `processes`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

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
    // What compilers, linkers and the builder write, they write there, and nobody else has this lab's.
    let files = || {
        let mut files = BTreeMap::new();
        with_times(&lab.target_directory(), &mut files);
        files
    };
    let before = files();
    assert!(!before.is_empty());
    let swap = lab.edit("src/rules.rs", |text| text.replace("* 10", &to))?.swap()?;
    assert_eq!(rules::discount(100).to_string(), percent);
    assert!(swap.built.cached && swap.built.builder.is_none(), "{:?}", swap.built);
    assert_eq!(files(), before, "a compiler ran");
    Ok(())
}

fn with_times(directory: &Path, files: &mut BTreeMap<PathBuf, SystemTime>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            with_times(&entry.path(), files);
        }
        files.insert(entry.path(), metadata.modified().unwrap());
    }
}
