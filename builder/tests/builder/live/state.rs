//! What host and hot crate share: a dependency of both, with statics and a thread-local.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};

thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

static DROPPED: AtomicU32 = AtomicU32::new(0);
static IS_OVER: Mutex<bool> = Mutex::new(false);
static OVER: Condvar = Condvar::new();

/// Counts up the calling thread's own number.
pub fn count() -> u32 {
    COUNT.with(|count| {
        count.set(count.get() + 1);
        count.get()
    })
}

/// Notes that a thread-local of the hot crate was destroyed.
pub fn dropped() {
    DROPPED.fetch_add(1, Ordering::SeqCst);
}

/// How many were.
pub fn all_dropped() -> u32 {
    DROPPED.load(Ordering::SeqCst)
}

/// Keeps the calling thread until `end` is called.
pub fn wait_for_the_end() {
    let is_over = IS_OVER.lock().unwrap();
    drop(OVER.wait_while(is_over, |is_over| !*is_over).unwrap());
}

/// Lets go of every thread in `wait_for_the_end`.
pub fn end() {
    *IS_OVER.lock().unwrap() = true;
    OVER.notify_all();
}
