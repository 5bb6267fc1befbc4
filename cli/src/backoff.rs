//! Whether a program that ended is started again, and when.

use std::process::ExitStatus;
use std::time::Duration;

/// A program that lives longer than this has not crashed at its start.
const QUICK: Duration = Duration::from_secs(5);

/// An exit within this time of the very first start is the program's own decision: its arguments
/// were wrong, its port was taken.
const REFUSED_TO_START: Duration = Duration::from_secs(1);

/// So many crashes at the start in a row are enough.
const ENOUGH: u32 = 4;

/// The time before the first restart after a quick crash; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody knows.
    Unknown,
}

/// What follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// The end, with this exit code.
    Exit(u8),
    /// A new start after this time.
    Restart(Duration),
    /// The end with this exit code, because it crashed so many times in a row.
    GiveUp(u8, u32),
}

/// Counts quick crashes.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    starts: u32,
    quick: u32,
}

impl End {
    pub(crate) fn of(status: Option<ExitStatus>) -> End {
        let Some(status) = status else { return End::Unknown };
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return End::Signal(signal);
        }
        status.code().map_or(End::Unknown, End::Code)
    }

    /// The code for whoever started this tool, as a shell gives it.
    pub(crate) fn code(self) -> u8 {
        match self {
            End::Code(code) => code.to_le_bytes()[0],
            End::Signal(signal) => 128_u8.wrapping_add(signal.to_le_bytes()[0]),
            End::Unknown => 1,
        }
    }

    /// A person or the system asked for it.
    fn was_asked_for(self) -> bool {
        match self {
            End::Code(code) => code == 0,
            #[cfg(unix)]
            End::Signal(signal) => {
                use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
                [SIGHUP, SIGINT, SIGQUIT, SIGTERM].contains(&signal)
            }
            #[cfg(not(unix))]
            End::Signal(_) => false,
            End::Unknown => false,
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Code(101) => f.write_str("panicked (exit code 101)"),
            End::Code(code) => write!(f, "ended with exit code {code}"),
            End::Signal(signal) => {
                let name = signal_hook::low_level::signal_name(*signal).unwrap_or("unknown");
                write!(f, "was ended by signal {signal} ({name})")
            }
            End::Unknown => f.write_str("ended, nobody knows how"),
        }
    }
}

impl Backoff {
    /// Says what to do about a program that ended so after it had lived so long.
    pub(crate) fn next(&mut self, end: End, lived: Duration) -> Next {
        self.starts += 1;
        if end.was_asked_for() {
            return Next::Exit(end.code());
        }
        let own_decision = matches!(end, End::Code(code) if code != 101);
        if own_decision && self.starts == 1 && lived < REFUSED_TO_START {
            return Next::Exit(end.code());
        }
        if lived >= QUICK {
            self.quick = 0;
            return Next::Restart(Duration::ZERO);
        }
        self.quick += 1;
        if self.quick >= ENOUGH {
            return Next::GiveUp(end.code(), self.quick);
        }
        Next::Restart(FIRST_WAIT * 2_u32.pow(self.quick - 1))
    }

    /// New code was built, so what crashed before may not crash now.
    pub(crate) fn forgive(&mut self) {
        self.quick = 0;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(10);
    const LONG: Duration = Duration::from_secs(60);
    const SEGV: End = End::Signal(11);

    #[test]
    fn who_ends_by_itself_or_is_asked_to_is_not_started_again() {
        for (end, code) in [(End::Code(0), 0), (End::Signal(2), 130), (End::Signal(15), 143)] {
            assert_eq!(Backoff::default().next(end, LONG), Next::Exit(code), "{end}");
        }
    }

    #[test]
    fn who_refuses_to_start_is_not_started_again() {
        assert_eq!(Backoff::default().next(End::Code(2), SHORT), Next::Exit(2));
        let panicked = Backoff::default().next(End::Code(101), SHORT);
        assert_eq!(panicked, Next::Restart(FIRST_WAIT));
        assert_eq!(Backoff::default().next(End::Code(2), LONG), Next::Restart(Duration::ZERO));
    }

    #[test]
    fn quick_crashes_wait_longer_and_longer_and_then_it_is_enough() {
        let mut backoff = Backoff::default();
        let wait = |factor| Next::Restart(FIRST_WAIT * factor);
        let found: Vec<Next> = (0..4).map(|_| backoff.next(SEGV, SHORT)).collect();
        assert_eq!(found, [wait(1), wait(2), wait(4), Next::GiveUp(139, 4)]);
    }

    #[test]
    fn a_long_life_or_new_code_makes_good_for_crashes() {
        let mut backoff = Backoff::default();
        for round in 0..20 {
            assert_eq!(backoff.next(SEGV, SHORT), Next::Restart(FIRST_WAIT), "{round}");
            assert_eq!(backoff.next(SEGV, SHORT), Next::Restart(FIRST_WAIT * 2), "{round}");
            if round % 2 == 0 {
                backoff.forgive();
            } else {
                assert_eq!(backoff.next(SEGV, LONG), Next::Restart(Duration::ZERO));
            }
        }
    }

    #[test]
    fn ends_are_told_in_words() {
        let table = [
            (End::Code(101), "panicked (exit code 101)"),
            (End::Code(3), "ended with exit code 3"),
            (SEGV, "was ended by signal 11 (SIGSEGV)"),
        ];
        for (end, words) in table {
            assert_eq!(end.to_string(), words);
        }
    }
}
