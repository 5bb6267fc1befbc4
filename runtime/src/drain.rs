//! Drain: when to look again whether an old generation is still held, and when to say so.
//!
//! Leaving a generation is one store and wakes nobody, so the owner thread looks; soon at first, then less often.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(50);
/// Until what has to stay is looked at again.
pub(crate) const RETAINED: Duration = Duration::from_millis(500);

/// The schedule of one generation that is no longer current.
#[derive(Debug, Clone)]
pub(crate) struct Drain {
    since: Instant,
    interval: Duration,
    due: Instant,
    report_after: Duration,
    report_due: Instant,
}

impl Drain {
    /// A schedule for a generation replaced `now`, which is reported as held after `report_after` and again each time
    /// it has been held for twice as long.
    #[must_use]
    pub(crate) fn new(now: Instant, report_after: Duration) -> Drain {
        Drain {
            since: now,
            interval: FIRST,
            due: now,
            report_after,
            report_due: now + report_after,
        }
    }

    /// When the generation was replaced.
    #[must_use]
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// When to look next.
    #[must_use]
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Whether to look now.
    #[must_use]
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// Takes note that the generation was still held `now`; `true` when that is worth an event.
    pub(crate) fn still_held(&mut self, now: Instant) -> bool {
        self.due = now + self.interval;
        self.interval = (self.interval * 2).min(LONGEST);
        let report = now >= self.report_due;
        if report {
            self.report_after *= 2;
            self.report_due = now + self.report_after;
        }
        report
    }

    /// Takes note that nobody is inside the generation but that it had to be retained.
    pub(crate) fn retained(&mut self, now: Instant) {
        self.due = now + RETAINED;
    }

    /// Takes note that nobody is inside the generation and that `then` more will be known of it.
    pub(crate) fn not_yet(&mut self, then: Instant) {
        self.due = then;
    }

    /// Has the generation looked at at once: a later swap happened.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.due = self.due.min(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_get_rarer_up_to_a_bound() {
        let start = Instant::now();
        let mut drain = Drain::new(start, Duration::from_secs(1));
        assert!(drain.is_due(start));
        let mut gaps = Vec::new();
        let mut now = start;
        for _ in 0..9 {
            drain.still_held(now);
            gaps.push((drain.due() - now).as_millis());
            now = drain.due();
        }
        assert_eq!(gaps, [1, 2, 4, 8, 16, 32, 50, 50, 50]);
    }

    #[test]
    fn a_long_hold_is_reported_at_doubling_times() {
        let start = Instant::now();
        let mut drain = Drain::new(start, Duration::from_millis(100));
        let reports: Vec<u64> = (0..1000_u64)
            .filter(|ms| drain.still_held(start + Duration::from_millis(*ms)))
            .collect();
        assert_eq!(reports, [100, 300, 700]);
    }

    #[test]
    fn a_later_swap_brings_the_look_forward() {
        let start = Instant::now();
        let mut drain = Drain::new(start, Duration::from_secs(1));
        drain.retained(start);
        assert!(!drain.is_due(start));
        drain.hurry(start);
        assert!(drain.is_due(start));
    }
}
