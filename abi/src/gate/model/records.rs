//! Records that are borrowed, given back and used again.

use loom::thread;

use super::{Model, Reached, check};

// Cases 4 and 7: the model's records have room for two generations.
#[test]
fn calls_nested_through_three_generations_borrow_a_record() {
    static BORROWED: Reached = Reached::new();
    check(5, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let claim = model.gate.claim();
                let outer = claim.enter(0).unwrap();
                model.run(outer.dispatch());
                model.nested(claim, |_| model.nested(claim, |_| ()));
                model.run(outer.dispatch());
                outer.leave();
            }
        });
        model.swap(1);
        model.free(0);
        model.swap(2);
        model.free(0);
        model.free(1);
        caller.join().unwrap();
        assert!(model.free(0) && model.free(1));
        BORROWED.run(model.records() == 2);
    });
    BORROWED.assert_sometimes();
}

// Case 7: a thread that has given its own record back.
#[test]
fn a_call_without_a_record_borrows_one_for_as_long_as_it_lasts() {
    check(5, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                for _ in 0..2 {
                    let entered = model.gate.claim().enter_once(0);
                    model.run(entered.dispatch());
                    entered.leave();
                }
            }
        });
        model.swap(1);
        model.free(0);
        caller.join().unwrap();
        assert!(model.free(0));
        assert_eq!(model.records(), 1, "the second call found the first one's record");
    });
}

// Case 6.
#[test]
fn a_record_is_used_again_when_its_thread_has_ended() {
    static REUSED: Reached = Reached::new();
    check(3, || {
        let model = Model::new();
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let model = model.clone();
                thread::spawn(move || {
                    let claim = model.gate.claim();
                    model.call(claim);
                    claim.release();
                })
            })
            .collect();
        model.swap(1);
        model.free(0);
        for caller in callers {
            caller.join().unwrap();
        }
        assert!(model.free(0));
        REUSED.run(model.records() == 1);
    });
    REUSED.assert_sometimes();
}

#[test]
fn the_generation_s_number_is_read_from_a_table_that_is_held() {
    check(5, || {
        let model = Model::new();
        let reader = thread::spawn({
            let model = model.clone();
            move || {
                let first = model.gate.generation();
                let second = model.gate.generation();
                assert!(first <= second && second <= 1, "{first}, then {second}");
            }
        });
        model.swap(1);
        assert_eq!(model.gate.generation(), 1);
        reader.join().unwrap();
        assert!(model.free(0));
    });
}
