//! A hot crate from which something escapes in every way there is.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;

use liveswap_macros::hot;

liveswap_abi::hot_crate!();

const VERSION: u32 = 1;

/// What only this code knows how to do.
pub trait Greeter {
    fn greet(&self) -> u32;
}

/// Writes its version down when it is dropped.
struct Last(&'static AtomicU32);

impl Greeter for Last {
    fn greet(&self) -> u32 {
        VERSION
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        self.0.store(VERSION, SeqCst);
    }
}

thread_local! {
    static LAST: Cell<Option<Last>> = const { Cell::new(None) };
}

#[hot]
pub fn version() -> u32 {
    VERSION
}

/// Leaves a thread-local value with a destructor.
#[hot]
pub fn local(saw: &'static AtomicU32) {
    LAST.set(Some(Last(saw)));
}

/// Makes the calling thread known to this image's standard library.
#[hot]
pub fn current() -> bool {
    format!("{:?}", std::thread::current().id()).starts_with("ThreadId")
}

fn plain(x: u32) -> u32 {
    x + VERSION
}

#[hot]
pub fn function() -> fn(u32) -> u32 {
    plain
}

#[hot]
pub fn value(saw: &'static AtomicU32) -> Box<dyn Greeter> {
    Box::new(Last(saw))
}

/// Ends when `go` is not zero.
#[hot]
pub fn future(go: &'static AtomicU32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(poll_fn(move |context| match go.load(SeqCst) {
        0 => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
        _ => Poll::Ready(VERSION),
    }))
}

/// Leaves a task on the executor that the caller is inside.
#[hot]
pub fn task(go: &'static AtomicU32, saw: &'static AtomicU32) {
    tokio::spawn(async move { saw.store(future(go).await, SeqCst) });
}

/// Leaves a panic hook with the standard library that this code uses.
#[hot]
pub fn hook(saw: &'static AtomicU32) {
    std::panic::set_hook(Box::new(move |_| saw.store(VERSION, SeqCst)));
}
