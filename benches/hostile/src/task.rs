//! Futures of hot code that the program's executor runs, each of which goes on with the code that made it.

use std::future::poll_fn;
use std::task::Poll;

use liveswap_abi::spawn;
use liveswap_macros::hot;

use crate::course::Course;
use crate::leftovers::Parting;
use crate::{advance, numbers};

/// Gives the program's executor a future that calls hot functions whenever it is polled, and is ready from the turn `until`
/// on; whether the executor took it.
///
/// It counts as wrong if another version goes on with it than began it.
#[hot]
pub fn start_task(course: &'static Course, until: u64) -> bool {
    let parting = Parting::on(course);
    let began = numbers()[0];
    let task = async move {
        let mut state = until;
        while course.turn() < until {
            parting.call(state);
            course.blame(u64::from(numbers()[0] != began));
            state = advance(state);
            pause().await;
        }
    };
    spawn!(task).is_ok()
}

/// Is ready when it is polled for the second time.
async fn pause() {
    let mut is_polled = false;
    poll_fn(|_| match std::mem::replace(&mut is_polled, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn a_pause_is_ready_at_the_second_look() {
        let mut context = Context::from_waker(Waker::noop());
        let mut pause = pin!(pause());
        let looks = [(); 2].map(|()| pause.as_mut().poll(&mut context).is_ready());
        assert_eq!(looks, [false, true]);
    }

    #[test]
    fn without_an_executor_nothing_is_under_way() {
        let course: &'static Course = Box::leak(Box::default());
        assert!(!start_task(course, 3));
        assert_eq!(course.under_way(), 0);
    }
}
