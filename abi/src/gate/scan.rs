//! The owner's side: who is inside a generation.

use super::Gate;
use super::record::{NAME, Record};
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
        self.records().any(|record| record.holds(dispatch).next().is_some())
    }

    /// Everything that holds `dispatch`, which a [`Gate::swap`] has replaced.
    #[must_use]
    pub fn holds(&self, dispatch: *const Dispatch) -> Vec<Hold> {
        self.records()
            .flat_map(|record| {
                record.holds(dispatch).map(|kind| Hold { kind, thread: record.thread_name() })
            })
            .collect()
    }
}

impl Record {
    /// The pin first, then the calls: the direction in which a hold can move (case 5).
    fn holds(&self, dispatch: *const Dispatch) -> impl Iterator<Item = HoldKind> {
        // Acquire pairs with the release stores of `PinHold::drop` and `protect`.
        let pinned = self.pin.load(Ordering::Acquire).cast_const() == dispatch;
        let calls = self
            .hazards
            .iter()
            // Acquire pairs with the release stores of `Hazard::clear` and `protect`.
            .filter(move |hazard| hazard.dispatch.load(Ordering::Acquire).cast_const() == dispatch)
            .map(|hazard| HoldKind::Call { slot: hazard.slot.load(Ordering::Relaxed) });
        pinned.then_some(HoldKind::Pin).into_iter().chain(calls)
    }

    fn thread_name(&self) -> String {
        let mut bytes = [0_u8; NAME];
        for (byte, cell) in bytes.iter_mut().zip(&self.name) {
            *byte = cell.load(Ordering::Relaxed);
        }
        let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(NAME);
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }
}
