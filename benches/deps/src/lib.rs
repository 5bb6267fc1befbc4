//! A small order service as a hot crate: what arrives is text, what leaves is JSON, and work in between is asynchronous.
//!
//! `liveswap-bench edit-to-live --crate deps` edits a constant of it. The dependencies are there because most crates have such
//! ones: `serde_json`, `regex`, `tokio` and `tracing`, each called by a hot function.

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

liveswap_abi::hot_crate!();

pub mod notes;
pub mod orders;
pub mod price;
pub mod queue;
pub mod service;

pub use notes::{Note, notes};
pub use orders::{Line, Order, parse, render};
pub use price::price;
pub use queue::total;
pub use service::answer;
