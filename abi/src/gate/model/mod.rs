//! The gate under the model checker: every case of the protocol against an owner that frees what nobody holds.
//!
//! A table is "freed" by a write to a cell that every caller reads while it is inside: a caller that uses a table too
//! late reads the mark, and one whose use is not ordered before the freeing is a data race to the checker. What a
//! table's owner prepared before publishing it is checked in the same way.

mod calls;
mod counts;
mod pins;
mod records;

use std::sync::atomic::{AtomicUsize, Ordering};

use loom::cell::UnsafeCell;
use loom::sync::Arc;

use super::{Claim, Gate};
use crate::dispatch::Dispatch;
use crate::total::Total;

const TABLES: usize = 4;

/// A gate with its tables, of which the first is current.
struct Model {
    gate: &'static Gate,
    tables: [&'static Dispatch; TABLES],
    /// What each generation's code left behind.
    totals: [Total; TABLES],
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
            totals: std::array::from_fn(|_| Total::new()),
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
        self.free_if(old, !self.gate.is_held(self.tables[old]))
    }

    /// As `free`, where the generation's code left something behind.
    fn retire(&self, old: usize) -> bool {
        self.free_if(old, !self.gate.is_held(self.tables[old]) && self.totals[old].is_zero())
    }

    fn free_if(&self, old: usize, free: bool) -> bool {
        if free {
            // SAFETY: nothing holds it, which is what is being checked.
            self.freed[old].with_mut(|freed| unsafe { *freed = true });
        }
        free
    }

    /// Runs code of the generation that was entered.
    fn run(&self, dispatch: &Dispatch) -> u64 {
        let number = dispatch.generation();
        self.run_code(usize::try_from(number).unwrap());
        number
    }

    /// Runs code of a generation that something holds.
    fn run_code(&self, index: usize) {
        // SAFETY: the table was published after this was written, which is what is being checked.
        let prepared = self.prepared[index].with(|prepared| unsafe { *prepared });
        assert!(prepared, "generation {index} is called before it is ready");
        // SAFETY: the caller is held, which is what is being checked.
        let freed = self.freed[index].with(|freed| unsafe { *freed });
        assert!(!freed, "generation {index} was freed while something held it");
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
