//! The states that a program keeps while its code is swapped or an artifact refused.

use super::Host;

/// The states as the program made them. What they look like, and every byte that they are written as.
#[derive(Debug)]
pub(crate) struct Kept {
    shown: String,
    bytes: String,
}

impl Kept {
    /// Has the program make its states, and change one.
    #[track_caller]
    pub(crate) fn made_by(host: &mut Host) -> Kept {
        host.ask(&["state", "make"]);
        assert_eq!(host.ask(&["state", "tick"]), "1");
        Kept { shown: host.ask(&["state", "show"]), bytes: host.ask(&["state", "bytes"]) }
    }

    /// Asserts that they are as they were, byte for byte, and that the program can open them.
    #[track_caller]
    pub(crate) fn assert_untouched(&self, host: &mut Host, after: &str) {
        assert_eq!(host.ask(&["state", "bytes"]), self.bytes, "after {after}");
        assert_eq!(host.ask(&["state", "show"]), self.shown, "after {after}");
        assert_eq!(host.ask(&["state", "open"]), "1", "after {after}");
    }
}
