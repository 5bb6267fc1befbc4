//! Which thread is which, to those who have to tell them apart for as long as a state is open.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A thread, never used again for another.
pub(super) type Id = u64;

static NEXT: AtomicU64 = AtomicU64::new(1);
static NAMES: Mutex<BTreeMap<Id, String>> = Mutex::new(BTreeMap::new());

thread_local! {
    static ID: Cell<Id> = const { Cell::new(0) };
    /// Its destructor forgets the thread's name.
    static NAMED: Named = const { Named };
}

struct Named;

impl Drop for Named {
    fn drop(&mut self) {
        names().remove(&ID.get());
    }
}

/// The calling thread.
pub(super) fn id() -> Id {
    let known = ID.get();
    if known != 0 {
        return known;
    }
    // Relaxed: only that no two are equal matters.
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    ID.set(id);
    // A thread whose locals are being destroyed has no name any more.
    if NAMED.try_with(|_| ()).is_ok()
        && let Some(name) = std::thread::current().name()
    {
        names().insert(id, name.to_owned());
    }
    id
}

/// The thread's name; empty where it has none.
pub(super) fn name(id: Id) -> String {
    names().get(&id).cloned().unwrap_or_default()
}

fn names() -> std::sync::MutexGuard<'static, BTreeMap<Id, String>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}
