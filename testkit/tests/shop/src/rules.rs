//! What things cost.

use std::sync::atomic::{AtomicU32, Ordering};

use liveswap_macros::hot;

static SOLD: AtomicU32 = AtomicU32::new(0);

/// What is taken off a price.
#[hot]
pub fn discount(price: u32) -> u32 {
    price * 10 / 100
}

/// The price with everything that comes on top.
#[hot]
pub fn taxed(price: u32) -> u32 {
    price + price * kit_prices::tax() / 100
}

/// Visits the price of each thing after the discount.
#[hot]
pub fn visit(prices: &[u32], visitor: &dyn Fn(u32)) {
    for price in prices {
        visitor(price - discount(*price));
    }
}

/// How many were sold so far, with one more.
#[hot]
pub fn sell() -> u32 {
    // Relaxed: nothing else is published with it.
    SOLD.fetch_add(1, Ordering::Relaxed) + 1
}

/// What is printed under a receipt.
#[hot]
pub fn thanks() -> String {
    include_str!("../text/thanks.txt").trim().to_owned()
}

/// A price as other programs read it.
#[hot]
pub fn json(price: u32) -> String {
    serde_json::json!({ "price": price }).to_string()
}
