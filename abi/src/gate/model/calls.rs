//! Calls against swaps, one inside another, and two swaps in a row.

use loom::thread;

use super::{Model, Reached, check};

// Cases 1, 2 and 3.
#[test]
fn a_call_never_uses_what_the_owner_freed() {
    static FREED: Reached = Reached::new();
    check(5, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let claim = model.gate.claim();
                let first = model.call(claim);
                let second = model.call(claim);
                assert!(first <= second, "a thread went back from {first} to {second}");
            }
        });
        model.swap(1);
        FREED.run(model.free(0));
        caller.join().unwrap();
        assert!(model.free(0), "nobody is inside any more");
    });
    FREED.assert_sometimes();
}

#[test]
fn two_callers_are_both_waited_for() {
    check(3, || {
        let model = Model::new();
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let model = model.clone();
                thread::spawn(move || model.call(model.gate.claim()))
            })
            .collect();
        model.swap(1);
        model.free(0);
        for caller in callers {
            caller.join().unwrap();
        }
        assert!(model.free(0));
    });
}

// Case 9.
#[test]
fn two_swaps_in_a_row_free_both_generations_in_time() {
    check(5, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let claim = model.gate.claim();
                model.call(claim);
                model.call(claim);
            }
        });
        model.swap(1);
        model.swap(2);
        model.free(0);
        model.free(1);
        caller.join().unwrap();
        assert!(model.free(0) && model.free(1));
    });
}

// Case 4.
#[test]
fn a_nested_call_holds_its_own_generation_and_the_outer_one_stays() {
    static NEWER: Reached = Reached::new();
    check(5, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let claim = model.gate.claim();
                let outer = claim.enter(0).unwrap();
                let before = model.run(outer.dispatch());
                let inner = model.nested(claim, |number| number);
                assert_eq!(model.run(outer.dispatch()), before);
                outer.leave();
                NEWER.run(before < inner);
            }
        });
        model.swap(1);
        model.free(0);
        caller.join().unwrap();
        assert!(model.free(0));
    });
    NEWER.assert_sometimes();
}
