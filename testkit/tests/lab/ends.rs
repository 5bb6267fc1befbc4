//! How a swap can end other than with new code, and what a failing test shows.

use kit_shop::rules;
use liveswap::Step;
use liveswap_testkit::{Error, Lab};

const CHANGE: (&str, &str) = ("discount(price: u32)", "discount(price: u64)");

fn change(text: &str) -> String {
    text.replace(CHANGE.0, CHANGE.1)
        .replace("price * 10 / 100", "(price * 10 / 100) as u32")
        .replace("discount(*price)", "discount(u64::from(*price))")
}

#[test]
fn a_changed_signature_is_refused_by_name() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let refused = lab.edit("src/rules.rs", change)?.expect_refused()?;
    refused.at(Step::Check).naming("kit_shop::rules::discount").naming("u64");
    assert_eq!(refused.step(), Step::Check);
    assert_eq!(refused.differences().len(), 1);
    assert_eq!((rules::discount(100), lab.generation()), (10, 0));
    // The next good one is taken.
    lab.restore()?.edit("src/rules.rs", |text| text.replace("* 10", "* 12"))?.swap()?;
    assert_eq!(rules::discount(100), 12);
    Ok(())
}

#[test]
fn what_is_expected_is_what_is_named() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let refused = lab.edit("src/rules.rs", change)?.expect_refused()?;
    let message = |assert: &(dyn Fn() + std::panic::RefUnwindSafe)| {
        let panic = std::panic::catch_unwind(assert).unwrap_err();
        panic.downcast::<String>().unwrap()
    };
    let (first, second) = (refused.clone(), refused.clone());
    let named = message(&move || {
        first.naming("rules::taxed");
    });
    assert!(named.contains("`rules::taxed` is not named: refused at check"), "{named}");
    let step = message(&move || {
        second.at(Step::Load);
    });
    assert!(step.contains("not refused at load: refused at check"), "{step}");
    Ok(())
}

#[test]
fn an_error_of_the_compiler_is_shown_whole() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    lab.edit("src/rules.rs", |text| text.replace("price * 10 / 100", "\"nothing\""))?;
    let failure = lab.expect_build_error()?;
    failure.naming("E0308").naming("src/rules.rs").naming("mismatched types");
    assert_eq!(failure.diagnostics()[0].code.as_deref(), Some("E0308"));
    // What a test shows that did not expect it, which it does by `Debug`.
    let error = lab.swap().unwrap_err();
    let shown = format!("{error:?}");
    for part in ["kit-shop does not compile", "error[E0308]: mismatched types", "\"nothing\""] {
        assert!(shown.contains(part), "{part} in:\n{shown}");
    }
    assert_eq!(rules::discount(100), 10);
    Ok(())
}

#[test]
fn an_error_of_cargo_is_shown_too() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let broken = |text: &str| {
        text.replace("[dependencies]", "[dependencies]\nkit-nothing = { path = \"../nothing\" }")
    };
    lab.edit("Cargo.toml", broken)?.expect_build_error()?.naming("kit-nothing");
    Ok(())
}

#[test]
fn an_edit_without_effect_is_unchanged() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    lab.edit("src/rules.rs", |text| text.replace("* 10", "* 13"))?.swap()?;
    // Line numbers are part of an artifact; this leaves them as they are.
    lab.edit("src/rules.rs", |text| text.replace("What is taken off", "What comes off"))?;
    lab.expect_unchanged()?;
    let error = lab.swap().unwrap_err();
    assert!(matches!(error, Error::Unchanged { generation } if generation == lab.generation()));
    Ok(())
}

#[test]
fn an_end_that_is_not_expected_says_what_happened() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let found = |error: Error| error.to_string();
    lab.edit("src/rules.rs", |text| text.replace("* 10", "* 14"))?;
    let error = found(lab.expect_build_error().unwrap_err());
    assert_eq!(error, "expected a build error, but the sources compile");
    let error = found(lab.expect_refused().unwrap_err());
    assert!(error.starts_with("expected a refusal, but generation "), "{error}");
    lab.restore()?.edit("src/rules.rs", change)?;
    let error = found(lab.expect_unchanged().unwrap_err());
    assert!(error.contains("refused at check"), "{error}");
    let error = found(lab.swap().unwrap_err());
    assert!(error.starts_with("refused at check: "), "{error}");
    Ok(())
}

#[test]
fn a_crate_that_is_not_linked_is_not_found() {
    let error = Lab::for_crate("somebody-else").unwrap_err().to_string();
    assert!(error.contains("`somebody-else`") && error.contains("linked: kit_shop"), "{error}");
}

#[test]
fn flags_that_do_not_lead_here_are_told() -> Result<(), Error> {
    let given = Lab::builder("kit-shop").cargo_flags(["--features", "not-there"]).start();
    let error = given.unwrap_err().to_string();
    assert!(error.contains("--features not-there") && error.contains("cargo_flags"), "{error}");
    Ok(())
}
