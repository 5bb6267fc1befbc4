//! A hot crate that tells what it does.

use liveswap_abi::{LeasedFuture, lease};
use liveswap_macros::hot;
use tracing::field::Empty;

liveswap_abi::hot_crate!();

#[hot]
pub fn value() -> u32 {
    10
}

#[hot]
pub fn tell() {
    tracing::info!(answer = value(), "told");
}

#[hot]
pub fn whisper() {
    tracing::debug!("whispered {}", value());
}

#[hot]
pub fn asks() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

/// A span that the program keeps.
#[hot]
pub fn opened() -> tracing::Span {
    tracing::info_span!("kept", answer = value(), late = Empty)
}

/// The program swaps this code for other code while it is inside of a span.
#[hot]
pub fn around(swap: fn()) -> u32 {
    let span = tracing::info_span!("around", late = Empty);
    let _inside = span.enter();
    swap();
    span.record("late", value());
    tracing::Span::current().record("late", 0);
    tell();
    value()
}

/// The same with a span that the attribute makes.
#[tracing::instrument(name = "instrumented", target = "hot", skip_all)]
#[hot]
pub fn instrumented(swap: fn()) -> u32 {
    swap();
    tell();
    value()
}

/// And of code that waits: the program swaps while it does.
#[hot]
pub fn waiting() -> LeasedFuture<u32> {
    lease!(async move { waits(1).await })
}

#[tracing::instrument(name = "waits", target = "hot")]
async fn waits(times: u32) -> u32 {
    let mut left = times;
    std::future::poll_fn(|_| match left.checked_sub(1) {
        Some(less) => {
            left = less;
            std::task::Poll::Pending
        }
        None => std::task::Poll::Ready(()),
    })
    .await;
    tell();
    value()
}
