//! Calls from many threads, from deep inside, and from threads that are ending.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;

use liveswap_abi::gate::PinHold;
use liveswap_macros::hot;

#[hot]
fn add(total: &AtomicU64, value: u64) -> u64 {
    total.fetch_add(value, Ordering::Relaxed) + value
}

#[test]
fn sixty_four_threads_call_at_once() {
    const THREADS: u64 = 64;
    const CALLS: u64 = 500;
    let total = AtomicU64::new(0);
    let barrier = Barrier::new(usize::try_from(THREADS).unwrap());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..CALLS {
                    add(&total, 1);
                }
            });
        }
    });
    assert_eq!(total.into_inner(), THREADS * CALLS);
}

#[hot]
fn depth(left: u32) -> u32 {
    if left == 0 { 0 } else { depth(left - 1) + 1 }
}

#[test]
fn recursion_may_be_deep() {
    let builder = thread::Builder::new().stack_size(64 << 20);
    assert_eq!(builder.spawn(|| depth(20_000)).unwrap().join().unwrap(), 20_000);
}

/// Calls a hot function when its thread's locals are destroyed, and says what came out.
struct CallsAtExit(RefCell<Option<mpsc::Sender<u64>>>);

impl Drop for CallsAtExit {
    fn drop(&mut self) {
        let total = AtomicU64::new(40);
        if let Some(sender) = self.0.take() {
            let pin = crate::hot_crate().pin();
            sender.send(add(&total, 1) + add(&total, 1)).unwrap();
            drop(pin);
        }
    }
}

thread_local! {
    static AT_EXIT: CallsAtExit = const { CallsAtExit(RefCell::new(None)) };
    static PINNED: RefCell<Option<PinHold>> = const { RefCell::new(None) };
}

/// Runs a thread that calls at its end, before (`first`) or after the local that gives its record back was made.
fn called_at_exit(first: bool) -> u64 {
    let (sender, answers) = mpsc::channel();
    let thread = thread::spawn(move || {
        let total = AtomicU64::new(0);
        if !first {
            add(&total, 1);
        }
        AT_EXIT.with(|at_exit| at_exit.0.replace(Some(sender)));
        if first {
            add(&total, 1);
        }
    });
    thread.join().unwrap();
    answers.recv().unwrap()
}

#[test]
fn thread_local_destructors_call_hot_functions_before_and_after_the_record_is_given_back() {
    assert_eq!(called_at_exit(true), 83);
    assert_eq!(called_at_exit(false), 83);
}

#[test]
fn a_pin_may_outlive_the_record_s_own_local() {
    for _ in 0..3 {
        let thread = thread::spawn(|| {
            PINNED.with_borrow_mut(|pinned| *pinned = Some(crate::hot_crate().pin()));
            add(&AtomicU64::new(0), 1)
        });
        assert_eq!(thread.join().unwrap(), 1);
    }
}
