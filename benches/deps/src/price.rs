//! What an order costs.

use liveswap_macros::hot;
use tracing::{debug, trace};

use crate::orders::Order;

/// What is added to every order.
const FEE_CENTS: u64 = 3;
/// What a kilogram costs.
const CENTS_PER_KILOGRAM: u64 = 120;
/// From this weight on the second half of it is free.
const BULK_KILOGRAMS: u64 = 40;

/// What is paid for `weight` kilograms, in cents.
///
/// ```
/// assert_eq!(bench_deps::price(1) - bench_deps::price(0), 120);
/// ```
#[hot]
#[must_use]
pub fn price(weight: u64) -> u64 {
    let paid = if weight >= BULK_KILOGRAMS { weight.div_ceil(2) } else { weight };
    let cents = FEE_CENTS + paid * CENTS_PER_KILOGRAM;
    trace!(weight, cents, "priced");
    cents
}

/// What is paid for all lines of an order together, in cents.
#[hot]
#[must_use]
pub fn price_of(order: &Order) -> u64 {
    let weights = order.lines.iter().map(|line| line.grams * u64::from(line.count));
    let kilograms = weights.sum::<u64>().div_ceil(1000);
    debug!(customer = %order.customer, kilograms, "pricing an order");
    price(kilograms)
}

#[cfg(test)]
mod tests {
    use super::{BULK_KILOGRAMS, price};

    #[test]
    fn half_of_what_is_heavy_is_free() {
        assert!(price(BULK_KILOGRAMS) < price(BULK_KILOGRAMS - 1));
        assert_eq!(price(BULK_KILOGRAMS), price(BULK_KILOGRAMS / 2));
    }
}
