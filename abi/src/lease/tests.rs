//! Leases without a runtime: what is counted, for whom, and what panics become.

#![allow(clippy::unwrap_used)]

use std::any::TypeId;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, UnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use super::{Lease, LeasedFuture, SpawnError, boxed, future, set_spawner, sized, spawn};
use crate::hot_crate::HotCrate;
use crate::interpose::{LeftBehind, LeftKind};

fn image() -> &'static HotCrate {
    Box::leak(Box::new(HotCrate::new(
        "game",
        true,
        TypeId::of::<()>(),
        &[],
        || &[],
        || &[],
        || &[],
        |_| None,
    )))
}

/// An artifact's copy of a hot crate, connected to a host's, and what is counted for it.
fn artifact() -> (&'static HotCrate, &'static LeftBehind) {
    let (artifact, host) = (image(), image());
    let left_behind: &'static LeftBehind = Box::leak(Box::new(LeftBehind::new()));
    artifact.connect(host, left_behind);
    (artifact, left_behind)
}

/// Counts how many of it were dropped, and asserts what is counted meanwhile.
struct Noted(Arc<AtomicUsize>, &'static LeftBehind);

impl Drop for Noted {
    fn drop(&mut self) {
        assert!(!self.1.is_empty(), "the count is lowered after the drop");
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_lease_is_counted_until_its_value_was_dropped() {
    let (image, left_behind) = artifact();
    let dropped = Arc::new(AtomicUsize::new(0));
    let lease = sized(image, Noted(dropped.clone(), left_behind));
    let other: Lease<dyn Fn() -> u32> = boxed(image, Box::new(|| 7));
    assert_eq!(left_behind.leases(), 2);
    let known = left_behind.known();
    assert!(known.iter().all(|left| left.kind == LeftKind::Lease));
    assert!(known[0].leased.as_deref().is_some_and(|name| name.ends_with("tests::Noted")));
    assert_eq!(known[1].leased.as_deref(), Some("dyn core::ops::function::Fn() -> u32"));
    assert_eq!(other(), 7);
    std::thread::spawn(move || drop(lease)).join().unwrap();
    assert_eq!((dropped.load(SeqCst), left_behind.leases()), (1, 1));
    assert!(!left_behind.is_empty());
    drop(other);
    assert!(left_behind.is_empty() && left_behind.known().is_empty());
}

/// Looks, while its lease is dropped, at the lease's block.
struct Looks(Arc<AtomicUsize>);

impl Drop for Looks {
    fn drop(&mut self) {
        let block = std::ptr::with_exposed_provenance::<[usize; 4]>(self.0.load(SeqCst));
        // SAFETY: the block has at least a pointer to the value, two references and a function, and is given back after this.
        let words = unsafe { block.read() };
        self.0.store(words.iter().filter(|word| **word != 0).count(), SeqCst);
    }
}

#[test]
fn a_lease_is_nothing_but_the_address_of_its_block() {
    assert_eq!(size_of::<Lease<dyn Fn() -> u32>>(), size_of::<usize>());
    let (image, _) = artifact();
    let seen = Arc::new(AtomicUsize::new(0));
    let lease = sized(image, Looks(seen.clone()));
    // SAFETY: it is the size of one word, a pointer.
    let block = unsafe { std::ptr::from_ref(&lease).cast::<*const u8>().read() };
    // SAFETY: the same block, which is in use.
    let words = unsafe { block.cast::<[usize; 4]>().read() };
    assert!(words.iter().all(|word| *word != 0), "{words:x?}");
    seen.store(block.expose_provenance(), SeqCst);
    drop(lease);
    assert_eq!(seen.load(SeqCst), 0, "words that were not overwritten");
}

#[test]
fn a_lease_of_the_host_holds_nothing_and_is_dropped() {
    let shared = Rc::new(Cell::new(1));
    let mut lease = sized(image(), shared.clone());
    lease.set(2);
    lease.call_mut(|cell| cell.set(cell.get() + 1));
    assert_eq!((shared.get(), Rc::strong_count(&shared)), (3, 2));
    drop(lease);
    assert_eq!(Rc::strong_count(&shared), 1);
}

#[test]
fn a_lease_in_a_lease_is_dropped_first() {
    let (image, left_behind) = artifact();
    let dropped = Arc::new(AtomicUsize::new(0));
    let inner = sized(image, Noted(dropped.clone(), left_behind));
    let outer: Lease<dyn Send> =
        boxed(image, Box::new((inner, Noted(dropped.clone(), left_behind))));
    assert_eq!(left_behind.leases(), 2);
    drop(outer);
    assert_eq!((dropped.load(SeqCst), left_behind.leases()), (2, 0));
}

#[test]
fn a_panic_is_raised_again_as_a_text_of_the_callers_own() {
    let (image, left_behind) = artifact();
    struct Bad(u8);
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("bad {}", self.0);
        }
    }
    let mut lease = sized(image, Bad(3));
    let payload = catch_unwind(AssertUnwindSafe(|| lease.call(|_| panic!("literal")))).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"literal"));
    let own = AssertUnwindSafe(|| lease.call_mut(|_| std::panic::panic_any(7_u8)));
    let payload = catch_unwind(own).unwrap_err();
    let text = payload.downcast_ref::<&str>().unwrap();
    assert_eq!(*text, "panic with a payload of the hot crate's own type");
    let payload = catch_unwind(AssertUnwindSafe(|| drop(lease))).unwrap_err();
    assert_eq!(payload.downcast_ref::<String>().unwrap(), "bad 3");
    assert!(left_behind.is_empty(), "also after a panic");
}

