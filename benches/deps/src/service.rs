//! A request from its text to its answer.

use liveswap_macros::hot;
use serde_json::{Value, json};
use tracing::{error, info_span};

use crate::notes::{Note, notes};
use crate::orders::{parse, render};
use crate::price::price_of;
use crate::queue::total;

/// Answers a request: orders, one a line, and a note about all of them.
///
/// ```
/// let answer = bench_deps::answer(r#"{"customer": "Ada", "lines": []}"#, "thank you");
/// assert_eq!(answer["orders"][0]["customer"], "Ada");
/// ```
#[hot]
#[must_use]
pub fn answer(orders: &str, note: &str) -> Value {
    let span = info_span!("request", bytes = orders.len());
    let _entered = span.enter();
    let orders = parse(orders);
    let rendered: Vec<Value> = orders.iter().map(|order| render(order, price_of(order))).collect();
    let vouchers: Vec<String> = notes(note)
        .into_iter()
        .filter_map(|note| match note {
            Note::Voucher(code) => Some(code),
            Note::Day { .. } | Note::Telephone(_) => None,
        })
        .collect();
    match total(orders) {
        Ok(cents) => json!({ "orders": rendered, "cents": cents, "vouchers": vouchers }),
        Err(failure) => {
            error!(%failure, "no executor");
            json!({ "orders": rendered, "error": failure.to_string() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::answer;
    use crate::price::price;

    #[test]
    fn an_answer_has_every_order_and_the_sum() {
        let text = "{\"customer\":\"Ada\",\"lines\":[{\"article\":\"tea\",\"count\":3,\"grams\":1000}]}\n\
                    {\"customer\":\"Bob\",\"lines\":[]}";
        let answer = answer(text, "with #TEA");
        assert_eq!(answer["orders"].as_array().map(Vec::len), Some(2));
        assert_eq!(answer["cents"], price(3) + price(0));
        assert_eq!(answer["vouchers"][0], "TEA");
    }
}
