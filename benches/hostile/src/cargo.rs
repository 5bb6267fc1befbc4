//! A small state that goes from version to version.

use liveswap_abi::state::{OpenError, State};
use liveswap_macros::{Layout, hot};
use serde::{Deserialize, Serialize};

use crate::versioned::Edition;

/// What is carried.
#[derive(Debug, Clone, PartialEq, Layout, Serialize, Deserialize)]
pub struct Cargo {
    crates: Vec<(u64, String)>,
    edition: Edition,
}

/// Something to carry.
#[hot]
#[must_use]
pub fn load() -> State<Cargo> {
    State::named("cargo", full)
}

/// Whether it is what [`load`] made.
///
/// # Errors
///
/// If it cannot be opened.
#[hot]
pub fn is_whole(cargo: &State<Cargo>) -> Result<bool, OpenError> {
    Ok(*cargo.look()? == full())
}

fn full() -> Cargo {
    let crates = (0..20).map(|number| (number, format!("crate {number}"))).collect();
    Cargo { crates, edition: Edition }
}