#[test]
fn what_a_value_can_do_its_lease_can() {
    let (image, left_behind) = artifact();
    let numbers: Lease<dyn Iterator<Item = u32>> = boxed(image, Box::new(1..=9));
    assert_eq!(numbers.size_hint(), (9, Some(9)));
    assert_eq!(numbers.skip(1).step_by(3).collect::<Vec<_>>(), [2, 5, 8]);
    let mut ends = sized(image, vec![1, 2, 3].into_iter());
    assert_eq!((ends.len(), ends.next_back(), ends.nth(1)), (3, Some(3), Some(2)));
    let text = sized(image, "text".to_owned());
    assert_eq!(format!("{text} {text:?} {}", text.len()), "text \"text\" 4");
    assert_eq!(text.as_ref().as_str(), "text");
    drop((ends, text));
    assert!(left_behind.is_empty());
}

#[test]
fn a_future_is_polled_to_its_end() {
    let (image, left_behind) = artifact();
    let kept = "12".to_owned();
    let mut turns = 0;
    let mut lease = future(image, async move {
        std::future::poll_fn(|_| {
            turns += 1;
            if turns == 3 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        kept.len()
    });
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(Pin::new(&mut lease).poll(&mut context), Poll::Pending);
    let mut moved = lease;
    assert_eq!(Pin::new(&mut moved).poll(&mut context), Poll::Pending);
    assert_eq!(Pin::new(&mut moved).poll(&mut context), Poll::Ready(2));
    drop(moved);
    assert!(left_behind.is_empty());
}

#[test]
fn a_future_is_given_to_whoever_spawns() {
    let (image, left_behind) = artifact();
    assert_eq!(spawn(image, async {}), Err(SpawnError::NoSpawner));
    assert!(left_behind.is_empty());
    set_spawner(|future| {
        let mut context = Context::from_waker(Waker::noop());
        let mut future = future;
        assert_eq!(Pin::new(&mut future).poll(&mut context), Poll::Ready(()));
    });
    let done = Arc::new(AtomicUsize::new(0));
    let task = done.clone();
    let work = async move {
        task.fetch_add(1, SeqCst);
    };
    assert_eq!(spawn(image, work), Ok(()));
    assert_eq!(done.load(SeqCst), 1);
    set_spawner(|_| panic!("no executor"));
    assert_eq!(spawn(image, async {}), Err(SpawnError::Panicked));
    assert!(left_behind.is_empty());
}

#[test]
fn a_lease_can_go_where_a_box_can() {
    fn goes<T: Send + Sync + Unpin + UnwindSafe>() {}
    fn moves<T: Send + Unpin>() {}
    goes::<Lease<u32>>();
    goes::<Lease<dyn Fn() + Send + Sync + UnwindSafe>>();
    moves::<LeasedFuture<u32>>();
    moves::<Lease<Cell<u32>>>();
}
