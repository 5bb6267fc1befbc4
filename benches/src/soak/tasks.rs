//! The program's executor: what hot code spawns is polled by all callers, and some of it is dropped before it is done.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::thread;

use fastrand::Rng;
use liveswap::LeasedFuture;

type Task = Pin<Box<LeasedFuture<()>>>;

/// Tasks that wait for somebody to poll them.
#[derive(Clone, Default)]
pub(super) struct Tasks(Arc<Mutex<VecDeque<Task>>>);

impl Tasks {
    /// Takes in what hot code spawns from now on, until the next one does.
    pub(super) fn install() -> Tasks {
        let tasks = Tasks::default();
        let queue = tasks.clone();
        liveswap::set_spawner(move |future| queue.push(Box::pin(future)));
        tasks
    }

    /// Polls each task that is there once, and drops one in sixty-four instead, every other one of those on a thread of its own;
    /// how many those were.
    pub(super) fn look(&self, rng: &mut Rng) -> u64 {
        let mut dropped = 0;
        let mut context = Context::from_waker(Waker::noop());
        // Bound first: in the loop's head the lock would live as long as the loop.
        let waiting = self.queue().len();
        for _ in 0..waiting {
            // Another caller may be here too.
            let Some(mut task) = self.pop() else { break };
            match rng.u8(0..128) {
                0 => drop(task),
                1 => {
                    let builder = thread::Builder::new().name("drops".to_owned());
                    // Without a thread it is dropped here.
                    let _ = builder.spawn(move || drop(task));
                }
                _ => {
                    if task.as_mut().poll(&mut context).is_pending() {
                        self.push(task);
                    }
                    continue;
                }
            }
            dropped += 1;
        }
        dropped
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, task: Task) {
        self.queue().push_back(task);
    }

    /// Not polled under the lock: a task may spawn another one.
    fn pop(&self) -> Option<Task> {
        self.queue().pop_front()
    }
}
