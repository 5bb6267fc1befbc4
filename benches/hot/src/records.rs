//! A large state, whose layout is another one in every version.

use std::time::{Duration, Instant};

use liveswap_abi::layout::{Describer, Layout};
use liveswap_abi::state::{State, StateError};
use liveswap_macros::{Layout, hot};
use serde::{Deserialize, Serialize};

use crate::current;

/// One of many.
#[derive(Debug, Clone, PartialEq, Layout, Serialize, Deserialize)]
pub struct Record {
    id: u64,
    position: [f64; 3],
    name: String,
    tags: Vec<u32>,
    kind: Kind,
    version: Version,
}

#[derive(Debug, Clone, PartialEq, Layout, Serialize, Deserialize)]
enum Kind {
    Plain,
    Named { title: String },
}

/// Looks the same in every version and says that it does not: versions differ in one number of the built file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Version;

// SAFETY: it has no bytes, so code of any version may use those of any other.
unsafe impl Layout for Version {
    const EXTENT: Option<(usize, usize)> = Some((0, 1));

    fn describe(describer: &mut Describer<'_>) {
        describer.variant("Version", i128::from(current()));
    }
}

fn record(id: u64) -> Record {
    let kind = if id.is_multiple_of(2) {
        Kind::Plain
    } else {
        Kind::Named { title: format!("number {id}") }
    };
    Record {
        id,
        position: [id as f64, 0.5, -(id as f64)],
        name: format!("record {id}"),
        tags: vec![1, 20, 300],
        kind,
        version: Version,
    }
}

/// A state of `count` records.
#[hot]
#[must_use]
pub fn new_records(count: u64) -> State<Vec<Record>> {
    State::new((0..count).map(record).collect())
}

/// Whether they are what [`new_records`] made of them.
///
/// # Errors
///
/// If they cannot be opened.
#[hot]
pub fn are_whole(records: &State<Vec<Record>>) -> Result<bool, StateError> {
    let records = records.look()?;
    Ok(records.iter().zip(0..).all(|(found, id)| *found == record(id)))
}

/// How long it takes to write all records and to read them, by the same code with the same format, and how many bytes
/// that is.
///
/// # Errors
///
/// If they cannot be opened, written or read.
#[hot]
pub fn serde_alone(records: &State<Vec<Record>>) -> Result<(Duration, usize), StateError> {
    let start = Instant::now();
    let written = records.write()?;
    let read: Vec<Record> = written.read()?;
    let elapsed = start.elapsed();
    drop(read);
    Ok((elapsed, written.bytes.len()))
}
