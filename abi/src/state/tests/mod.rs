//! States without a runtime: who may open them, and what carrying them over does.

#![allow(clippy::unwrap_used)]

mod carrying;
mod dynamic;
mod opening;
mod schema;
mod value;

use std::time::{Duration, Instant};

use super::desk::{Desk, Listed};
use super::ops::StateOps;
use super::{Carried, CarryError, StateTypes};
use crate::layout::Fingerprint;

/// A desk of the test's own.
fn desk() -> &'static Desk {
    Box::leak(Box::new(Desk::new()))
}

/// A generation that knows one type of state, whose layout is `layout`.
fn generation(ops: &'static StateOps, layout: u128) -> StateTypes {
    let fingerprint = Fingerprint::from_u128(layout);
    StateTypes { listed: vec![Listed { ops, fingerprint }], migrations: Vec::new() }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn carry(desk: &'static Desk, types: StateTypes) -> Result<Carried, CarryError> {
    Carried::make(desk, "game", types, soon())
}
