//! Labs that follow each other, and what one leaves for the next.

use std::thread;

use kit_shop::rules;
use liveswap_testkit::{Error, Lab};

#[test]
fn generation_0_comes_back_with_its_statics() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    let sold = rules::sell();
    lab.edit("src/rules.rs", |text| text.replace("* 10", "* 19"))?.swap()?;
    assert_eq!((rules::sell(), rules::discount(100)), (1, 19), "an artifact begins anew");
    drop(lab);
    let lab = Lab::for_crate("kit-shop")?;
    assert_eq!((rules::sell(), rules::discount(100)), (sold + 1, 10));
    assert_eq!(lab.generation(), 0);
    assert!(lab.read("src/rules.rs")?.contains("* 10"), "the copy is as the original");
    lab.edit("src/rules.rs", |text| text.replace("* 10", "* 21"))?.swap()?;
    assert_eq!(rules::discount(100), 21, "and it can be swapped again");
    Ok(())
}

#[test]
fn generation_0_can_be_asked_for() -> Result<(), Error> {
    let lab = Lab::for_crate("kit-shop")?;
    lab.edit("src/rules.rs", |text| text.replace("* 10", "* 22"))?.swap()?;
    let back = lab.runtime().return_to_linked()?;
    assert_eq!((back.outcome.swapped(), rules::discount(100)), (Some(0), 10));
    let again = lab.runtime().return_to_linked()?;
    assert_eq!(again.outcome.swapped(), None, "{again:?}");
    lab.swap()?;
    assert_eq!(rules::discount(100), 22);
    Ok(())
}

#[test]
fn labs_of_many_threads_take_turns() {
    let threads: Vec<_> = (31..39)
        .map(|percent: u32| {
            thread::spawn(move || {
                let lab = Lab::for_crate("kit-shop")?;
                assert_eq!(rules::discount(100), 10);
                let to = format!("* {}", 31 + percent % 2);
                lab.edit("src/rules.rs", |text| text.replace("* 10", &to))?.swap()?;
                assert_eq!(rules::discount(100), 31 + percent % 2);
                Ok::<(), Error>(())
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn a_second_lab_on_the_same_thread_would_wait_for_ever() -> Result<(), Error> {
    let _lab = Lab::for_crate("kit-shop")?;
    assert!(matches!(Lab::for_crate("kit_shop"), Err(Error::InUse { .. })));
    Ok(())
}

#[test]
fn a_lab_ends_with_a_test_that_panics() {
    let panicked = thread::spawn(|| {
        let lab = Lab::for_crate("kit-shop").unwrap();
        lab.edit("src/rules.rs", |text| text.replace("* 10", "* 23")).unwrap().swap().unwrap();
        panic!("on purpose, with {} off", rules::discount(100));
    });
    let message = panicked.join().unwrap_err();
    assert_eq!(message.downcast_ref::<String>().unwrap(), "on purpose, with 23 off");
    let _lab = Lab::for_crate("kit-shop").unwrap();
    assert_eq!(rules::discount(100), 10);
}
