//! Raising and lowering the counts of one generation, in the host's copy of abi.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::{DESCRIBED, Left, LeftBehind, LeftKind, platform};

/// [`Left`] as it is kept: without room for what is not there, which would keep what was in that memory before. A
/// search of the program's memory would take it for a pointer into whatever is there by then.
#[derive(Debug)]
pub(super) struct Known {
    kind: LeftKind,
    function: usize,
    thread: u32,
    leased: String,
    since: Instant,
    /// Tells it from others of its kind; the inverse, which leads nowhere: an entry that was taken out leaves its own behind.
    mark: usize,
}

/// Stands for no function.
const NO_FUNCTION: usize = usize::MAX;

impl Known {
    /// Makes room for as many as are described, and has what was in that memory before overwritten.
    pub(super) fn make_room(list: &mut Vec<Known>) {
        let blank = || Known {
            kind: LeftKind::Thread,
            function: NO_FUNCTION,
            thread: 0,
            leased: String::new(),
            since: Instant::now(),
            mark: 0,
        };
        let used = list.len();
        list.resize_with(used.max(DESCRIBED), blank);
        list.truncate(used);
    }

    pub(super) fn of(left: Left, mark: usize) -> Known {
        let Left { kind, function, thread, leased, since } = left;
        let function = function.unwrap_or(NO_FUNCTION);
        Known { kind, function, thread, leased: leased.unwrap_or_default(), since, mark: !mark }
    }

    fn is(&self, mark: usize) -> bool {
        self.mark == !mark
    }

    pub(super) fn left(&self) -> Left {
        Left {
            kind: self.kind,
            function: (self.function != NO_FUNCTION).then_some(self.function),
            thread: self.thread,
            leased: (self.kind == LeftKind::Lease).then(|| self.leased.clone()),
            since: self.since,
        }
    }
}

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
            known.push(Known::of(left, mark));
        }
    }

    /// Takes note that the calling thread is the one that was counted as `mark`.
    #[allow(dead_code, reason = "where threads are not counted, nobody asks")]
    pub(super) fn is_this_thread(&self, mark: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = |known: &&mut Known| known.kind == LeftKind::Thread && known.is(mark);
        if let Some(known) = known.iter_mut().find(mine) {
            known.thread = platform::thread_number();
        }
    }

    /// Lowers a count (I2). Whoever reads zero may free `self`, so the total goes last.
    pub(super) fn lower(&self, kind: LeftKind, mark: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &Known| known.kind == kind && known.is(mark);
        // Values under one key share its mark, and a thread has one of them.
        let mine =
            known.iter().position(|known| same(known) && known.thread == platform::thread_number());
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
