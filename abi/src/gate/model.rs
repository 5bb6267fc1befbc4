//! The gate under the model checker: every case of the protocol against an owner that frees what nobody holds.
//!
//! A table is "freed" by a write to a cell that every caller reads while it is inside: a caller that uses a table too
//! late reads the mark, and one whose use is not ordered before the freeing is a data race to the checker. What a
//! table's owner prepared before publishing it is checked in the same way.

use std::sync::atomic::{AtomicUsize, Ordering};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::{Claim, Gate, Hold, HoldKind};
use crate::dispatch::Dispatch;

const TABLES: usize = 4;

/// A gate with its tables, of which the first is current.
struct Model {
    gate: &'static Gate,
    tables: [&'static Dispatch; TABLES],
    prepared: [UnsafeCell<bool>; TABLES],
    freed: [UnsafeCell<bool>; TABLES],
}

// SAFETY: whether the cells are shared without races is what the checker finds out.
unsafe impl Sync for Model {}
// SAFETY: as above.
unsafe impl Send for Model {}

impl Model {
    fn new() -> Arc<Model> {
        let gate: &'static Gate = Box::leak(Box::new(Gate::new()));
        let table = |number: usize| &*Box::leak(Dispatch::new(number as u64, Vec::new()));
        let model = Model {
            gate,
            tables: std::array::from_fn(table),
            prepared: std::array::from_fn(|_| UnsafeCell::new(false)),
            freed: std::array::from_fn(|_| UnsafeCell::new(false)),
        };
        model.swap(0);
        Arc::new(model)
    }

    fn swap(&self, next: usize) {
        // SAFETY: nobody uses the table before it is published, which is what is being checked.
        self.prepared[next].with_mut(|prepared| unsafe { *prepared = true });
        let (_, fenced) = self.gate.swap(self.tables[next]);
        assert_eq!(fenced, Ok(()));
    }

    /// What the owner does with a generation that it replaced; says whether it could be freed.
    fn free(&self, old: usize) -> bool {
        let free = !self.gate.is_held(self.tables[old]);
        if free {
            // SAFETY: nobody is inside, which is what is being checked.
            self.freed[old].with_mut(|freed| unsafe { *freed = true });
        }
        free
    }

    /// Runs code of a generation.
    fn run(&self, dispatch: &Dispatch) -> u64 {
        let number = dispatch.generation();
        let index = usize::try_from(number).unwrap();
        // SAFETY: the table was published after this was written, which is what is being checked.
        let prepared = self.prepared[index].with(|prepared| unsafe { *prepared });
        assert!(prepared, "generation {number} is called before it is ready");
        // SAFETY: the caller is inside, which is what is being checked.
        let freed = self.freed[index].with(|freed| unsafe { *freed });
        assert!(!freed, "generation {number} was freed while a thread was inside");
        number
    }

    /// A call from outside.
    fn call(&self, claim: Claim) -> u64 {
        let entered = claim.enter(0).expect("not inside a call");
        let number = self.run(entered.dispatch());
        entered.leave();
        number
    }

    /// A call from inside another one, which runs `inside` after its own code.
    fn nested<R>(&self, claim: Claim, inside: impl FnOnce(u64) -> R) -> R {
        let entered = claim.enter_nested(1);
        let number = self.run(entered.dispatch());
        let result = inside(number);
        self.run(entered.dispatch());
        entered.leave();
        result
    }

    fn records(&self) -> usize {
        self.gate.records().count()
    }
}

fn check(preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(run);
}

/// Counts how many of the explored runs came to a place, which must be some and not all.
struct Reached {
    here: AtomicUsize,
    runs: AtomicUsize,
}

impl Reached {
    const fn new() -> Reached {
        Reached { here: AtomicUsize::new(0), runs: AtomicUsize::new(0) }
    }

    fn run(&self, here: bool) {
        self.here.fetch_add(usize::from(here), Ordering::Relaxed);
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    fn assert_sometimes(&self) {
        let (here, runs) = (self.here.load(Ordering::Relaxed), self.runs.load(Ordering::Relaxed));
        assert!(0 < here && here < runs, "{here} of {runs} runs");
    }
}

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
