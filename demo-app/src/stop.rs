//! Ending in an orderly way when the system asks for it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Knows whether a signal has asked this program to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
}

impl Stop {
    /// Starts listening to the signals that end a program.
    ///
    /// With `second_ends`, a second signal ends it at once: right where there is no terminal to be
    /// given back first.
    ///
    /// # Errors
    ///
    /// When the system refuses to install a handler.
    pub(crate) fn listen(second_ends: bool) -> io::Result<Self> {
        let stop = Self::default();
        #[cfg(unix)]
        {
            use signal_hook::{
                consts::{SIGHUP, SIGINT, SIGTERM},
                flag,
            };
            for signal in [SIGHUP, SIGINT, SIGTERM] {
                if second_ends {
                    flag::register_conditional_shutdown(signal, 128 + signal, stop.asked.clone())?;
                }
                flag::register(signal, stop.asked.clone())?;
            }
        }
        #[cfg(not(unix))]
        let _ = second_ends;
        Ok(stop)
    }

    /// Returns whether it is time to end.
    pub(crate) fn asked(&self) -> bool {
        // Nothing else is published with the flag.
        self.asked.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::Stop;

    #[test]
    fn a_signal_is_noticed() {
        let stop = Stop::listen(false).unwrap();
        assert!(!stop.asked());
        signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
        assert!(stop.asked());
    }
}
