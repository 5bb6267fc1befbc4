//! Labs of one hot crate follow each other: a program has one gate a crate, so one lab at a time.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::error::Error;

static BUSY: Mutex<Option<HashMap<&'static str, ThreadId>>> = Mutex::new(None);
static FREED: Condvar = Condvar::new();

/// The right to swap a hot crate of this program; it goes to the next lab when it drops.
#[derive(Debug)]
pub(crate) struct Turn {
    hot_crate: &'static str,
}

impl Turn {
    /// Waits until no other lab of this program has the crate.
    pub(crate) fn wait(hot_crate: &'static str) -> Result<Self, Error> {
        let mut busy = lock();
        loop {
            let map = busy.get_or_insert_default();
            match map.get(hot_crate) {
                None => {
                    map.insert(hot_crate, thread::current().id());
                    return Ok(Self { hot_crate });
                }
                Some(owner) if *owner == thread::current().id() => {
                    return Err(Error::InUse { hot_crate: hot_crate.to_owned() });
                }
                Some(_) => busy = FREED.wait(busy).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock().get_or_insert_default().remove(self.hot_crate);
        FREED.notify_all();
    }
}

fn lock() -> MutexGuard<'static, Option<HashMap<&'static str, ThreadId>>> {
    // Every change is one insertion or removal, so a panic leaves nothing half done.
    BUSY.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_would_wait_for_itself_is_told() {
        let turn = Turn::wait("one").expect("nobody has it");
        assert!(matches!(Turn::wait("one"), Err(Error::InUse { .. })));
        let other = Turn::wait("two").expect("another crate");
        drop((turn, other));
        assert!(Turn::wait("one").is_ok());
    }

    #[test]
    fn another_thread_waits_until_the_lab_ends() {
        let turn = Turn::wait("three").expect("nobody has it");
        let (sender, receiver) = std::sync::mpsc::channel();
        let waiting = thread::spawn(move || {
            let turn = Turn::wait("three").expect("the other one ends");
            sender.send(()).expect("the test waits");
            drop(turn);
        });
        assert!(receiver.try_recv().is_err());
        drop(turn);
        receiver.recv().expect("its turn comes");
        waiting.join().expect("it ends");
    }
}
