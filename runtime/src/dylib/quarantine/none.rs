//! Platforms without a quarantine: no image is ever closed.

#![allow(dead_code, reason = "what is never closed is never found out")]

use super::MappedImage;

/// Never made here.
#[derive(Debug)]
pub(crate) enum Quarantine {}

/// A call of closed code, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StrayCall {
    /// The address that was called.
    pub(crate) address: usize,
    /// The name of the thread that called, as far as the system keeps it.
    pub(crate) thread: String,
    /// The top of that thread's stack, word by word.
    pub(crate) stack: Vec<usize>,
}

/// Whether a quarantine has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nobody called.
    Unharmed,
    /// Somebody called.
    Struck(StrayCall),
    /// To be asked again.
    NotYet,
}

impl Quarantine {
    /// `None`.
    ///
    /// # Safety
    ///
    /// Nothing is asked of the caller here.
    pub(crate) unsafe fn begin(_: &MappedImage) -> Option<Quarantine> {
        None
    }

    /// Whether a call was caught.
    pub(crate) fn is_struck(&self) -> bool {
        match *self {}
    }

    /// Opens the pages again.
    pub(crate) fn open(&self) -> bool {
        match *self {}
    }

    /// Ends watching.
    pub(crate) fn end(&mut self) -> Ended {
        match *self {}
    }
}
