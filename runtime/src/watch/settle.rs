//! Decides when a file that is being written may be taken: a pure machine with no clock of its own.
//!
//! There is no fixed debounce. What counts is whether a writer may still be there:
//!
//! | what was seen | what it takes to settle |
//! |---|---|
//! | closed by its writer, renamed over, linked | one look that finds it whole |
//! | written, by a writer whose closing will be seen | that closing; without it, a long quiet time |
//! | changed, no more is known | two equal looks a short quiet time apart, both whole |
//!
//! Where only time speaks for a writer's being gone, the system is asked as well, if it knows: one that is there and
//! pauses is waited for, however long.
//!
//! A file that stays broken with nobody writing to it is given up, once, with the reason; the next
//! touch begins anew.

use std::time::{Duration, Instant};

use super::{Look, Touch};
use crate::error::Unfinished;

/// Between two questions whether a writer that was found there is still there.
const WRITER_AGAIN: Duration = Duration::from_millis(100);

/// How long the machine waits where it has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between the two equal looks where nothing says that the writer is gone.
    pub quiet: Duration,
    /// Without any event, for a file whose writer was never seen to close it.
    pub unclosed: Duration,
    /// Until a broken file is given up whose writer is known to be gone.
    pub broken: Duration,
    /// Until a broken file is given up whose writer may still be there.
    pub broken_unclosed: Duration,
}

impl Timing {
    /// Timing for notices that come from the system.
    pub const NATIVE: Timing = Timing {
        quiet: Duration::from_millis(15),
        unclosed: Duration::from_millis(500),
        broken: Duration::from_millis(250),
        broken_unclosed: Duration::from_secs(5),
    };

    /// Timing for a watcher that polls: the quiet time is one of its intervals.
    pub fn polling(interval: Duration) -> Timing {
        Timing { quiet: interval.max(Timing::NATIVE.quiet), ..Timing::NATIVE }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing, until the next touch.
    Nothing,
    /// Look at the file at that moment, or at once if it has passed, and hand in the look.
    LookAgainAt(Instant),
    /// The file is whole and no writer is left: take it.
    Settled(Look),
    /// The file is broken, and nothing will happen to it any more: report what is missing.
    GivenUp(Look),
}

/// The machine: touches and looks go in, decisions come out.
#[derive(Debug)]
pub struct Settle {
    timing: Timing,
    pending: Option<Pending>,
    /// What was last decided about, so that a look without a cause does not decide it twice.
    decided: Option<Look>,
}

#[derive(Debug)]
struct Pending {
    cause: Cause,
    /// When the last touch came.
    touched: Instant,
    due: Instant,
    /// The last look, and since when it has been the same.
    seen: Option<(Look, Instant)>,
}

/// What the last telling touch says about a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// No writer is left, and there was one.
    WriterGone,
    /// No writer was seen at all; the content may well be the same.
    NoWriter,
    /// A name appeared: by link, or by a writer that has yet to close it.
    Appeared,
    /// A writer was seen and has not closed the file.
    Writing,
    /// Something changed, or is there at the start.
    Unknown,
}

impl Settle {
    /// A machine that knows nothing of the file yet.
    pub fn new(timing: Timing) -> Self {
        Settle { timing, pending: None, decided: None }
    }

    /// Changes the timing, for a watcher that had to fall back to polling.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// When the next look is due, if one is.
    pub fn due(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.due)
    }

    /// Forgets what was decided, so that the same file is decided about once more when next seen.
    pub fn forget(&mut self) {
        self.decided = None;
    }

    /// Takes note that the file was touched.
    pub fn touched(&mut self, touch: Touch, now: Instant) -> Decision {
        let before = self.pending.as_ref().map(|pending| pending.cause);
        let (cause, due) = match (touch, before) {
            (Touch::Removed, _) => {
                self.pending = None;
                return Decision::Nothing;
            }
            (Touch::Closed | Touch::Replaced, _) => (Cause::WriterGone, now),
            (Touch::Created, _) => (Cause::Appeared, now),
            (Touch::Written, _) => (Cause::Writing, now + self.timing.unclosed),
            // These say less than what is already known.
            (Touch::Attributes, Some(_))
            | (Touch::Changed, Some(Cause::Writing | Cause::Appeared)) => return self.next(),
            (Touch::Attributes, None) => (Cause::NoWriter, now),
            (Touch::Changed, _) => (Cause::Unknown, now),
        };
        let seen = self.pending.take().and_then(|pending| pending.seen);
        self.pending = Some(Pending { cause, touched: now, due, seen });
        Decision::LookAgainAt(due)
    }

    /// Judges a look that was taken at `now`; `None` means that the file is not there.
    ///
    /// `writer_is_there` is asked only where nothing but time says that no writer is left.
    pub fn looked(
        &mut self,
        look: Option<Look>,
        now: Instant,
        writer_is_there: impl FnOnce() -> bool,
    ) -> Decision {
        let Some(mut pending) = self.pending.take() else { return Decision::Nothing };
        let Some(look) = look else { return Decision::Nothing };
        if pending.cause == Cause::Appeared {
            let linked = look.links > 1 && look.is_complete();
            pending.cause = if linked { Cause::WriterGone } else { Cause::Writing };
        }
        let same_since = match pending.seen.take() {
            Some((seen, since)) if seen.same_content(&look) => since,
            _ => now,
        };
        let quiet_at = match pending.cause {
            Cause::WriterGone | Cause::NoWriter | Cause::Appeared => now,
            Cause::Writing => {
                (pending.touched + self.timing.unclosed).max(same_since + self.timing.quiet)
            }
            Cause::Unknown => same_since + self.timing.quiet,
        };
        let no_writer = matches!(pending.cause, Cause::WriterGone | Cause::NoWriter)
            || matches!(look.shape, Err(Unfinished::NotAFile { .. }));
        let give_up_at = if no_writer {
            same_since + self.timing.broken
        } else {
            same_since.max(pending.touched) + self.timing.broken_unclosed
        };
        let complete = look.is_complete();
        let end = if complete { quiet_at } else { give_up_at };
        if now >= end {
            if no_writer || !writer_is_there() {
                return self.decide(look, pending.cause);
            }
            let (cause, due) = (Cause::Writing, now + WRITER_AGAIN);
            self.pending = Some(Pending { cause, due, seen: Some((look, same_since)), ..pending });
            return Decision::LookAgainAt(due);
        }
        // A broken file may become whole without another event, where events are few.
        let due = if complete { end } else { end.min(quiet_at.max(now + self.timing.quiet)) };
        self.pending = Some(Pending { due, seen: Some((look, same_since)), ..pending });
        Decision::LookAgainAt(due)
    }

    fn decide(&mut self, look: Look, cause: Cause) -> Decision {
        // Only where a writer was seen can an equal look hide another content: a file system's
        // clock may stand still between two writes.
        let writer_seen = matches!(cause, Cause::WriterGone | Cause::Writing);
        if !writer_seen && self.decided.as_ref().is_some_and(|last| last.same_content(&look)) {
            return Decision::Nothing;
        }
        self.decided = Some(look.clone());
        if look.is_complete() { Decision::Settled(look) } else { Decision::GivenUp(look) }
    }

    fn next(&self) -> Decision {
        self.due().map_or(Decision::Nothing, Decision::LookAgainAt)
    }
}

#[cfg(test)]
mod tests;
