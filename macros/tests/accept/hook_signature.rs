use std::sync::atomic::{AtomicU32, Ordering};

use liveswap_macros::hot;

static LEVEL: AtomicU32 = AtomicU32::new(1);

#[hot(self_check)]
fn asked() -> Result<(), String> {
    if LEVEL.load(Ordering::Relaxed) > 9 { Err("too high".to_owned()) } else { Ok(()) }
}

#[hot(on_load)]
fn sooner() {
    LEVEL.fetch_add(1, Ordering::Relaxed);
}

#[hot(on_retire)]
fn answers_nothing() {
    LEVEL.fetch_sub(1, Ordering::Relaxed);
}

#[test]
fn without_arguments_and_with_the_result_that_is_read() {
    sooner();
    answers_nothing();
    assert_eq!(asked(), Ok(()));
}
