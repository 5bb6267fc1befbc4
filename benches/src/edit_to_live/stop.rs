//! When to give up: the person asked, or it takes too long.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::Error;

/// How soon whoever waits notices that the person asked to stop.
pub(crate) const BETWEEN_CHECKS: Duration = Duration::from_millis(50);

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From here on Ctrl-C and the like end the bench in order: its children end, its directory goes.
pub(crate) fn listen() -> Result<(), Error> {
    let asked = ASKED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(asked)).map_err(Error::Signals)?;
    }
    Ok(())
}

/// An error if it is time to give up waiting for `what`.
pub(crate) fn check(
    step: &'static str,
    what: &str,
    since: Instant,
    within: Duration,
) -> Result<(), Error> {
    // Relaxed: nothing else is read because of it.
    if ASKED.get().is_some_and(|asked| asked.load(Ordering::Relaxed)) {
        return Err(Error::Stopped);
    }
    if since.elapsed() > within {
        return Err(Error::TimedOut { step, what: what.to_owned(), within });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_has_an_end() {
        let since = Instant::now();
        assert!(check("x", "y", since, Duration::from_secs(60)).is_ok());
        let late = check("x", "y", since, Duration::ZERO).unwrap_err();
        assert!(matches!(late, Error::TimedOut { step: "x", .. }), "{late}");
    }
}
