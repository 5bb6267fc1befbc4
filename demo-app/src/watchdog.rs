//! A way out of a frame that never ends: an edit that loops for ever must not take the terminal
//! with it, and in raw mode Ctrl-C is only a key that nobody reads.

use std::{
    io::{self, Write as _},
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossterm::event::{self, Event};

use crate::{
    keys::{Command, Keys},
    screen,
    stop::Stop,
};

/// How long a frame may take before the watchdog listens in the game's place.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);
/// What a program that a user has interrupted ends with.
const INTERRUPTED: i32 = 130;

/// A thread that listens for the wish to end while the game is stuck; dropping it ends the thread.
pub(crate) struct Watchdog {
    pulse: Arc<Mutex<Pulse>>,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

/// When the game last gave a sign of life, and whether the screen was written to since.
#[derive(Debug)]
struct Pulse {
    last: Instant,
    called_out: bool,
}

impl Watchdog {
    /// Starts watching.
    ///
    /// # Errors
    ///
    /// When the system has no room for another thread.
    pub(crate) fn start(stop: Stop) -> io::Result<Self> {
        let pulse = Arc::new(Mutex::new(Pulse { last: Instant::now(), called_out: false }));
        let (ended, end) = mpsc::channel();
        let watched = Arc::clone(&pulse);
        let thread = thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                // Held while it acts, so that a frame that ends just now waits for its turn.
                watch(&mut lock(&watched), &stop);
            }
        })?;
        Ok(Self { pulse, thread: Some((ended, thread)) })
    }

    /// Tells that the game is alive; returns whether the screen was written to behind its back.
    pub(crate) fn alive(&self) -> bool {
        let mut pulse = lock(&self.pulse);
        pulse.last = Instant::now();
        std::mem::take(&mut pulse.called_out)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some((ended, thread)) = self.thread.take() {
            drop(ended);
            // It neither returns a value nor panics.
            let _ = thread.join();
        }
    }
}

fn watch(pulse: &mut Pulse, stop: &Stop) {
    let stuck = pulse.last.elapsed();
    if stuck < PATIENCE {
        return;
    }
    let text =
        format!(" a frame has been running for {} s; Ctrl-C ends the game ", stuck.as_secs());
    // A terminal that cannot be written to cannot be helped from here either.
    let _ = screen::call_out(&text);
    pulse.called_out = true;
    if stop.asked() || asked_by_key() {
        screen::give_back();
        let text =
            format!("demo-app: ended while one frame had been running for {} s", stuck.as_secs());
        // The terminal may be gone, which is one way for a frame to be stuck; that is no reason to stay.
        let _ = writeln!(io::stdout(), "{text}");
        process::exit(INTERRUPTED);
    }
}

fn asked_by_key() -> bool {
    let mut keys = Keys::default();
    while event::poll(Duration::ZERO).unwrap_or(false) {
        if let Ok(Event::Key(key)) = event::read()
            && keys.press(key, Instant::now()) == Some(Command::Quit)
        {
            return true;
        }
    }
    false
}

fn lock(pulse: &Mutex<Pulse>) -> MutexGuard<'_, Pulse> {
    pulse.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Pulse, Watchdog, lock, watch};
    use crate::stop::Stop;
    use std::time::Instant;

    #[test]
    fn a_game_that_is_alive_is_left_alone() {
        let mut pulse = Pulse { last: Instant::now(), called_out: false };
        watch(&mut pulse, &Stop::default());
        assert!(!pulse.called_out);
    }

    #[test]
    fn a_written_over_screen_is_told_once() {
        let watchdog = Watchdog::start(Stop::default()).unwrap();
        assert!(!watchdog.alive());
        lock(&watchdog.pulse).called_out = true;
        assert!(watchdog.alive());
        assert!(!watchdog.alive());
    }
}
