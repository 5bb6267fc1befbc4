//! Orders as JSON.

use std::collections::BTreeMap;

use liveswap_macros::hot;
use serde::{Deserialize, Serialize};
use tracing::warn;

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who.
    pub customer: String,
    /// What.
    pub lines: Vec<Line>,
    /// Anything else that was said about it.
    #[serde(default)]
    pub extra: BTreeMap<String, serde_json::Value>,
}

/// One kind of thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// Its name.
    pub article: String,
    /// How many.
    pub count: u32,
    /// How heavy one is.
    #[serde(default)]
    pub grams: u64,
}

/// Reads orders, one a line; lines that are none are left out.
///
/// ```
/// let orders = bench_deps::parse("{\"customer\": \"Ada\", \"lines\": []}\nnonsense");
/// assert_eq!(orders.len(), 1);
/// ```
#[hot]
#[must_use]
pub fn parse(text: &str) -> Vec<Order> {
    let mut orders = Vec::new();
    for (number, line) in text.lines().enumerate() {
        match serde_json::from_str::<Order>(line) {
            Ok(order) => orders.push(order),
            Err(error) => warn!(number, %error, "not an order"),
        }
    }
    orders
}

/// Writes an order with what it costs.
///
/// ```
/// let order = bench_deps::parse(r#"{"customer": "Ada", "lines": []}"#).remove(0);
/// assert_eq!(bench_deps::render(&order, 7)["cents"], 7);
/// ```
#[hot]
#[must_use]
pub fn render(order: &Order, cents: u64) -> serde_json::Value {
    let lines: Vec<_> = order
        .lines
        .iter()
        .map(|line| serde_json::json!({ "article": line.article, "count": line.count }))
        .collect();
    serde_json::json!({
        "customer": order.customer,
        "lines": lines,
        "cents": cents,
        "extra": order.extra,
    })
}

#[cfg(test)]
mod tests {
    use super::{parse, render};

    #[test]
    fn what_was_said_besides_is_kept() {
        let text =
            r#"{"customer":"Ada","lines":[{"article":"pea","count":2}],"extra":{"gift":true}}"#;
        let orders = parse(text);
        let [order] = orders.as_slice() else { panic!("one order, got {orders:?}") };
        assert_eq!(order.lines[0].grams, 0);
        assert_eq!(render(order, 12)["extra"]["gift"], true);
    }
}
