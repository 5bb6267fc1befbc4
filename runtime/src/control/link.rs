//! A connection in both directions that makes nobody wait: a reading thread, a writing thread, and
//! a bounded queue between them and their owner.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::socket::Socket;
use crate::error::Error;
use crate::wire::{Fault, Frames, ToCli, encode};

/// How many messages wait for the other side before the oldest is dropped.
const CAPACITY: usize = 256;

/// How long a link that is dropped waits for its last words to be taken.
const FAREWELL: Duration = Duration::from_millis(250);

/// Why a link does not receive any more.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// One of the sides closed it.
    Closed,
    /// What came was not to be read.
    Fault(Fault),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Closed => f.write_str("it was closed"),
            Ended::Fault(fault) => fault.fmt(f),
        }
    }
}

/// A connection whose owner only ever queues and is called back.
///
/// Dropping it sends what waits, as long as the other side reads, and joins its threads.
pub struct Link {
    socket: Socket,
    outbox: Arc<Outbox>,
    reader: Option<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl Link {
    /// Starts reading and writing. `receive` is called on the reading thread: with each message,
    /// and once with the reason when no more will come.
    ///
    /// # Errors
    ///
    /// [`Error::ThreadStart`] when the system has no thread left.
    pub fn start<M: DeserializeOwned>(
        name: &'static str,
        frames: Frames<Socket>,
        receive: impl FnMut(Result<M, Ended>) + Send + 'static,
    ) -> Result<Link, Error> {
        let socket = frames.source().clone();
        let outbox = Arc::new(Outbox::default());
        // Made before the threads, so that the first is ended if the second cannot be started.
        let mut link = Link { socket, outbox, reader: None, writer: None };

        let (socket, outbox) = (link.socket.clone(), Arc::clone(&link.outbox));
        link.writer = Some(spawn(name, move || write(&outbox, socket))?);
        let outbox = Arc::clone(&link.outbox);
        link.reader = Some(spawn(name, move || read(frames, receive, &outbox))?);
        Ok(link)
    }

    /// Queues a message. Never waits: the oldest one waiting is dropped and counted when the other
    /// side is slow.
    pub fn send(&self, message: &impl Serialize) {
        match encode(message) {
            Ok(line) => self.outbox.push(line),
            Err(error) => tracing::warn!(%error, "a message was not sent"),
        }
    }

    /// Whether both directions are open, as far as it is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.outbox.lock().closed
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.outbox.finish(Instant::now() + FAREWELL);
        self.socket.close();
        let threads =
            [self.writer.take(), if Socket::CLOSES_FOR_ALL { self.reader.take() } else { None }];
        for thread in threads.into_iter().flatten() {
            // The callback may own this very link, and a thread cannot join itself.
            if thread.thread().id() != thread::current().id() {
                // A panic of the thread has been shown where it happened.
                let _ = thread.join();
            }
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("open", &self.is_open()).finish_non_exhaustive()
    }
}

fn spawn(
    name: &'static str,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|source| Error::ThreadStart { name, source })
}

fn read<M: DeserializeOwned>(
    mut frames: Frames<Socket>,
    mut receive: impl FnMut(Result<M, Ended>),
    outbox: &Outbox,
) {
    let ended = loop {
        match frames.message() {
            Ok(Some(message)) => receive(Ok(message)),
            Ok(None) => break Ended::Closed,
            Err(fault) => break Ended::Fault(fault),
        }
    };
    outbox.close();
    frames.source().close();
    receive(Err(ended));
}

fn write(outbox: &Outbox, mut socket: Socket) {
    while let Some(line) = outbox.next() {
        if socket.write_all(&line).is_err() {
            outbox.close();
        }
    }
}

/// Lines on their way out.
#[derive(Default)]
struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    missed: u64,
    /// A line has been taken and is being written.
    writing: bool,
    /// No more lines will be queued.
    finishing: bool,
    /// Nothing can be written any more.
    closed: bool,
}

impl Outbox {
    fn push(&self, line: Vec<u8>) {
        let mut state = self.lock();
        if state.closed || state.finishing {
            return;
        }
        if state.waiting.len() == CAPACITY {
            state.waiting.pop_front();
            state.missed += 1;
        }
        state.waiting.push_back(line);
        self.changed.notify_all();
    }

    /// Waits for the next line; `None` when there will be none.
    fn next(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        state.writing = false;
        self.changed.notify_all();
        loop {
            if state.closed {
                return None;
            }
            if let Some(line) = state.take() {
                state.writing = true;
                return Some(line);
            }
            if state.finishing {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits at most until `deadline` for what is queued to be written, and takes nothing more.
    fn finish(&self, deadline: Instant) {
        let mut state = self.lock();
        state.finishing = true;
        self.changed.notify_all();
        while !state.closed && (state.writing || !state.waiting.is_empty()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.closed = true;
        self.changed.notify_all();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole when it unlocks, so a panic elsewhere harms none.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Option<Vec<u8>> {
        match std::mem::take(&mut self.missed) {
            0 => self.waiting.pop_front(),
            // Both directions have this message in the same form.
            missed => encode(&ToCli::Lagged { missed }).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{FromCli, LONGEST};

    #[test]
    fn a_full_outbox_loses_the_oldest_and_says_how_many() {
        let outbox = Outbox::default();
        for build in 0..CAPACITY as u64 + 2 {
            outbox.push(encode(&FromCli::BuildStarted { build }).unwrap());
        }
        let lines: Vec<u8> =
            [outbox.next(), outbox.next()].into_iter().flatten().flatten().collect();
        let mut frames = Frames::new(lines.as_slice(), LONGEST);
        assert_eq!(frames.message::<FromCli>().unwrap(), Some(FromCli::Lagged { missed: 2 }));
        assert_eq!(frames.message::<FromCli>().unwrap(), Some(FromCli::BuildStarted { build: 2 }));
    }

    #[test]
    fn a_closed_outbox_takes_nothing_and_gives_nothing() {
        let outbox = Outbox::default();
        outbox.push(b"a".to_vec());
        outbox.close();
        outbox.push(b"b".to_vec());
        assert_eq!(outbox.next(), None);
        assert_eq!(outbox.lock().waiting.len(), 1);
    }

    #[test]
    fn finishing_gives_what_waits_and_then_ends() {
        let outbox = Arc::new(Outbox::default());
        outbox.push(b"last".to_vec());
        let writer = Arc::clone(&outbox);
        let thread = thread::spawn(move || {
            let mut lines = Vec::new();
            while let Some(line) = writer.next() {
                lines.push(line);
            }
            lines
        });
        outbox.finish(Instant::now() + Duration::from_secs(30));
        assert_eq!(thread.join().unwrap(), [b"last".to_vec()]);
    }
}
