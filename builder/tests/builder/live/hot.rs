//! A hot crate that leaves something in every place it can reach.

use std::any::Any;
use std::sync::mpsc::Sender;
use std::task::Poll;
use std::thread::{self, JoinHandle};

use liveswap_abi::{LeasedFuture, lease, spawn};
use liveswap_macros::hot;

liveswap_abi::hot_crate!();

/// A type whose identity is asked for on both sides.
pub struct Marker(pub u32);

struct Kept;

impl Drop for Kept {
    fn drop(&mut self) {
        // Code of this very generation, run by the thread that ends.
        state::dropped();
    }
}

thread_local! {
    static KEPT: Kept = const { Kept };
}

#[hot]
pub fn value() -> u32 {
    10
}

#[hot]
pub fn boxed() -> Box<dyn Any> {
    Box::new(Marker(value()))
}

#[hot]
pub fn fail() {
    panic!("on purpose {}", value())
}

#[hot]
pub fn count() -> u32 {
    state::count()
}

#[hot]
pub fn tell() {
    tracing::info!("told {}", value());
}

/// On the executor that the caller is inside.
#[hot]
pub fn spawned() -> tokio::task::JoinHandle<u32> {
    tokio::spawn(async { value() })
}

/// To be spawned or awaited by the caller; it lets others run first.
#[hot]
pub fn leased() -> LeasedFuture<u32> {
    lease!(async {
        let mut yielded = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        value()
    })
}

/// Has the program's executor tell the value.
#[hot]
pub fn begin(told: Sender<u32>) {
    spawn!(async move { told.send(value()).expect("somebody waits") }).expect("the program spawns");
}

#[hot]
pub fn touch() {
    KEPT.with(|_| ());
}

#[hot]
pub fn linger() -> JoinHandle<u32> {
    thread::spawn(|| {
        KEPT.with(|_| ());
        state::wait_for_the_end();
        value()
    })
}
