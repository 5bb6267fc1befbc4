//! Pins, and the calls and records that outlive them.

use loom::thread;

use super::{Model, Reached, check};
use crate::gate::{Hold, HoldKind};

#[test]
fn a_pin_keeps_all_calls_in_one_generation() {
    static OLD: Reached = Reached::new();
    check(5, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let claim = model.gate.claim();
                let pin = claim.pin();
                let pinned = pin.generation();
                assert_eq!(model.call(claim), pinned);
                let again = claim.pin();
                assert_eq!(again.generation(), pinned);
                drop(again);
                assert_eq!(model.call(claim), pinned);
                drop(pin);
                OLD.run(pinned < model.call(claim));
            }
        });
        model.swap(1);
        model.free(0);
        caller.join().unwrap();
        assert!(model.free(0));
    });
    OLD.assert_sometimes();
}

// Case 5, in one record.
#[test]
fn a_call_goes_on_after_the_pin_it_was_made_under() {
    check(5, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let claim = model.gate.claim();
                let pin = claim.pin();
                let entered = claim.enter(0).unwrap();
                drop(pin);
                model.run(entered.dispatch());
                entered.leave();
            }
        });
        model.swap(1);
        model.free(0);
        caller.join().unwrap();
        assert!(model.free(0));
    });
}

// Case 5, from one record to another: the scan meets the borrowed one first.
#[test]
fn a_borrowed_record_goes_on_after_the_pin_of_the_thread_s_own() {
    check(5, || {
        let model = Model::new();
        let claim = model.gate.claim();
        let outer = claim.enter(0).unwrap();
        model.swap(1);
        let inner = claim.enter_nested(0);
        model.swap(2);
        let pin = claim.pin();
        let owner = thread::spawn({
            let model = model.clone();
            move || {
                model.swap(3);
                model.free(2);
            }
        });
        let borrowed = claim.enter_nested(0);
        drop(pin);
        assert_eq!(model.run(borrowed.dispatch()), 2, "the call was made under the pin");
        borrowed.leave();
        inner.leave();
        outer.leave();
        owner.join().unwrap();
        assert!(model.free(0) && model.free(1) && model.free(2));
        assert_eq!(model.records(), 2);
    });
}

// Case 6: a pin that outlives its thread's record.
#[test]
fn a_record_is_given_back_by_its_last_pin() {
    static REUSED: Reached = Reached::new();
    check(5, || {
        let model = Model::new();
        let claim = model.gate.claim();
        let pin = claim.pin();
        claim.release();
        let other = thread::spawn({
            let model = model.clone();
            move || model.call(model.gate.claim())
        });
        drop(pin);
        other.join().unwrap();
        REUSED.run(model.records() == 1);
        if model.records() == 2 {
            model.call(model.gate.claim());
            assert_eq!(model.records(), 2, "the first record was free");
        }
    });
    REUSED.assert_sometimes();
}

#[test]
fn holds_name_the_call_s_slot_and_the_pin() {
    check(5, || {
        let model = Model::new();
        let claim = model.gate.claim();
        let pin = claim.pin();
        let entered = claim.enter(7).unwrap();
        let owner = thread::spawn({
            let model = model.clone();
            move || {
                model.swap(1);
                model.gate.holds(model.tables[0])
            }
        });
        let holds = owner.join().unwrap();
        let hold = |kind| Hold { kind, thread: String::new() };
        assert_eq!(holds, [hold(HoldKind::Pin), hold(HoldKind::Call { slot: 7 })]);
        entered.leave();
        drop(pin);
        assert_eq!(model.gate.holds(model.tables[0]), []);
    });
}
