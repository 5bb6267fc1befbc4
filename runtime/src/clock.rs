//! Where time comes from, so that everything that waits can be tested without waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A source of the present moment.
pub trait Clock {
    /// The present moment. It never goes back.
    fn now(&self) -> Instant;
}

/// The monotonic clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that moves only when it is told to.
///
/// # Examples
///
/// ```
/// use liveswap::clock::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3));
/// assert_eq!(clock.now() - before, Duration::from_secs(3));
/// ```
#[derive(Debug)]
pub struct ManualClock {
    start: Instant,
    elapsed_nanos: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at the moment of its making.
    pub fn new() -> Self {
        ManualClock { start: Instant::now(), elapsed_nanos: AtomicU64::new(0) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed: the clock carries a number, it publishes no other memory.
        self.elapsed_nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        ManualClock::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        // Relaxed: as in `advance`.
        self.start + Duration::from_nanos(self.elapsed_nanos.load(Ordering::Relaxed))
    }
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

/// Measures the steps of a reload, one after the other, with no gap between them.
///
/// # Examples
///
/// ```
/// use liveswap::clock::{ManualClock, Stopwatch};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let mut stopwatch = Stopwatch::start(&clock);
/// clock.advance(Duration::from_millis(2));
/// let stage = stopwatch.lap();
/// clock.advance(Duration::from_millis(1));
/// let load = stopwatch.lap();
/// assert_eq!(stage + load, stopwatch.total());
/// ```
#[derive(Debug)]
pub struct Stopwatch<C> {
    clock: C,
    start: Instant,
    lap: Instant,
}

impl<C: Clock> Stopwatch<C> {
    /// Starts measuring now.
    pub fn start(clock: C) -> Self {
        let start = clock.now();
        Stopwatch { clock, start, lap: start }
    }

    /// The time since the last lap, or since the start. The next lap begins here.
    pub fn lap(&mut self) -> Duration {
        let now = self.clock.now();
        let lap = now.saturating_duration_since(self.lap);
        self.lap = now;
        lap
    }

    /// The time from the start to now.
    pub fn total(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.start)
    }

    /// The moment at which the stopwatch was started.
    pub fn started(&self) -> Instant {
        self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laps_add_up_to_the_total() {
        let clock = ManualClock::new();
        let mut stopwatch = Stopwatch::start(&clock);
        let laps: Duration = [3, 0, 5]
            .into_iter()
            .map(|millis| {
                clock.advance(Duration::from_millis(millis));
                stopwatch.lap()
            })
            .sum();
        assert_eq!(laps, Duration::from_millis(8));
        assert_eq!(stopwatch.total(), laps);
    }

    #[test]
    fn the_system_clock_does_not_go_back() {
        let first = SystemClock.now();
        assert!(SystemClock.now() >= first);
    }
}
