//! The gate with real threads and tables that are really freed, which is what Miri watches.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;

use super::record::HAZARDS;
use super::{Claim, Gate, Hold, HoldKind, PinHold};
use crate::dispatch::{Dispatch, Target};

/// The owner's side of a gate: makes tables and frees them when nobody is inside.
struct Owner {
    gate: &'static Gate,
    current: *mut Dispatch,
    number: u64,
    old: Vec<*mut Dispatch>,
}

static CODE: [u8; 8] = [0; 8];

impl Owner {
    fn new(gate: &'static Gate) -> Owner {
        let mut owner = Owner { gate, current: std::ptr::null_mut(), number: 0, old: Vec::new() };
        owner.swap();
        owner
    }

    /// Publishes the next table, whose only target tells its number.
    fn swap(&mut self) -> u64 {
        self.number += 1;
        let target: Target = (&raw const CODE[usize::try_from(self.number % 8).unwrap()]).cast();
        let next = Box::into_raw(Dispatch::new(self.number, vec![target]));
        // SAFETY: freed only by `free`, when nobody is inside.
        let (_, fenced) = self.gate.swap(unsafe { &*next });
        fenced.unwrap();
        self.old.push(std::mem::replace(&mut self.current, next));
        self.old.retain(|old| !old.is_null());
        self.number
    }

    /// Frees what nobody is inside and says how much is left.
    fn free(&mut self) -> usize {
        let gate = self.gate;
        for old in self.old.extract_if(.., |old| !gate.is_held(*old)) {
            // SAFETY: made by `Box::into_raw`, replaced, and nobody is inside.
            drop(unsafe { Box::from_raw(old) });
        }
        self.old.len()
    }

    fn holds(&self, at: usize) -> Vec<HoldKind> {
        self.gate.holds(self.old[at]).into_iter().map(|hold| hold.kind).collect()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.swap();
        self.current = std::ptr::null_mut();
        if !thread::panicking() {
            assert_eq!(self.free(), 0, "everybody left");
        }
    }
}

fn check(dispatch: &Dispatch) -> u64 {
    let number = dispatch.generation();
    let target: Target = (&raw const CODE[usize::try_from(number % 8).unwrap()]).cast();
    assert_eq!(dispatch.target(0), Some(target));
    number
}

fn records(gate: &Gate) -> usize {
    gate.records().count()
}

