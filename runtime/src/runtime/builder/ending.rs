//! Settings of how old generations end.

use std::time::Duration;

use super::Builder;

impl Builder {
    /// Makes the code of a generation that nothing is known to hold inaccessible for this long before it is unloaded; two
    /// seconds unless told otherwise, and not at all (zero) in builds without debug assertions.
    ///
    /// A call of it meanwhile, by a pointer that somebody kept, is noticed: the program goes on, and the generation is
    /// [`Retained`](crate::Retirement::Retained) for ever, with the function that was called, the thread, and who may have
    /// called it. At most eight generations are in quarantine; the oldest leaves it when there are more. Only on Linux: the
    /// runtime installs a handler of `SIGSEGV` there when the first quarantine begins, which passes on what is not its own to
    /// whichever handler was there. Elsewhere nothing is noticed.
    #[must_use]
    pub fn quarantine(mut self, time: Duration) -> Builder {
        self.settings.protections.quarantine = time;
        self
    }

    /// Judges a shared artifact by what it imports before it is unloaded, as always unless told otherwise. Without it,
    /// whatever such a generation registered with a dependency is found by the steps after it, or not at all.
    #[doc(hidden)]
    #[must_use]
    pub fn judge_imports(mut self, judge: bool) -> Builder {
        self.settings.protections.judge_imports = judge;
        self
    }

    /// Whether the program's memory is searched for pointers into a generation before that is unloaded; no, unless told
    /// otherwise. Only on Linux is there such a search.
    ///
    /// A thread of its own does it, after each swap, and nobody waits for it. A generation into which something points stays
    /// [`Retained`](crate::Retirement::Retained), with what points where, until the pointer is gone. Memory that is used
    /// again before all of it was written to may still hold old addresses, which keep a generation that nobody can reach.
    #[must_use]
    pub fn scan_memory(mut self, scan: bool) -> Builder {
        self.settings.protections.scan = scan;
        self
    }
}
