use std::pin::pin;
use std::task::{Context, Poll, Waker};

use liveswap_macros::hot;

#[hot]
fn double(value: u32) -> u32 {
    value * 2
}

async fn double_later(value: u32) -> u32 {
    double(value)
}

#[test]
fn an_async_function_calls_a_hot_one() {
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(pin!(double_later(4)).poll(&mut context), Poll::Ready(8));
}
