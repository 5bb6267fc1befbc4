//! The owner's side: who is inside a generation.

use super::Gate;
use super::record::{NAME, Record, this_thread};
use crate::dispatch::Dispatch;
use crate::sync::Ordering;

/// What a thread does inside a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldKind {
    /// A call of the function in this slot (the outermost one that holds the generation).
    Call {
        /// The function's slot in the dispatch tables.
        slot: usize,
    },
    /// A pin.
    Pin,
}

/// One hold that the gate counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Call or pin.
    pub kind: HoldKind,
    /// The thread's name when it first called into the crate; empty where it had none.
    pub thread: String,
}

impl Gate {
    /// Whether any thread is inside `dispatch`, which a [`Gate::swap`] has replaced.
    #[must_use]
    pub fn is_held(&self, dispatch: *const Dispatch) -> bool {
        // The order is the direction in which a hold can move (case 5).
        self.records().any(|record| record.is_pinned_to(dispatch))
            || self.records().any(|record| record.calls(dispatch).next().is_some())
    }

    /// Everything that holds `dispatch`, which a [`Gate::swap`] has replaced.
    #[must_use]
    pub fn holds(&self, dispatch: *const Dispatch) -> Vec<Hold> {
        let pins = self.records().filter(|record| record.is_pinned_to(dispatch));
        let mut holds: Vec<Hold> = pins.map(|record| record.hold(HoldKind::Pin)).collect();
        // Collected before the calls are looked at (case 5).
        for record in self.records() {
            holds.extend(record.calls(dispatch).map(|slot| record.hold(HoldKind::Call { slot })));
        }
        holds
    }

    /// The slot of the calling thread's outermost call that holds `dispatch`; `None` where it is not inside it.
    #[allow(dead_code, reason = "where nothing is counted, nobody asks")]
    pub(crate) fn call_of_this_thread(&self, dispatch: *const Dispatch) -> Option<usize> {
        let thread = this_thread();
        self.records()
            // Relaxed: stored by this thread, if it is its own. A record that an earlier thread with the same address
            // forgot a pin in has no calls.
            .filter(|record| record.thread.load(Ordering::Relaxed) == thread)
            .find_map(|record| record.calls(dispatch).next())
    }
}

impl Record {
    fn is_pinned_to(&self, dispatch: *const Dispatch) -> bool {
        // Acquire pairs with the release stores of `PinHold::drop` and `protect`.
        self.pin.load(Ordering::Acquire).cast_const() == dispatch
    }

    /// The slots of the calls inside `dispatch`, outermost first.
    fn calls(&self, dispatch: *const Dispatch) -> impl Iterator<Item = usize> {
        self.hazards
            .iter()
            // Acquire pairs with the release stores of `Hazard::clear` and `protect`.
            .filter(move |hazard| hazard.dispatch.load(Ordering::Acquire).cast_const() == dispatch)
            // Relaxed: stored before the table (release), read after it (acquire); by now it may be a later call's.
            .map(|hazard| hazard.slot.load(Ordering::Relaxed))
    }

    fn hold(&self, kind: HoldKind) -> Hold {
        Hold { kind, thread: self.thread_name() }
    }

    fn thread_name(&self) -> String {
        let mut bytes = [0_u8; NAME];
        for (byte, cell) in bytes.iter_mut().zip(&self.name) {
            // Relaxed: a name is for reports.
            *byte = cell.load(Ordering::Relaxed);
        }
        let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(NAME);
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }
}
