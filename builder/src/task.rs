//! Work on a thread of its own, held by a handle.

use std::panic::resume_unwind;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, unbounded};

use crate::error::Error;
use crate::outcome::BuildEvent;
use crate::process::Cancel;

/// Running work: its events while it runs, its result at the end.
///
/// Dropping the handle cancels the work and waits until all of its processes are gone.
#[derive(Debug)]
#[must_use = "dropping a running build cancels it"]
pub struct Task<T> {
    number: u64,
    cancel: Cancel,
    events: Receiver<BuildEvent>,
    thread: Option<JoinHandle<Result<T, Error>>>,
}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn spawn(
        number: u64,
        cancel: Cancel,
        work: impl FnOnce(&Cancel, &mut (dyn FnMut(BuildEvent) + Send)) -> Result<T, Error>
        + Send
        + 'static,
    ) -> Result<Self, Error> {
        let (sender, events) = unbounded();
        let cancel_in_thread = cancel.clone();
        let thread = thread::Builder::new()
            .name(format!("liveswap-build-{number}"))
            .spawn(move || {
                // A receiver that is gone is a person who does not want to know.
                work(&cancel_in_thread, &mut |event| drop(sender.send(event)))
            })
            .map_err(|source| Error::Start { program: "a thread".into(), source })?;
        Ok(Self { number, cancel, events, thread: Some(thread) })
    }
}

impl<T> Task<T> {
    /// The number of this work; later work has a larger one.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What happens, as it happens. The channel closes when the work is done.
    pub fn events(&self) -> &Receiver<BuildEvent> {
        &self.events
    }

    /// Stops the work and everything that it started. Its result is [`Error::Cancelled`] unless it
    /// was done before.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Whether the work is done, so that [`wait`](Self::wait) does not block.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the end of the work.
    ///
    /// # Errors
    ///
    /// Whatever stopped the work; see [`Error`].
    pub fn wait(mut self) -> Result<T, Error> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => resume_unwind(panic),
            None => Err(Error::Cancelled { number: self.number }),
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.cancel.cancel();
            // A panic of the work was printed by its thread; a drop is no place to go on with it.
            let _ = thread.join();
        }
    }
}
