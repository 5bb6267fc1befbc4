//! A panic in a hot function reaches its caller as it was.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicU32, Ordering};

use liveswap_macros::hot;

#[derive(Debug, PartialEq)]
struct Custom(u32);

#[hot]
fn fail(how: u32) -> u32 {
    match how {
        0 => panic!("literal"),
        1 => panic!("formatted {how}"),
        2 => panic_any(Custom(how)),
        3 => panic_any(Box::new(how)),
        _ => how,
    }
}

#[hot]
fn fail_inside(how: u32) -> u32 {
    fail(how) + 1
}

#[test]
fn payloads_come_back_as_they_were() {
    for call in [fail as fn(u32) -> u32, fail_inside] {
        let payload = |how| catch_unwind(|| call(how)).unwrap_err();
        assert_eq!(payload(0).downcast_ref(), Some(&"literal"));
        assert_eq!(payload(1).downcast_ref(), Some(&"formatted 1".to_owned()));
        assert_eq!(payload(2).downcast_ref(), Some(&Custom(2)));
        assert_eq!(payload(3).downcast_ref(), Some(&Box::new(3_u32)));
    }
    assert_eq!((fail(4), fail_inside(4)), (4, 5));
}

static DROPS: AtomicU32 = AtomicU32::new(0);

struct CountsDrop;

impl Drop for CountsDrop {
    fn drop(&mut self) {
        DROPS.fetch_add(1, Ordering::Relaxed);
    }
}

#[hot]
fn owns(_argument: CountsDrop, panics: bool) -> CountsDrop {
    let local = CountsDrop;
    assert!(!panics, "while owning");
    local
}

#[test]
fn everything_is_dropped_once_on_either_way() {
    drop(owns(CountsDrop, false));
    assert_eq!(DROPS.load(Ordering::Relaxed), 2);
    assert!(catch_unwind(|| owns(CountsDrop, true)).is_err());
    assert_eq!(DROPS.load(Ordering::Relaxed), 4);
}

#[hot]
fn catches(how: u32) -> Result<u32, String> {
    catch_unwind(|| fail(how)).map_err(|payload| {
        payload.downcast::<String>().map_or_else(|_| String::new(), |text| *text)
    })
}

#[hot]
fn recurses_then_fails(depth: u32, log: &mut Vec<u32>) {
    log.push(depth);
    if depth == 0 {
        panic!("at the bottom");
    }
    recurses_then_fails(depth - 1, log);
    log.push(depth);
}

#[test]
fn a_panic_may_be_caught_inside_hot_code_or_cross_many_calls() {
    assert_eq!(catches(1), Err("formatted 1".to_owned()));
    assert_eq!(catches(9), Ok(9));
    let mut log = Vec::new();
    let caught = catch_unwind(AssertUnwindSafe(|| recurses_then_fails(50, &mut log)));
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"at the bottom"));
    assert_eq!(log, (0..=50).rev().collect::<Vec<_>>());
    assert_eq!(fail(7), 7);
}

struct CallsInDrop;

impl Drop for CallsInDrop {
    fn drop(&mut self) {
        assert_eq!(fail(8), 8);
        assert_eq!(catches(1), Err("formatted 1".to_owned()));
    }
}

#[test]
fn hot_functions_are_called_while_unwinding() {
    let caught = catch_unwind(|| {
        let _drop = CallsInDrop;
        fail(0)
    });
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"literal"));
}