#[test]
fn callers_in_a_storm_of_swaps_use_only_live_tables() {
    static GATE: Gate = Gate::new();
    const SWAPS: u64 = if cfg!(miri) { 20 } else { 2000 };
    let mut owner = Owner::new(&GATE);
    let (ended, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let all_claimed = Barrier::new(3);
    thread::scope(|scope| {
        let callers = [(); 3].map(|()| {
            scope.spawn(|| {
                let claim = GATE.claim();
                all_claimed.wait();
                let mut newest = 0;
                while !ended.load(Ordering::Relaxed) {
                    let outer = claim.enter(0).unwrap();
                    let before = check(outer.dispatch());
                    let inner = claim.enter_nested(0);
                    let after = check(inner.dispatch());
                    assert!(newest <= before && before <= after);
                    newest = after;
                    inner.leave();
                    check(outer.dispatch());
                    outer.leave();
                    calls.fetch_add(1, Ordering::Relaxed);
                }
                claim.release();
            })
        });
        let well = || callers.iter().all(|caller| !caller.is_finished());
        while well() && (owner.number < SWAPS || calls.load(Ordering::Relaxed) < 3) {
            owner.swap();
            owner.free();
            thread::yield_now();
        }
        ended.store(true, Ordering::Relaxed);
        for caller in callers {
            caller.join().unwrap();
        }
    });
    assert_eq!(owner.free(), 0);
    assert_eq!(records(&GATE), 3);
}

#[test]
fn calls_nest_deeper_than_a_record_has_room() {
    static GATE: Gate = Gate::new();
    const DEPTH: usize = HAZARDS + 3;
    // The thread's own, one a level that it has no room for, and one for the calls made from the deepest before that.
    const RECORDS: usize = 1 + (DEPTH - HAZARDS) + 1;
    let mut owner = Owner::new(&GATE);
    let claim = GATE.claim();
    let outer = claim.enter(100).unwrap();
    let mut nested = Vec::new();
    for depth in 1..DEPTH {
        assert_eq!(claim.enter(0).map(|_| ()), None, "inside already");
        owner.swap();
        let covered = claim.enter_nested(0);
        let inside = claim.enter_nested(0);
        assert_eq!(check(inside.dispatch()), owner.number);
        inside.leave();
        covered.leave();
        nested.push((owner.number, claim.enter_nested(depth)));
    }
    owner.swap();
    assert_eq!(owner.free(), DEPTH, "each level holds its own");
    assert_eq!(records(&GATE), RECORDS);
    assert_eq!(owner.holds(0), [HoldKind::Call { slot: 100 }]);
    for (level, (number, call)) in nested.into_iter().enumerate().rev() {
        assert_eq!(check(call.dispatch()), number);
        assert_eq!(owner.holds(level + 1), [HoldKind::Call { slot: level + 1 }]);
        call.leave();
        assert_eq!(owner.free(), level + 1);
    }
    assert_eq!(check(outer.dispatch()), 1);
    outer.leave();
    assert_eq!(owner.free(), 0);
    assert_eq!(records(&GATE), RECORDS);
}

#[test]
fn a_call_inside_the_newest_generation_is_covered_by_the_outer_one() {
    static GATE: Gate = Gate::new();
    let mut owner = Owner::new(&GATE);
    let claim = GATE.claim();
    let outer = claim.enter(1).unwrap();
    let calls: Vec<_> = (0..HAZARDS * 2).map(|slot| claim.enter_nested(slot)).collect();
    owner.swap();
    assert_eq!(owner.holds(0), [HoldKind::Call { slot: 1 }]);
    for call in calls.into_iter().rev() {
        call.leave();
    }
    assert_eq!(owner.free(), 1);
    outer.leave();
    assert_eq!((owner.free(), records(&GATE)), (0, 1));
}

#[test]
fn a_pin_decides_for_its_thread_until_the_last_one_drops() {
    static GATE: Gate = Gate::new();
    let mut owner = Owner::new(&GATE);
    let claim = GATE.claim();
    let call = |claim: Claim| {
        let entered = claim.enter_nested(0);
        let number = check(entered.dispatch());
        entered.leave();
        number
    };
    let first = claim.pin();
    owner.swap();
    let second = claim.pin();
    assert_eq!((first.generation(), second.generation(), call(claim)), (1, 1, 1));
    assert_eq!(owner.holds(0), [HoldKind::Pin]);
    drop(first);
    assert_eq!((second.generation(), call(claim)), (1, 1));
    let entered = claim.enter_nested(0);
    drop(second);
    assert_eq!(check(entered.dispatch()), 1, "a call goes on where it is");
    assert_eq!(call(claim), 2, "the next one does not");
    assert_eq!(owner.holds(0), [HoldKind::Call { slot: 0 }]);
    entered.leave();
    assert_eq!(owner.free(), 0);
    assert_eq!(GATE.generation(), 2);
}

#[test]
fn a_thread_can_be_pinned_to_a_table_that_is_no_longer_current() {
    static GATE: Gate = Gate::new();
    let mut owner = Owner::new(&GATE);
    owner.swap();
    let claim = GATE.claim();
    // SAFETY: this thread is the owner, which frees nothing before it is told to.
    let pin = claim.pin_to(unsafe { &*owner.old[0] });
    assert_eq!(pin.generation(), 1);
    let entered = claim.enter(0).unwrap();
    assert_eq!(check(entered.dispatch()), 1, "calls go where the pin says");
    let nested = claim.enter_nested(0);
    assert_eq!(check(nested.dispatch()), 1);
    nested.leave();
    entered.leave();
    assert_eq!(owner.free(), 1, "the pin holds it");
    drop(pin);
    assert_eq!(owner.free(), 0);
}

#[test]
fn records_are_handed_on_but_not_while_they_hold() {
    static GATE: Gate = Gate::new();
    let mut owner = Owner::new(&GATE);
    let first = GATE.claim();
    first.release();
    let second = GATE.claim();
    assert_eq!(records(&GATE), 1);
    let pin = second.pin();
    second.release();
    let third = GATE.claim();
    assert_eq!(records(&GATE), 2, "a pin is left in the first");
    owner.swap();
    assert_eq!(owner.free(), 1);
    drop(pin);
    let fourth = GATE.claim();
    assert_eq!((owner.free(), records(&GATE)), (0, 2), "and went with it");
    third.release();
    fourth.release();

    let pin = GATE.claim().pin_once();
    assert_eq!((pin.generation(), GATE.generation()), (2, 2));
    owner.swap();
    assert_eq!((pin.generation(), GATE.generation()), (2, 3));
    drop(pin);
    let once = GATE.claim().enter_once(0);
    assert_eq!(check(once.dispatch()), 3);
    once.leave();
    assert_eq!(records(&GATE), 2);
}

#[test]
fn holds_say_who() {
    static GATE: Gate = Gate::new();
    let mut owner = Owner::new(&GATE);
    let (inside, told) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let long = "a name that is longer than a record keeps of it";
    thread::scope(|scope| {
        scope.spawn(move || {
            let claim = GATE.claim();
            claim.set_name(long);
            let pin = claim.pin();
            let entered = claim.enter(9).unwrap();
            inside.send(()).unwrap();
            // An error means that the test failed elsewhere.
            let _ = left.recv();
            entered.leave();
            drop(pin);
        });
        told.recv().unwrap();
        owner.swap();
        let hold = |kind| Hold { kind, thread: long[..32].to_owned() };
        let expected = [hold(HoldKind::Pin), hold(HoldKind::Call { slot: 9 })];
        assert_eq!(GATE.holds(owner.old[0]), expected);
        leave.send(()).unwrap();
    });
    assert_eq!(owner.free(), 0);
}

#[test]
fn what_belongs_to_a_thread_stays_there() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Gate>();
    is_shared::<Dispatch>();

    /// Ambiguous, and so no longer inferred, for types that are `Send` or `Sync`.
    trait Neither<Marker> {
        fn holds() {}
    }
    struct IsSend;
    struct IsSync;
    impl<T: ?Sized> Neither<()> for T {}
    impl<T: ?Sized + Send> Neither<IsSend> for T {}
    impl<T: ?Sized + Sync> Neither<IsSync> for T {}
    <Claim as Neither<_>>::holds();
    <PinHold as Neither<_>>::holds();
}
