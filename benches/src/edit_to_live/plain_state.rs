//! A value that is kept behind a lock, opened by whoever has it.

use std::fmt;
use std::sync::{Mutex, MutexGuard};

/// A value behind a lock.
#[derive(Debug)]
pub struct State<T>(Mutex<T>);

/// Somebody panicked while it was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenError;

impl<T> State<T> {
    /// Keeps what `init` makes.
    #[must_use]
    pub fn named(_name: &str, init: impl FnOnce() -> T) -> State<T> {
        State(Mutex::new(init()))
    }

    /// Opens it.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn look(&self) -> Result<MutexGuard<'_, T>, OpenError> {
        self.0.lock().map_err(|_| OpenError)
    }

    /// Calls `body` with the value.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> Result<R, OpenError> {
        Ok(body(&mut *self.look()?))
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("somebody panicked while it was open")
    }
}

impl std::error::Error for OpenError {}
