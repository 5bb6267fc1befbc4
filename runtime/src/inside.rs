//! Whether a thread that the runtime started is still in the code of a generation.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

/// Ends when its thread has left the code of a generation.
#[derive(Debug, Clone)]
pub(crate) struct Inside(Receiver<()>);

impl Inside {
    /// What to keep, and what the thread drops as the last thing it does.
    pub(crate) fn new() -> (Inside, Sender<()>) {
        let (held, inside) = bounded(0);
        (Inside(inside), held)
    }

    /// Whether the thread has left. What it did happened before, by the channel's own ordering.
    pub(crate) fn has_left(&self) -> bool {
        self.0.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Waits until the thread has left, or the time is over.
    pub(crate) fn wait(&self, time: Duration) {
        // Nothing is ever sent: this ends by the other end's drop or by the time.
        let _ = self.0.recv_timeout(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_left_when_it_dropped_its_end() {
        let (inside, held) = Inside::new();
        let other = inside.clone();
        assert!(!inside.has_left());
        inside.wait(Duration::ZERO);
        assert!(!inside.has_left());
        let thread = std::thread::spawn(move || drop(held));
        other.wait(Duration::from_secs(60));
        assert!(inside.has_left() && other.has_left());
        thread.join().unwrap();
    }
}
