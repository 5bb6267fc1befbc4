//! Calls go through the current table: what an owner publishes is what callers get.

#![cfg(debug_assertions)]
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use liveswap_abi::dispatch::{Dispatch, Target, UNASSIGNED};
use liveswap_abi::function::FunctionEntry;
use liveswap_abi::gate::{Hold, HoldKind};
use liveswap_macros::hot;

liveswap_abi::hot_crate!();

#[hot]
fn step(value: u64) -> u64 {
    value + 1
}

/// Stands in for `step` of a later generation.
#[hot]
fn double(value: u64) -> u64 {
    value * 2
}

#[hot]
fn fail(value: u64) -> u64 {
    panic!("generation of {value}")
}

#[hot]
fn twice(value: u64, between: &mut dyn FnMut()) -> u64 {
    let value = step(value);
    between();
    step(value)
}

fn entry(name: &str) -> &'static FunctionEntry {
    let path = format!("{}::{name}", module_path!());
    let functions = hot_crate().functions();
    functions.iter().find(|entry| entry.path() == path).unwrap()
}

const STEP: usize = 0;
const TWICE: usize = 1;

/// The one owner of this program's gate; without it a test would find the calls of the others inside.
struct Owner<'a> {
    _only: MutexGuard<'a, ()>,
}

impl Owner<'_> {
    fn new() -> Owner<'static> {
        static ONLY: Mutex<()> = Mutex::new(());
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        entry("step").set_slot(STEP);
        entry("twice").set_slot(TWICE);
        Owner { _only: only }
    }

    fn table(&self, number: u64, step: Target) -> &'static Dispatch {
        Box::leak(Dispatch::new(number, vec![step, entry("twice").own()]))
    }

    /// Publishes a table and gives the one before.
    fn swap(&self, next: &'static Dispatch) -> *const Dispatch {
        let (old, fenced) = hot_crate().gate().swap(next);
        fenced.unwrap();
        old
    }
}

#[test]
fn a_function_without_a_slot_is_the_one_beside_its_caller() {
    let _owner = Owner::new();
    assert_eq!(entry("double").slot(), UNASSIGNED);
    assert_eq!(double(4), 8);
    let caught = std::panic::catch_unwind(|| fail(4));
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"generation of 4".to_owned()));
}

#[test]
fn callers_get_what_is_published() {
    let owner = Owner::new();
    let one = owner.table(1, entry("step").own());
    let two = owner.table(2, entry("double").own());
    let none = owner.table(3, std::ptr::null());
    owner.swap(one);
    assert_eq!((step(5), hot_crate().gate().generation()), (6, 1));
    assert_eq!(owner.swap(two), &raw const *one);
    assert_eq!((step(5), hot_crate().gate().generation()), (10, 2));
    owner.swap(none);
    assert_eq!(step(5), 6, "a generation without the function: the one beside the caller");
}

#[test]
fn an_outer_call_sees_its_inner_functions_change() {
    let owner = Owner::new();
    let one = owner.table(1, entry("step").own());
    let two = owner.table(2, entry("double").own());
    owner.swap(one);
    let mut held = Vec::new();
    let result = twice(5, &mut || {
        owner.swap(two);
        held = hot_crate().gate().holds(one);
    });
    assert_eq!(result, 12);
    let thread = thread::current().name().unwrap().chars().take(32).collect::<String>();
    assert_eq!(held, [Hold { kind: HoldKind::Call { slot: TWICE }, thread }]);
    assert!(!hot_crate().gate().is_held(one));
}

#[test]
fn under_a_pin_it_does_not() {
    let owner = Owner::new();
    let one = owner.table(1, entry("step").own());
    let two = owner.table(2, entry("double").own());
    owner.swap(one);
    let pin = hot_crate().pin();
    assert_eq!(twice(5, &mut || _ = owner.swap(two)), 7);
    assert_eq!((step(5), pin.generation()), (6, 1));
    let elsewhere = thread::scope(|scope| scope.spawn(|| step(5)).join().unwrap());
    assert_eq!(elsewhere, 10, "a pin is its thread's own");
    assert!(hot_crate().gate().is_held(one));
    drop(pin);
    assert_eq!(step(5), 10);
    assert!(!hot_crate().gate().is_held(one));
}

#[test]
fn a_panic_leaves_no_hold_behind() {
    let owner = Owner::new();
    let one = owner.table(1, entry("fail").own());
    owner.swap(one);
    let outer = std::panic::catch_unwind(|| twice(5, &mut || ()));
    assert_eq!(outer.unwrap_err().downcast_ref(), Some(&"generation of 5".to_owned()));
    let inner = std::panic::catch_unwind(|| step(6));
    assert_eq!(inner.unwrap_err().downcast_ref(), Some(&"generation of 6".to_owned()));
    owner.swap(owner.table(2, entry("step").own()));
    assert_eq!(hot_crate().gate().holds(one), []);
}

#[test]
fn a_storm_of_swaps_loses_no_call() {
    const SWAPS: u64 = 300;
    const CALLS: u64 = 3000;
    let owner = Owner::new();
    let ended = AtomicBool::new(false);
    let calls = AtomicU64::new(0);
    let mut current = owner.table(0, entry("step").own());
    owner.swap(current);
    thread::scope(|scope| {
        let callers = [(); 4].map(|()| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let (one, two) = (step(10), twice(10, &mut || ()));
                    assert!([11, 20].contains(&one), "{one}");
                    assert!([12, 22, 21, 40].contains(&two), "{two}");
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        let well = || callers.iter().all(|caller| !caller.is_finished());
        let mut number = 0;
        while well() && (number < SWAPS || calls.load(Ordering::Relaxed) < CALLS) {
            number += 1;
            let body = entry(if number % 2 == 0 { "step" } else { "double" }).own();
            let next = owner.table(number, body);
            let old = owner.swap(next);
            assert_eq!(old, &raw const *current);
            while well() && hot_crate().gate().is_held(old) {
                thread::yield_now();
            }
            current = next;
        }
        ended.store(true, Ordering::Relaxed);
        for caller in callers {
            caller.join().unwrap();
        }
    });
}
