//! Events on their way to their readers: bounded, and never in the way of a reload.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::anew::anew;
use crate::event::Event;

/// How many events wait for a reader before the oldest is dropped.
const CAPACITY: usize = 256;

/// The sending side, owned by the runtime.
#[derive(Debug, Clone, Default)]
pub(crate) struct Feed {
    readers: Arc<Mutex<Vec<Weak<Queue>>>>,
}

/// A reader of events; it sees every event that happens after it was made.
///
/// A reader that does not keep up loses the oldest events and is told how many with [`Event::Lagged`].
#[derive(Debug)]
pub struct Events {
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Event>,
    missed: u64,
    ended: bool,
}

impl Feed {
    /// A new reader.
    #[must_use]
    pub(crate) fn subscribe(&self) -> Events {
        let queue = Arc::new(Queue::default());
        lock(&self.readers).push(Arc::downgrade(&queue));
        Events { queue }
    }

    /// Gives `event` to every reader, waiting for none.
    pub(crate) fn send(&self, event: &Event) {
        self.each(|state| {
            if state.waiting.len() == CAPACITY {
                state.waiting.pop_front();
                state.missed += 1;
            }
            state.waiting.push_back(anew(event));
        });
    }

    /// Lets readers know, after the events that wait, that no more will come.
    pub(crate) fn end(&self) {
        self.each(|state| state.ended = true);
    }

    fn each(&self, change: impl Fn(&mut State)) {
        lock(&self.readers).retain(|reader| {
            let Some(queue) = reader.upgrade() else { return false };
            change(&mut lock(&queue.state));
            queue.arrived.notify_all();
            true
        });
    }
}

impl Events {
    /// The next event, waiting for it at most `timeout`; `None` if there was none, or none will come.
    pub fn next_within(&self, timeout: Duration) -> Option<Event> {
        let deadline = Instant::now() + timeout;
        let mut state = lock(&self.queue.state);
        loop {
            if let Some(event) = state.take() {
                return Some(event);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return None;
            }
            let waited = self.queue.arrived.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next event if there is one.
    pub fn try_next(&self) -> Option<Event> {
        lock(&self.queue.state).take()
    }

    /// Waits at most `timeout` for an event that `pick` makes something of; the others are dropped.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn wait(events: &liveswap::Events) {
    /// use liveswap::Event;
    ///
    /// let reload = events.find_within(Duration::from_secs(5), |event| match event {
    ///     Event::Reloaded(reload) => Some(reload),
    ///     _ => None,
    /// });
    /// # }
    /// ```
    pub fn find_within<T>(
        &self,
        timeout: Duration,
        mut pick: impl FnMut(Event) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Some(found) = pick(self.next_within(left)?) {
                return Some(found);
            }
        }
    }
}

/// Waits for each event; ends when the runtime does.
impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let mut state = lock(&self.queue.state);
        loop {
            if let Some(event) = state.take() {
                return Some(event);
            }
            if state.ended {
                return None;
            }
            state = self.queue.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    fn take(&mut self) -> Option<Event> {
        match std::mem::take(&mut self.missed) {
            0 => self.waiting.pop_front(),
            missed => Some(Event::Lagged { missed }),
        }
    }
}

/// Every change under these locks is whole when it unlocks, so a panic elsewhere harms none.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: u64) -> Event {
        Event::Retired { generation: number, outcome: crate::event::Retirement::Unloaded }
    }

    #[test]
    fn a_reader_sees_events_in_order_from_its_beginning() {
        let feed = Feed::default();
        feed.send(&numbered(0));
        let events = feed.subscribe();
        feed.send(&numbered(1));
        feed.send(&numbered(2));
        feed.end();
        assert_eq!(events.collect::<Vec<_>>(), [numbered(1), numbered(2)]);
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_is_told_how_many() {
        let feed = Feed::default();
        let events = feed.subscribe();
        for number in 0..CAPACITY as u64 + 3 {
            feed.send(&numbered(number));
        }
        assert_eq!(events.try_next(), Some(Event::Lagged { missed: 3 }));
        assert_eq!(events.try_next(), Some(numbered(3)));
        let rest = std::iter::from_fn(|| events.try_next()).count();
        assert_eq!(rest, CAPACITY - 1);
    }

    #[test]
    fn a_reader_that_is_gone_is_forgotten() {
        let feed = Feed::default();
        drop(feed.subscribe());
        feed.send(&numbered(1));
        assert!(lock(&feed.readers).is_empty());
    }

    #[test]
    fn waiting_ends_with_the_event_the_end_or_the_time() {
        let feed = Feed::default();
        let events = feed.subscribe();
        assert_eq!(events.next_within(Duration::ZERO), None);
        let sender = feed.clone();
        let thread = std::thread::spawn(move || sender.send(&numbered(7)));
        assert_eq!(events.next_within(Duration::from_secs(30)), Some(numbered(7)));
        thread.join().unwrap();
        feed.end();
        assert_eq!(events.next_within(Duration::from_secs(30)), None);
    }
}
