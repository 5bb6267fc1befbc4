//! Why a state cannot be opened, written or read.

use std::fmt;

use super::ops::Failure;

/// Why a state cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenError {
    state: String,
    why: OpenFailure,
}

/// What is in the way of opening a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenFailure {
    /// The code that asks was compiled against another layout of the type than the state's value has.
    OtherLayout,
    /// The state was made by code with another layout than the current generation's, and not carried over yet.
    Stale,
    /// This thread has it open already.
    AlreadyOpen,
    /// The thread that has it open waits for a state that this thread has open.
    Circle,
    /// It was dropped.
    Gone,
}

impl OpenError {
    pub(super) fn other_layout(state: &str, is_current: bool) -> OpenError {
        let why = if is_current { OpenFailure::OtherLayout } else { OpenFailure::Stale };
        OpenError { state: state.to_owned(), why }
    }

    pub(super) fn already_open(state: &str) -> OpenError {
        OpenError { state: state.to_owned(), why: OpenFailure::AlreadyOpen }
    }

    pub(super) fn circle(state: &str) -> OpenError {
        OpenError { state: state.to_owned(), why: OpenFailure::Circle }
    }

    pub(super) fn gone() -> OpenError {
        OpenError { state: String::new(), why: OpenFailure::Gone }
    }

    /// The full name of the state's type.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// What is in the way.
    #[must_use]
    pub fn why(&self) -> OpenFailure {
        self.why
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            OpenFailure::OtherLayout => {
                "its value was carried over to another layout than this code was compiled against; open it in a hot \
                 function, whose code is current"
            }
            OpenFailure::Stale => {
                "it was made by code of another generation, whose layout it still has; make states in hot functions, or \
                 wait for the next swap, which carries it over"
            }
            OpenFailure::AlreadyOpen => {
                "this thread has it open already; close that first, or pass on what it borrows"
            }
            OpenFailure::Circle => {
                "the thread that has it open waits for a state that this thread has open; open states in one order \
                 everywhere"
            }
            OpenFailure::Gone => "it was dropped",
        };
        write!(f, "state `{}`: {why}", self.state)
    }
}

impl std::error::Error for OpenError {}

/// Why a state cannot be written or replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// It cannot be opened.
    Open(OpenError),
    /// Its value could not be written.
    Write {
        /// The full name of its type.
        state: String,
        /// What was in the way.
        failure: Failure,
    },
    /// The new value could not be read; the state has the one it had.
    Read {
        /// The full name of its type.
        state: String,
        /// What was in the way.
        failure: Failure,
    },
    /// It has the new value, but the destructor of the old one panicked.
    Dropped {
        /// The full name of its type.
        state: String,
        /// The panic.
        failure: Failure,
    },
}

impl From<OpenError> for StateError {
    fn from(error: OpenError) -> StateError {
        StateError::Open(error)
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Open(error) => error.fmt(f),
            StateError::Write { state, failure } => {
                write!(f, "state `{state}` cannot be written: {failure}")
            }
            StateError::Read { state, failure } => {
                write!(f, "state `{state}` cannot be read, and keeps its value: {failure}")
            }
            StateError::Dropped { state, failure } => {
                write!(
                    f,
                    "state `{state}` has its new value, but dropping the old one failed: {failure}"
                )
            }
        }
    }
}

impl std::error::Error for StateError {}
