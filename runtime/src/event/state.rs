//! What of the states that a former run left is not used.

use std::fmt;
use std::path::PathBuf;

/// A value that a former run left under a name and that is not used: the state of that name begins anew.
///
/// Its file is never replaced: it is moved to a name that nothing else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedState {
    /// The state's name; that of the file where it does not tell one.
    pub name: String,
    /// Why it is not used.
    pub why: String,
    /// Where its file is now; `None` where it could not be moved, so that nothing is saved under this name.
    pub aside: Option<PathBuf>,
}

/// In words, for a person.
impl fmt::Display for UnusedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnusedState { name, why, aside } = self;
        write!(f, "`{name}` begins anew: {why}; ")?;
        match aside {
            Some(file) => write!(f, "what was saved is kept in `{}`", file.display()),
            None => write!(
                f,
                "its file could not be moved aside either, so nothing is saved under this name"
            ),
        }
    }
}
