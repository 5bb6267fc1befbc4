//! The generations of a crate and the numbering of what it has: they outlive a runtime.

use std::any::TypeId;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use liveswap_abi::HotCrate;
use liveswap_abi::dispatch::Dispatch;

use super::Owner;
use crate::check::{Functions, Slots};
use crate::clock::{Clock, SystemClock};
use crate::drain::Drain;
use crate::event::{Kind, Timings};
use crate::exports::{Exports, Uses};
use crate::generation::Generation;
use crate::history::{History, Past};
use crate::retire::Retired;

/// What outlives a runtime because the program goes on calling it.
#[derive(Debug)]
pub(crate) struct Lineage {
    pub(crate) current: Generation,
    pub(crate) old: Retired,
    pub(crate) slots: Slots,
    pub(crate) last_number: u64,
    /// What the current generation has.
    pub(crate) exports: Exports,
    pub(crate) uses: Uses,
    /// What every artifact is compiled as; `None` while no code of a plugin is there.
    pub(crate) identity: Option<TypeId>,
}

impl Lineage {
    /// Numbers what the host is linked with, for the first time, and publishes it.
    pub(crate) fn begin(
        host: &'static HotCrate,
        functions: &Functions,
        is_plugin: bool,
    ) -> Lineage {
        let mut slots = Slots::default();
        slots.assign(functions);
        let now = SystemClock.now();
        let current = match is_plugin {
            true => Generation::nothing(now),
            false => Generation::linked(
                Dispatch::new(0, slots.targets(functions)),
                functions.surface(),
                now,
            ),
        };
        // Who is inside the empty table it replaces does not matter: that one is never freed.
        let _ = host.gate().swap(current.dispatch());
        Lineage {
            current,
            old: Retired::default(),
            slots,
            last_number: 0,
            exports: Exports::of(functions),
            uses: Uses::default(),
            identity: (!is_plugin).then(|| host.identity()),
        }
    }

    /// What a runtime knows of the generations that were there before it.
    pub(super) fn history(&self, limit: usize, is_plugin: bool) -> History {
        let past = |number, kind, digest| Past {
            number,
            origin: number,
            kind,
            digest,
            published: SystemTime::now(),
            artifact: PathBuf::new(),
            stage: None,
            unloaded: false,
            withdrawn: None,
        };
        let current = &self.current;
        // Nobody goes back to a plugin without code.
        let mut known = if is_plugin { Vec::new() } else { vec![past(0, Kind::Linked, None)] };
        if current.kind != Kind::Linked {
            known.push(past(current.number, current.kind, current.digest));
        }
        History::new(limit, known, current.number)
    }
}

impl Owner {
    /// Lets go of a plugin's code: whoever calls it from now on finds nothing.
    pub(super) fn close(&mut self) {
        // States of its types are nobody's from now on, and keep it mapped.
        let carried = match self.migrate(self.host) {
            Ok(carried) => carried,
            Err(refusal) => {
                tracing::warn!(plugin = self.host.name(), %refusal, "it stays open");
                return;
            }
        };
        let now = SystemClock.now();
        let nothing = Generation::nothing(now);
        let committed = carried.commit();
        let (_, fenced) = self.host.gate().swap(nothing.dispatch());
        self.migrated(committed, &mut Timings::default());
        self.lineage.exports = Exports::default();
        let mut old = std::mem::replace(&mut self.lineage.current, nothing);
        old.drain = Some(Drain::new(now, self.settings.report_after));
        self.lineage.old.push(old, fenced.err(), now);
        // Nobody would be there to end it.
        self.settings.protections.quarantine = Duration::ZERO;
        self.retire();
        if !self.lineage.old.has_code() {
            self.lineage.identity = None;
        }
    }
}
