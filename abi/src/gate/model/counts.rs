//! What outlives its call, and is counted: leases, threads and destructors, against an owner that looks at the gate, then at
//! the count, and frees.
//!
//! The cases are those of `total.rs`. To the count a lease and a thread are the same: something raises it inside a call
//! or inside something counted, runs code of the generation on some thread, and lowers it.

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::{Model, Reached, check};
use crate::gate::Claim;

impl Model {
    /// A call that leaves something behind, which is of the generation that the call was inside.
    fn leave(&self, claim: Claim) -> usize {
        let entered = claim.enter(0).expect("not inside a call");
        let number = usize::try_from(self.run(entered.dispatch())).unwrap();
        self.totals[number].raise();
        entered.leave();
        number
    }

    /// What was left behind runs once and is gone.
    fn end(&self, number: usize) {
        self.run_code(number);
        self.totals[number].lower();
    }

    /// What the owner does after a swap with everything that is not current.
    fn retire_all(&self, current: usize) {
        for old in 0..current {
            self.retire(old);
        }
    }
}

// Case 1 and 3: made, used and dropped by one thread while the owner swaps.
#[test]
fn a_lease_is_held_from_its_call_to_its_end() {
    static OLD: Reached = Reached::new();
    static HELD: Reached = Reached::new();
    check(5, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let lease = model.leave(model.gate.claim());
                OLD.run(lease == 0);
                model.end(lease);
            }
        });
        model.swap(1);
        HELD.run(!model.retire(0));
        caller.join().unwrap();
        assert!(model.retire(0));
    });
    OLD.assert_sometimes();
    HELD.assert_sometimes();
}

// Case 3: dropped on a thread that never was inside.
#[test]
fn a_lease_is_dropped_on_another_thread() {
    check(3, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let lease = model.leave(model.gate.claim());
                let dropper = thread::spawn(move || model.end(lease));
                dropper.join().unwrap();
            }
        });
        model.swap(1);
        model.retire(0);
        caller.join().unwrap();
        assert!(model.retire(0));
    });
}

// Two threads hold, and the owner may find the one's lowering or the other's last.
#[test]
fn the_last_of_two_leases_lets_the_generation_go() {
    static AT_ONCE: Reached = Reached::new();
    check(3, || {
        let model = Model::new();
        let claim = model.gate.claim();
        let (first, second) = (model.leave(claim), model.leave(claim));
        let droppers = [first, second].map(|lease| {
            let model = model.clone();
            thread::spawn(move || model.end(lease))
        });
        model.swap(1);
        AT_ONCE.run(model.retire(0));
        for dropper in droppers {
            dropper.join().unwrap();
        }
        assert!(model.retire(0));
    });
    AT_ONCE.assert_sometimes();
}

// Case 2: a lease inside a leased value, of an older generation.
#[test]
fn a_lease_inside_another_ends_first() {
    check(4, || {
        let model = Model::new();
        let claim = model.gate.claim();
        let inner = model.leave(claim);
        model.swap(1);
        let outer = model.leave(claim);
        let dropper = thread::spawn({
            let model = model.clone();
            move || {
                model.run_code(outer);
                model.end(inner);
                model.end(outer);
            }
        });
        model.swap(2);
        model.retire_all(2);
        dropper.join().unwrap();
        assert!(model.retire(0) && model.retire(1));
    });
}

// Case 2: what is counted makes the next and ends, a thread's thread for example.
#[test]
fn a_thread_of_a_thread_takes_over() {
    static BETWEEN: Reached = Reached::new();
    check(3, || {
        let model = Model::new();
        let first = model.leave(model.gate.claim());
        let thread = thread::spawn({
            let model = model.clone();
            move || {
                model.totals[first].raise();
                let second = thread::spawn({
                    let model = model.clone();
                    move || model.end(first)
                });
                model.end(first);
                second.join().unwrap();
            }
        });
        model.swap(1);
        BETWEEN.run(!model.retire(0));
        thread.join().unwrap();
        assert!(model.retire(0));
    });
    BETWEEN.assert_sometimes();
}

