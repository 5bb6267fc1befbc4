//! Artifacts with a fault: each is refused by the step that is there for it, and nothing changes.

use kit_shop::rules;
use liveswap::Step;
use liveswap_testkit::{Error, Fault, Lab};

#[test]
fn each_fault_is_found_by_its_step() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    lab.edit("src/rules.rs", |text| text.replace("* 10", "* 15"))?;
    for (fault, step, named) in [
        (Fault::CutShort, Step::Settle, "a whole artifact"),
        (Fault::NotALibrary, Step::Settle, "not a dynamic library"),
        (Fault::Directory, Step::Settle, "a directory"),
        (Fault::Gone, Step::Settle, "nothing"),
        (Fault::OverLimit, Step::Stage, "over the limit"),
        (Fault::BrokenManifest, Step::Verify, "manifest"),
        (Fault::OtherCompiler, Step::Verify, "compiler"),
        (Fault::BrokenSeal, Step::Verify, "the artifact's seal"),
        (Fault::NoLibrary, Step::Load, "libq.so.6"),
        (Fault::WrongKind, Step::Check, "kind"),
    ] {
        let refused = lab.inject(fault).expect_refused();
        let refused = refused.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        refused.at(step).naming(named);
        assert_eq!((rules::discount(100), lab.generation()), (10, 0), "after {fault:?}");
    }
    let swap = lab.swap()?;
    assert_eq!((rules::discount(100), swap.generation), (15, lab.generation()));
    Ok(())
}

#[test]
fn any_file_can_be_offered() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let built = lab.edit("src/rules.rs", |text| text.replace("* 10", "* 16"))?.build()?;
    assert_eq!(rules::discount(100), 10, "it is only built");
    let reload = lab.offer(&built.artifact)?;
    assert_eq!(reload.outcome.swapped(), Some(lab.generation()));
    assert_eq!(rules::discount(100), 16);
    let reload = lab.offer(&std::env::current_exe().unwrap())?;
    assert!(reload.outcome.refused().is_some(), "{reload:?}");
    Ok(())
}
