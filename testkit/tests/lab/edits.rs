//! What can be edited, and what of it arrives.

use kit_shop::rules;
use liveswap_testkit::{Error, Lab};

#[test]
fn an_edit_changes_what_is_called() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    assert_eq!((rules::discount(100), lab.generation()), (10, 0));
    let swap = lab.edit("src/rules.rs", |text| text.replace("* 10", "* 20"))?.swap()?;
    assert_eq!((rules::discount(100), lab.generation()), (20, swap.generation));
    assert_eq!(swap.reload.digest.as_ref(), Some(&swap.built.digest));
    assert!(swap.took >= swap.built.took);
    Ok(())
}

#[test]
fn a_crate_at_hand_is_as_good_as_its_name() -> Result<(), Error> {
    let lab = Lab::of(kit_shop::hot_crate())?;
    assert_eq!(lab.read("src/rules.rs")?.matches("price * 10 / 100").count(), 1);
    assert!(lab.directory().join("Cargo.toml").is_file());
    Ok(())
}

#[test]
fn versions_follow_each_other() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let change = |text: &str, to: &u32| text.replace("* 10 /", &format!("* {to} /"));
    let mut generations = Vec::new();
    for version in lab.versions("src/rules.rs", [30, 40, 50], change)? {
        let (expected, swap) = version?;
        assert_eq!(rules::discount(100), expected);
        generations.push(swap.generation);
    }
    assert_eq!(generations.len(), 3);
    assert!(generations.is_sorted_by(|a, b| a < b), "{generations:?}");
    Ok(())
}

#[test]
fn a_new_file_with_a_new_function_and_its_removal() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let file = "use liveswap_macros::hot;\n/// New.\n#[hot]\npub fn cut() -> u32 {\n    33\n}\n";
    let swap = lab
        .write("src/season.rs", file)?
        .edit("src/lib.rs", |text| format!("{text}pub mod season;\n"))?
        .edit("src/rules.rs", |text| text.replace("price * 10", "price * crate::season::cut()"))?
        .swap()?;
    assert_eq!(swap.added, ["kit_shop::season::cut"]);
    assert_eq!(rules::discount(100), 33);
    lab.remove("src/season.rs")?.expect_build_error()?.naming("season");
    assert_eq!(rules::discount(100), 33, "what runs stays");
    lab.restore()?.swap()?;
    assert_eq!(rules::discount(100), 10);
    Ok(())
}

#[test]
fn a_file_that_the_source_includes() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    assert_eq!(rules::thanks(), "Thank you!");
    lab.write("text/thanks.txt", "Come again!\n")?.swap()?;
    assert_eq!(rules::thanks(), "Come again!");
    Ok(())
}

#[test]
fn a_package_that_the_crate_is_made_of() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    assert_eq!(rules::taxed(100), 120);
    lab.edit("../prices/src/lib.rs", |text| text.replace("20", "7"))?.swap()?;
    assert_eq!(rules::taxed(100), 107);
    lab.restore()?.swap()?;
    assert_eq!(rules::taxed(100), 120, "the dependency is built again from what it was");
    Ok(())
}

#[test]
fn a_crate_with_another_feature_is_another_crate() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    lab.edit("Cargo.toml", |text| {
        text.replace("[dependencies]", "default = [\"double\"]\n\n[dependencies]")
    })?
    .edit("src/rules.rs", |text| {
        text.replace("price * 10 / 100", "if cfg!(feature = \"double\") { 2 } else { 1 }")
    })?
    .swap()?;
    assert_eq!(rules::discount(100), 2, "the builder keeps the identity that the program has");
    Ok(())
}

#[test]
fn only_what_is_in_the_copy_can_be_edited() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    for file in ["/etc/passwd", "../../../../../../elsewhere.rs"] {
        assert!(matches!(lab.write(file, ""), Err(Error::NotInside { .. })), "{file}");
    }
    let same = lab.edit("src/rules.rs", |text| text.replace("not there", "at all"));
    assert!(matches!(same, Err(Error::NoEffect { .. })));
    assert!(matches!(lab.edit("src/none.rs", str::to_owned), Err(Error::File { .. })));
    Ok(())
}

#[test]
fn the_sources_of_the_checkout_stay_as_they_are() -> Result<(), Error> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shop/src/rules.rs");
    let before = std::fs::read_to_string(path).unwrap();
    let lab = Lab::for_crate("kit-shop")?;
    lab.edit("src/rules.rs", |text| text.replace("* 10", "* 11"))?;
    lab.remove("src/lib.rs")?;
    assert_eq!(std::fs::read_to_string(path).unwrap(), before);
    Ok(())
}
