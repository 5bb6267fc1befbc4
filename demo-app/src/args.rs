//! The command line.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;

/// Lumen: catch the light. The demo of Liveswap: edit `reloadable-logic` while it runs.
///
/// Arrow keys or WASD steer, space dashes, p lets the game play itself, b goes back to the code before, q ends it.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Play without a terminal and print one line a second (the default when stdout is none).
    #[arg(long)]
    pub(crate) headless: bool,

    /// End after this many frames.
    #[arg(long, value_name = "N")]
    pub(crate) frames: Option<u64>,

    /// Frames a second.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) fps: u32,

    /// Begin with the world of this seed [default: another one each time; 1 when headless].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// Let the game play itself from the start.
    #[arg(long)]
    pub(crate) autoplay: bool,
}

impl Args {
    /// Returns the time between two frames.
    pub(crate) fn frame_time(&self) -> Duration {
        Duration::from_secs(1) / self.fps
    }

    /// Returns the seed that was asked for, or one from the clock.
    pub(crate) fn seed_or_clock(&self) -> u64 {
        self.seed.unwrap_or_else(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64)
        })
    }

    /// Returns whether `frames` frames are as many as were asked for.
    pub(crate) fn enough(&self, frames: u64) -> bool {
        self.frames.is_some_and(|most| frames >= most)
    }
}

#[cfg(test)]
mod tests {
    use super::Args;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_frame_rate_of_zero_is_refused() {
        assert!(Args::try_parse_from(["demo-app", "--fps", "0"]).is_err());
        let args = Args::try_parse_from(["demo-app", "--fps", "50"]).unwrap();
        assert_eq!(args.frame_time().as_millis(), 20);
    }

    #[test]
    fn without_a_number_of_frames_it_is_never_enough() {
        let parse = |rest: &[&str]| Args::try_parse_from([&["demo-app"], rest].concat()).unwrap();
        assert!(!parse(&[]).enough(u64::MAX));
        let some = parse(&["--frames", "3"]);
        assert!(!some.enough(2) && some.enough(3));
    }
}