// Case 4: a destructor of old code calls the newest, which leaves something of its own.
#[test]
fn a_destructor_that_calls_hot_code_enters_and_leaves_by_the_gate() {
    static NEWER: Reached = Reached::new();
    check(4, || {
        let model = Model::new();
        let claim = model.gate.claim();
        let old = model.leave(claim);
        claim.release();
        let thread = thread::spawn({
            let model = model.clone();
            move || {
                model.run_code(old);
                let next = model.leave(model.gate.claim());
                NEWER.run(next > old);
                model.end(old);
                model.end(next);
            }
        });
        model.swap(1);
        model.retire(0);
        model.swap(2);
        model.retire_all(2);
        thread.join().unwrap();
        assert!(model.retire(0) && model.retire(1));
    });
    NEWER.assert_sometimes();
}

// A hold moves from a pin to a count: the call's own hazard may be gone, or never have been set apart from the pin's.
#[test]
fn a_lease_made_under_a_pin_outlives_it() {
    check(4, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let claim = model.gate.claim();
                let pin = claim.pin();
                let lease = model.leave(claim);
                assert_eq!(lease as u64, pin.generation());
                drop(pin);
                model.end(lease);
            }
        });
        model.swap(1);
        model.retire(0);
        caller.join().unwrap();
        assert!(model.retire(0));
    });
}

// Case 1, the other way round.
#[test]
#[should_panic(expected = "")]
fn an_owner_that_reads_the_count_before_the_gate_frees_too_early() {
    check(5, || {
        let model = Model::new();
        let caller = thread::spawn({
            let model = model.clone();
            move || {
                let lease = model.leave(model.gate.claim());
                model.end(lease);
            }
        });
        model.swap(1);
        let none = model.totals[0].is_zero();
        model.free_if(0, none && !model.gate.is_held(model.tables[0]));
        caller.join().unwrap();
    });
}

/// The counts of a shared generation, which a list behind a lock leads to (I4 of the interposers).
struct Watched {
    model: Arc<Model>,
    listed: Mutex<bool>,
    /// Whether the counts were freed.
    gone: UnsafeCell<bool>,
}

// SAFETY: whether the cell is shared without races is what the checker finds out.
unsafe impl Sync for Watched {}
// SAFETY: as above.
unsafe impl Send for Watched {}

impl Watched {
    /// Code that nothing holds, because the program kept a pointer to it, asks for a thread.
    fn stray(&self) -> bool {
        let listed = self.listed.lock().unwrap();
        if *listed {
            // SAFETY: what is listed is not freed, which is what is being checked.
            assert!(
                !self.gone.with(|gone| unsafe { *gone }),
                "counts are used after they were freed"
            );
            self.model.totals[0].raise();
        }
        *listed
    }

    fn withdraw(&self) {
        *self.listed.lock().unwrap() = false;
    }

    fn free(&self) -> bool {
        let free = self.model.totals[0].is_zero();
        if free {
            // SAFETY: nothing counts there any more, which is what is being checked.
            self.gone.with_mut(|gone| unsafe { *gone = true });
        }
        free
    }
}

fn stray_against(owner: impl Fn(&Watched) -> bool + Clone + Send + Sync + 'static) {
    check(5, move || {
        let watched = Arc::new(Watched {
            model: Model::new(),
            listed: Mutex::new(true),
            gone: UnsafeCell::new(false),
        });
        let stray = thread::spawn({
            let watched = watched.clone();
            move || watched.stray()
        });
        let freed = owner(&watched);
        let counted = stray.join().unwrap();
        assert!(!(freed && counted), "a count was raised for a generation that is gone");
    });
}

// H10.
#[test]
fn nothing_is_counted_after_the_total_was_found_to_be_zero() {
    stray_against(|watched| {
        watched.withdraw();
        watched.free()
    });
}

// H10, the other way round.
#[test]
#[should_panic(expected = "")]
fn an_owner_that_withdraws_after_it_read_the_count_frees_too_early() {
    stray_against(|watched| {
        let freed = watched.free();
        watched.withdraw();
        freed
    });
}
