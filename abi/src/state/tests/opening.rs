//! Who may open what, and who has to wait.

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::super::{OpenError, StateOps};
use super::super::{OpenFailure, State};
use super::{carry, desk, generation};

fn why(error: &OpenError) -> OpenFailure {
    error.why()
}

#[test]
fn handles_cross_threads_and_need_no_sync_of_the_value() {
    fn crosses<T: Send + Sync>() {}
    crosses::<State<std::cell::Cell<u32>>>();
}

#[test]
fn a_value_is_changed_by_one_and_looked_at_by_many() {
    let state = State::new(5_u32);
    assert_eq!(state.with(|value| std::mem::replace(value, 6)), Ok(5));
    let (first, second) = (state.look().unwrap(), state.look().unwrap());
    assert_eq!((*first, *second), (6, 6));
    assert_eq!(why(&state.open().unwrap_err()), OpenFailure::AlreadyOpen);
    drop((first, second));
    let opened = state.open().unwrap();
    assert_eq!(why(&state.look().unwrap_err()), OpenFailure::AlreadyOpen);
    assert_eq!(format!("{opened:?} {state:?}"), "6 State<u32>");
}

#[test]
fn threads_take_turns() {
    let state = Arc::new(State::new(0_u64));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let state = Arc::clone(&state);
            std::thread::spawn(move || {
                for _ in 0..1000 {
                    state.with(|value| *value += 1).unwrap();
                    assert!(*state.look().unwrap() > 0);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*state.look().unwrap(), 8000);
}

#[test]
fn a_panic_closes_the_state_and_keeps_what_was_done() {
    let state = State::new(1_u32);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        state.with(|value| {
            *value = 2;
            panic!("in the middle");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(*state.look().unwrap(), 2);
}

#[test]
fn threads_that_would_wait_for_each_other_hear_of_it() {
    let states = Arc::new((State::new('a'), State::new('b')));
    let both = Arc::new(Barrier::new(2));
    let other = {
        let (states, both) = (Arc::clone(&states), Arc::clone(&both));
        std::thread::spawn(move || {
            let _b = states.1.open().unwrap();
            both.wait();
            states.0.open().map(drop)
        })
    };
    let a = states.0.open().unwrap();
    both.wait();
    let mine = states.1.open().map(drop);
    drop(a);
    let others = other.join().unwrap();
    let circles = [mine, others].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert_eq!(circles.len(), 1, "exactly one of the two gives way");
    assert_eq!(why(&circles[0]), OpenFailure::Circle);
}

static OLD: StateOps = StateOps::of::<u32>();
static NEW: StateOps = StateOps::of::<u32>();

#[test]
fn while_a_state_is_frozen_only_who_has_one_open_goes_on() {
    let desk = desk();
    let slots = [7_u32, 8].map(|value| desk.admit(&OLD, super::super::ops::boxed(value), None));
    let (opened, is_open) = mpsc::channel();
    let (go_on, told) = mpsc::channel::<()>();
    let inside = std::thread::Builder::new().name("inside".into());
    let inside = inside.spawn(move || {
        desk.open(slots[0], Some(&OLD), true).unwrap();
        opened.send(()).unwrap();
        told.recv().unwrap();
        // Frozen, but this thread has to be able to finish.
        desk.open(slots[1], Some(&OLD), true).unwrap();
        desk.close(slots[1], true);
        desk.close(slots[0], true);
    });
    let inside = inside.unwrap();
    is_open.recv().unwrap();
    let carrying = std::thread::spawn(move || carry(desk, generation(&NEW, 1)).map(|_| ()));
    while !desk.lock().entries.iter().flatten().all(|entry| entry.frozen) {
        std::thread::yield_now();
    }
    let (entered, has_entered) = mpsc::channel();
    let outside = std::thread::spawn(move || {
        desk.open(slots[1], Some(&OLD), true).unwrap();
        entered.send(()).unwrap();
        desk.close(slots[1], true);
    });
    assert_eq!(
        has_entered.recv_timeout(Duration::from_millis(50)),
        Err(mpsc::RecvTimeoutError::Timeout)
    );
    go_on.send(()).unwrap();
    inside.join().unwrap();
    // What was made is given up again, so the one outside finds the layout that it knows.
    assert_eq!(carrying.join().unwrap(), Ok(()));
    has_entered.recv().unwrap();
    outside.join().unwrap();
}

#[test]
fn a_dropped_state_runs_its_destructor_once_and_raises_its_panic() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Loud(bool);
    impl Drop for Loud {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            assert!(!self.0, "loud");
        }
    }
    // SAFETY: a bool, and nothing depends on the description here.
    unsafe impl crate::layout::Layout for Loud {
        const EXTENT: Option<(usize, usize)> = Some((1, 1));
        fn describe(describer: &mut crate::layout::Describer<'_>) {
            describer.part::<bool>("");
        }
    }
    drop(State::new(Loud(false)));
    let loud = State::new(Loud(true));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(loud)));
    let payload = panicked.unwrap_err();
    assert_eq!(payload.downcast_ref::<String>().map(String::as_str), Some("loud"));
    assert_eq!(DROPPED.load(Ordering::Relaxed), 2);
}

#[test]
fn a_value_is_written_by_one_thread_at_a_time() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static WRITING: AtomicU32 = AtomicU32::new(0);
    #[derive(serde::Deserialize)]
    struct Alone(std::cell::Cell<u8>);
    impl serde::Serialize for Alone {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            // Relaxed: one location, of which only the count matters.
            assert_eq!(WRITING.fetch_add(1, Ordering::Relaxed), 0, "two threads write at once");
            std::thread::yield_now();
            self.0.set(self.0.get().wrapping_add(1));
            WRITING.fetch_sub(1, Ordering::Relaxed);
            serializer.serialize_u8(self.0.get())
        }
    }
    // SAFETY: a byte, and nothing depends on the description here.
    unsafe impl crate::layout::Layout for Alone {
        const EXTENT: Option<(usize, usize)> = Some((1, 1));
        fn describe(describer: &mut crate::layout::Describer<'_>) {
            describer.part::<u8>("");
        }
    }
    let state = State::new(Alone(0.into()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..100).for_each(|_| drop(state.write().unwrap())));
        }
    });
    assert_eq!(state.write().unwrap().bytes, state_of(201));
}

/// A byte as it is written.
fn state_of(value: u8) -> Vec<u8> {
    State::new(value).write().unwrap().bytes
}

#[test]
fn a_state_whose_values_may_point_into_code_is_remembered() {
    let desk = desk();
    let admit = |ops: &'static StateOps, value| desk.admit(ops, value, None);
    static PLAIN: StateOps = StateOps::of::<Vec<u32>>();
    static POINTS: StateOps = StateOps::of::<std::collections::HashMap<u32, u32>>();
    let plain = admit(&PLAIN, crate::state::ops::boxed(vec![1_u32]));
    assert_eq!(desk.lock().pointing, None);
    let empty = std::collections::HashMap::<u32, u32>::new();
    let points = admit(&POINTS, crate::state::ops::boxed(empty));
    desk.forget_layouts();
    assert_eq!(desk.end(points), Ok(()));
    assert_eq!(desk.end(plain), Ok(()));
    // Another generation may have taken it over meanwhile.
    assert_eq!(desk.lock().pointing.as_deref(), Some(POINTS.name()));
}
