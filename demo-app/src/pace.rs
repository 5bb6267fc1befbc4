//! Frames at even distances, and how many of them there really are.

use std::time::{Duration, Instant};

/// How far behind a game may fall before the missed frames are given up.
const LONGEST_BACKLOG: Duration = Duration::from_millis(250);
/// How much of the measured time between frames is the newest one.
const SMOOTHING: f64 = 0.05;

/// Says when the next frame is due.
#[derive(Debug)]
pub(crate) struct Pace {
    frame_time: Duration,
    due: Instant,
    last: Instant,
    between: f64,
}

impl Pace {
    /// Starts now, with the first frame due at once.
    pub(crate) fn new(frame_time: Duration, now: Instant) -> Self {
        Self { frame_time, due: now, last: now - frame_time, between: frame_time.as_secs_f64() }
    }

    /// Returns how long the next frame is still away, zero when it is due.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.due.saturating_duration_since(now)
    }

    /// Begins a frame and returns the seconds since the one before.
    pub(crate) fn begin(&mut self, now: Instant) -> f32 {
        let elapsed = now.saturating_duration_since(self.last).as_secs_f64();
        self.last = now;
        self.between += (elapsed - self.between) * SMOOTHING;
        self.due += self.frame_time;
        if now.saturating_duration_since(self.due) > LONGEST_BACKLOG {
            self.due = now + self.frame_time;
        }
        elapsed as f32
    }

    /// Returns the frames a second of late.
    pub(crate) fn fps(&self) -> f64 {
        1.0 / self.between.max(1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::time::{Duration, Instant};

    const FRAME: Duration = Duration::from_millis(10);

    #[test]
    fn a_late_frame_is_caught_up_with() {
        let start = Instant::now();
        let mut pace = Pace::new(FRAME, start);
        assert_eq!(pace.wait(start), Duration::ZERO);
        assert!((pace.begin(start) - 0.01).abs() < 1e-6);
        assert_eq!(pace.wait(start), FRAME);
        let late = start + FRAME + Duration::from_millis(4);
        assert!((pace.begin(late) - 0.014).abs() < 1e-6);
        assert_eq!(pace.wait(late), Duration::from_millis(6));
    }

    #[test]
    fn after_a_long_stop_missed_frames_are_given_up() {
        let start = Instant::now();
        let mut pace = Pace::new(FRAME, start);
        pace.begin(start);
        let late = start + Duration::from_secs(60);
        pace.begin(late);
        assert_eq!(pace.wait(late), FRAME);
    }

    #[test]
    fn the_rate_follows_what_is_measured() {
        let start = Instant::now();
        let mut pace = Pace::new(FRAME, start);
        assert!((pace.fps() - 100.0).abs() < 0.1);
        for frame in 0..200 {
            pace.begin(start + FRAME * 2 * frame);
        }
        assert!((pace.fps() - 50.0).abs() < 1.0, "{}", pace.fps());
    }
}
