//! Calls that are inside while something is swapped.

use std::sync::{Arc, Mutex};

use kit_shop::rules;
use liveswap_testkit::{Error, Lab};

#[test]
fn a_parked_call_goes_on_in_its_own_code() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let point = lab.point("before the discount")?;
    lab.edit("src/rules.rs", |text| {
        point.before(&text.replace("price * 10", "price * 17"), "price * 17")
    })?
    .swap()?;
    let old = lab.generation();
    let parked = point.park(|| rules::discount(100))?;
    lab.edit("src/rules.rs", |text| text.replace(&point.code(), "").replace("* 17", "* 18"))?
        .swap()?;
    assert_eq!(rules::discount(100), 18, "nobody waits for the parked call");
    assert!(parked.is_inside());
    let status = lab.runtime().status()?;
    let held = status.generations.iter().find(|it| it.number == old).unwrap();
    let holder = held.holders.first().unwrap();
    assert!(holder.to_string().contains("kit_shop::rules::discount"), "{holder}");
    assert!(holder.thread.contains("before the discount"), "{holder}");
    assert_eq!(parked.finish(), 17);
    Ok(())
}

#[test]
fn hot_code_waits_in_what_the_test_gave_it() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let point = lab.point("between two prices")?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (inside, seeing) = (point.clone(), Arc::clone(&seen));
    let parked = point.park(move || {
        rules::visit(&[100, 200], &|price| {
            seeing.lock().unwrap().push(price);
            inside.wait();
        });
    })?;
    assert_eq!(*seen.lock().unwrap(), [90]);
    lab.edit("src/rules.rs", |text| text.replace("* 10", "* 50"))?.swap()?;
    parked.finish();
    // The loop is old code; `discount`, which it calls, has the same signature and is the newest.
    assert_eq!(*seen.lock().unwrap(), [90, 100]);
    Ok(())
}

#[test]
fn a_call_that_ends_without_coming_by_is_an_error() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let error = lab.point("nowhere")?.park(|| rules::discount(1)).unwrap_err();
    assert!(error.to_string().contains("`nowhere`"), "{error}");
    Ok(())
}

#[test]
fn a_lab_that_ends_lets_everybody_go() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let point = lab.point("for ever")?;
    let inside = point.clone();
    let parked = point.park(move || {
        inside.wait();
        1
    })?;
    drop(lab);
    assert_eq!(parked.finish(), 1);
    Ok(())
}
