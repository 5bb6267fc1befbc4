//! What hot code leaves behind or goes on with: threads, thread-local values, calls that take their time.

use std::cell::RefCell;
use std::thread;

use liveswap_macros::hot;

use crate::course::{Course, Traveller};

/// How often what is left behind calls each time it does anything.
const CALLS: u64 = 16;

/// Calls once more when it is dropped.
pub(crate) struct Parting(Traveller);

impl Parting {
    pub(crate) fn on(course: &'static Course) -> Parting {
        Parting(Traveller::on(course))
    }

    /// Calls while it is there.
    pub(crate) fn call(&self, state: u64) {
        let _ = self.0.course().call(state, CALLS);
    }
}

impl Drop for Parting {
    fn drop(&mut self) {
        self.call(7);
    }
}

thread_local! {
    static PARTINGS: RefCell<Vec<Parting>> = const { RefCell::new(Vec::new()) };
}

/// Leaves a value in a thread-local of the calling thread; its destructor calls hot functions.
#[hot]
pub fn leave_value(course: &'static Course) {
    let parting = Parting::on(course);
    PARTINGS.with_borrow_mut(|partings| partings.push(parting));
}

/// Starts a thread that nobody joins, which calls hot functions at every turn until `until` and then ends, with a
/// thread-local value of its own; whether the system gave one.
#[hot]
pub fn start_thread(course: &'static Course, until: u64) -> bool {
    let traveller = Traveller::on(course);
    let run = move || {
        leave_value(course);
        roam(traveller.course(), until);
    };
    let builder = thread::Builder::new().name("hot".to_owned()).stack_size(STACK);
    builder.spawn(run).is_ok()
}

/// A thousand threads are no load on a small machine's memory.
const STACK: usize = 64 << 10;

/// Stays inside until the turn `until`, calling hot functions at every one.
#[hot]
pub fn stay(course: &'static Course, until: u64) {
    let _inside = Traveller::on(course);
    roam(course, until);
}

fn roam(course: &Course, until: u64) {
    let mut turn = course.turn();
    let mut state = turn;
    while turn < until {
        state = course.call(state, CALLS);
        turn = course.later_than(turn);
    }
}
