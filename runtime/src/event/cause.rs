//! Why a reload happened, and panics that leave hot code.

use std::fmt;

/// Why a reload happened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Cause {
    /// An artifact appeared, or [`Runtime::reload_now`](crate::Runtime::reload_now) asked for it.
    #[default]
    Artifact,
    /// The program asked for a generation of its history.
    Activated {
        /// The generation that was asked for.
        of: u64,
    },
    /// The current generation panicked within the window of [`RollbackOnPanic`](crate::RollbackOnPanic).
    Withdrawn {
        /// The generation that panicked.
        generation: u64,
        /// The generation of the history that was to replace it; of several that were tried, the last.
        of: u64,
        /// The panic.
        panic: Box<HotPanic>,
    },
}

/// A panic that left a function of a hot crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotPanic {
    /// The path of the function; of nested calls, the innermost.
    pub function: String,
    /// The panic's message.
    pub message: String,
    /// File, line and column; `None` where the program replaced the panic hook after the runtime had started and the
    /// artifact is a shared one.
    pub location: Option<String>,
}

impl fmt::Display for HotPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` panicked: {}", self.function, self.message)?;
        match &self.location {
            Some(location) => write!(f, ", at {location}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Artifact => f.write_str("an artifact appeared"),
            Cause::Activated { of } => write!(f, "generation {of} was asked for"),
            Cause::Withdrawn { generation, of, panic } => {
                write!(f, "generation {generation} withdrawn for generation {of}: {panic}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_in_words() {
        let panic = HotPanic {
            function: "game::tick".to_owned(),
            message: "no".to_owned(),
            location: Some("src/lib.rs:3:5".to_owned()),
        };
        let withdrawn = Cause::Withdrawn { generation: 4, of: 2, panic: Box::new(panic.clone()) };
        let table = [
            (Cause::Artifact, "an artifact appeared"),
            (Cause::Activated { of: 3 }, "generation 3 was asked for"),
            (
                withdrawn,
                "generation 4 withdrawn for generation 2: `game::tick` panicked: no, at src/lib.rs:3:5",
            ),
        ];
        for (cause, expected) in table {
            assert_eq!(cause.to_string(), expected);
        }
        let nowhere = HotPanic { location: None, ..panic };
        assert_eq!(nowhere.to_string(), "`game::tick` panicked: no");
    }
}
