//! Orders on their way through a queue.

use std::io;
use std::time::Duration;

use liveswap_macros::hot;
use tokio::sync::mpsc;
use tracing::info;

use crate::orders::Order;
use crate::price::price_of;

/// How many orders wait at most.
const WAITING: usize = 8;
/// How long an order may wait for the next one.
const PATIENCE: Duration = Duration::from_secs(5);

/// What all orders cost together, each priced by a task of its own.
///
/// # Errors
///
/// The executor could not be started.
///
/// ```
/// let orders = bench_deps::parse(r#"{"customer": "Ada", "lines": []}"#);
/// assert_eq!(bench_deps::total(orders)?, bench_deps::price(0));
/// # Ok::<_, std::io::Error>(())
/// ```
#[hot]
pub fn total(orders: Vec<Order>) -> io::Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(runtime.block_on(all(orders)))
}

async fn all(orders: Vec<Order>) -> u64 {
    let (sender, mut prices) = mpsc::channel(WAITING);
    for order in orders {
        let sender = sender.clone();
        tokio::spawn(async move {
            let cents = price_of(&order);
            // Nobody who listens is nobody who pays.
            let _ = sender.send(cents).await;
        });
    }
    drop(sender);
    let mut total = 0;
    while let Ok(Some(cents)) = tokio::time::timeout(PATIENCE, prices.recv()).await {
        total += cents;
    }
    info!(total, "priced them all");
    total
}

#[cfg(test)]
mod tests {
    use super::{WAITING, total};
    use crate::{orders::Order, price::price};

    #[test]
    fn more_orders_than_fit_into_the_queue_are_priced() {
        let order =
            Order { customer: "Ada".to_owned(), lines: Vec::new(), extra: Default::default() };
        let many = 3 * WAITING;
        assert_eq!(total(vec![order; many]).ok(), Some(many as u64 * price(0)));
    }
}
