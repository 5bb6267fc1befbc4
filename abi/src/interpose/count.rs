//! Raising and lowering the counts of one generation, in the host's copy of abi.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::{DESCRIBED, Known, Left, LeftBehind, LeftKind, platform};

impl LeftBehind {
    /// Raises a count (I1); `mark` tells it from others of its kind.
    pub(super) fn raise(
        &self,
        kind: LeftKind,
        mark: usize,
        function: Option<usize>,
        leased: Option<String>,
    ) {
        self.total.raise();
        // Relaxed: for reports.
        self.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
        let thread = platform::thread_number();
        let left = Left { kind, function, thread, leased, since: Instant::now() };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < DESCRIBED {
            known.push(Known { left, mark });
        }
    }

    /// Takes note that the calling thread is the one that was counted as `mark`.
    #[allow(dead_code, reason = "where threads are not counted, nobody asks")]
    pub(super) fn is_this_thread(&self, mark: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = |known: &&mut Known| known.left.kind == LeftKind::Thread && known.mark == mark;
        if let Some(known) = known.iter_mut().find(mine) {
            known.left.thread = platform::thread_number();
        }
    }

    /// Lowers a count (I2). Whoever reads zero may free `self`, so the total goes last.
    pub(super) fn lower(&self, kind: LeftKind, mark: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &Known| known.left.kind == kind && known.mark == mark;
        // Values under one key share its mark, and a thread has one of them.
        let mine = known
            .iter()
            .position(|known| same(known) && known.left.thread == platform::thread_number());
        let gone = mine.or_else(|| known.iter().position(same)).map(|at| known.remove(at));
        drop(known);
        drop(gone);
        // Relaxed: for reports, ordered by what follows.
        self.counts[kind as usize].fetch_sub(1, Ordering::Relaxed);
        self.total.lower();
    }
}

/// Counts a lease of a value of this type, which code of the generation is making; the mark to lower it by.
pub(crate) fn raise_lease(left_behind: &'static LeftBehind, leased: &str) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // Relaxed: only that no two are equal matters.
    let mark = NEXT.fetch_add(1, Ordering::Relaxed);
    let function = platform::origin(left_behind);
    left_behind.raise(LeftKind::Lease, mark, function, Some(leased.to_owned()));
    mark
}

/// Ends the count of a lease, after its value was dropped.
pub(crate) fn lower_lease(left_behind: &'static LeftBehind, mark: usize) {
    left_behind.lower(LeftKind::Lease, mark);
}
