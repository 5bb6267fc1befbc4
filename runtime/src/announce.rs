//! Telling what happened: to the program's own readers, and to the `cargo liveswap` that started it.

use std::sync::Arc;

use crate::control::{self, Control};
use crate::event::Event;
use crate::feed::Feed;
use crate::status::Status;
use crate::wire::{NotSaved, ToCli};

/// Gives every event to whoever listens; never waits for any of them.
#[derive(Debug, Clone)]
pub(crate) struct Announcer {
    hot_crate: &'static str,
    feed: Feed,
    control: Option<Arc<Control>>,
}

impl Announcer {
    /// Tells the readers of `feed` and the other side of `control`.
    pub(crate) fn new(hot_crate: &'static str, feed: Feed, control: Option<Control>) -> Announcer {
        Announcer { hot_crate, feed, control: control.map(Arc::new) }
    }

    /// Tells of an event.
    pub(crate) fn tell(&self, event: &Event) {
        self.feed.send(event);
        if let Some(control) = &self.control
            && let Some(message) = control::told(self.hot_crate, event)
        {
            control.send(&message);
        }
    }

    /// Answers the other side's question for the status.
    pub(crate) fn tell_status(&self, status: &Status) {
        if let Some(control) = &self.control {
            control.send(&ToCli::Status(status.into()));
        }
    }

    /// Answers the other side's wish that states be saved.
    pub(crate) fn tell_saved(&self, saved: Vec<String>, failed: Vec<NotSaved>) {
        if let Some(control) = &self.control {
            control.send(&ToCli::StatesSaved { saved, failed });
        }
    }

    /// Lets the program's readers know that no more will come.
    pub(crate) fn end(&self) {
        self.feed.end();
    }
}
