//! Carrying states over to another generation: all of them, or none.
//!
//! The new values are all made before any old one is replaced, and an old one is dropped only after everything else
//! succeeded, so until [`Carried::commit`] nothing has happened that [`Carried`]'s destructor would not undo.

use std::any::TypeId;
use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use super::desk::{Desk, Listed, StateHolder, Turn};
use super::ops::{Failure, Migration, StateOps, Value};
use crate::hot_crate::HotCrate;
use crate::layout::{Describer, Fact, Fingerprint, Node, Sink, Subject};

/// The types of state that an image's signatures mention, and what it can do with them.
#[derive(Clone, Default)]
pub struct StateTypes {
    pub(super) listed: Vec<Listed>,
    pub(super) migrations: Vec<&'static Migration>,
}

impl StateTypes {
    /// Asks an image.
    #[must_use]
    pub fn of(image: &'static HotCrate) -> StateTypes {
        let describe = image.functions().iter().map(|function| function.describe());
        StateTypes::found(describe, image.migrations())
    }

    fn found(
        describe: impl Iterator<Item = fn(&mut Describer<'_>)>,
        migrations: &[&'static Migration],
    ) -> StateTypes {
        let mut finder = Finder::default();
        finder.pending.extend(describe);
        while let Some(describe) = finder.pending.pop() {
            describe(&mut Describer::new(&mut finder));
        }
        let listed = finder.found.into_iter();
        let listed = listed.map(|ops| Listed { ops, fingerprint: ops.fingerprint() });
        StateTypes { listed: listed.collect(), migrations: migrations.to_vec() }
    }

    /// The full names of the types, each with the fingerprint of its layout.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Fingerprint)> {
        self.listed.iter().map(|listed| (listed.ops.name(), listed.fingerprint))
    }

    /// The types whose layout is another one in `new`.
    pub fn changed<'a>(&'a self, new: &'a StateTypes) -> impl Iterator<Item = &'static str> + 'a {
        let changed = |old: &&Listed| {
            new.get(old.ops.name()).is_some_and(|new| new.fingerprint != old.fingerprint)
        };
        self.listed.iter().filter(changed).map(|listed| listed.ops.name())
    }

    /// Migrations of types that no signature mentions as a state, which would never be called.
    pub fn idle_migrations(&self) -> impl Iterator<Item = &'static Migration> + '_ {
        self.migrations.iter().copied().filter(|migration| self.get(migration.makes()).is_none())
    }

    /// By its name: to the compiler, a type with other fields is another type.
    fn get(&self, name: &str) -> Option<&Listed> {
        self.listed.iter().find(|listed| listed.ops.name() == name)
    }
}

impl fmt::Debug for StateTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Finds the states in descriptions.
#[derive(Default)]
struct Finder {
    seen: HashSet<TypeId>,
    pending: Vec<fn(&mut Describer<'_>)>,
    states: HashSet<TypeId>,
    found: Vec<&'static StateOps>,
}

impl Sink for Finder {
    fn node(&mut self, subject: Subject<'_>) -> Node {
        if let Some(describe) = subject.describe
            && self.seen.insert(subject.id)
        {
            self.pending.push(describe);
        }
        // Nobody asks for anything by its node here.
        Node::NONE
    }

    fn fact(&mut self, fact: Fact<'_>) {
        if let Fact::State { ops } = fact
            && self.states.insert(ops.type_id)
        {
            self.found.push(ops);
        }
    }
}

/// Why states could not be carried over; they are as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarryError {
    /// The full name of the state's type.
    pub state: String,
    /// What failed.
    pub why: CarryFailure,
}

/// What failed when a state was to be carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CarryFailure {
    /// The runtime of another hot crate was carrying states over until the deadline.
    Turn,
    /// Somebody had it open until the deadline.
    Open(Vec<StateHolder>),
    /// The old generation could not write it.
    Write(Failure),
    /// The new generation could not read it.
    Read(Failure),
    /// The new generation's own function for it failed.
    Migrate {
        /// The path of the function marked `#[hot(migrate)]`.
        function: &'static str,
        /// What it said.
        failure: Failure,
    },
}

/// States whose new values are made, and which nobody can open until they are taken or left.
#[must_use = "dropping it leaves every state as it was"]
pub struct Carried {
    desk: &'static Desk,
    hot_crate: &'static str,
    types: StateTypes,
    made: Vec<Made>,
    frozen: Option<Instant>,
    /// Taken only by `commit`.
    turn: Option<Turn>,
}

struct Made {
    slot: usize,
    listed: Listed,
    value: Value,
}

// SAFETY: the values are of types that are Send, and nobody else knows of them.
unsafe impl Send for Carried {}

/// How deep values may be nested when states are carried over.
///
/// To be done on a thread with [`STACK`] bytes of stack.
pub(super) const CARRY_DEPTH: usize = 1024;

/// How much stack a thread needs that carries states over.
pub const STACK: usize = 64 << 20;

impl Carried {
    /// Makes the new values of all states whose layout is another one in `types`.
    pub(super) fn make(
        desk: &'static Desk,
        hot_crate: &'static str,
        types: StateTypes,
        deadline: Instant,
    ) -> Result<Carried, CarryError> {
        let failed = |state: &str, why| CarryError { state: state.to_owned(), why };
        let turn = desk.turn(deadline).ok_or_else(|| failed("", CarryFailure::Turn))?;
        let made = Vec::new();
        let mut carried = Carried { desk, hot_crate, types, made, frozen: None, turn: Some(turn) };
        while carried.freeze() {
            desk.claim(deadline)
                .map_err(|(state, holders)| failed(state, CarryFailure::Open(holders)))?;
            for (slot, ops, value, listed) in carried.to_make() {
                let value = carried.carry(ops, value, listed);
                let value = value.map_err(|why| failed(ops.name(), why))?;
                carried.made.push(Made { slot, listed, value });
            }
        }
        Ok(carried)
    }

    /// How many states have a new value.
    #[must_use]
    pub fn count(&self) -> usize {
        self.made.len()
    }

    /// Freezes what has to be carried over and is not yet; whether there was anything.
    fn freeze(&mut self) -> bool {
        let mut inner = self.desk.lock();
        let others: Vec<Listed> = inner
            .current
            .iter()
            .filter(|(name, _)| **name != self.hot_crate)
            .flat_map(|(_, listed)| listed.iter().copied())
            .collect();
        let mut any = false;
        for entry in inner.entries.iter_mut().flatten() {
            let Some(new) = self.types.get(entry.ops.name()) else { continue };
            let has_home = new.fits(entry) || others.iter().any(|listed| listed.fits(entry));
            if !has_home && !entry.ending && !entry.frozen {
                entry.frozen = true;
                any = true;
            }
        }
        if any {
            self.frozen.get_or_insert_with(Instant::now);
        }
        any
    }

    fn to_make(&self) -> Vec<(usize, &'static StateOps, Value, Listed)> {
        let inner = self.desk.lock();
        let entries = inner.entries.iter().enumerate();
        entries
            .filter_map(|(slot, entry)| {
                let entry = entry.as_ref()?;
                let made = self.made.iter().any(|made| made.slot == slot);
                let wanted = entry.frozen && !entry.ending && !made;
                let listed = self.types.get(entry.ops.name()).filter(|_| wanted)?;
                Some((slot, entry.ops, entry.value, *listed))
            })
            .collect()
    }

    fn carry(
        &self,
        ops: &'static StateOps,
        value: Value,
        to: Listed,
    ) -> Result<Value, CarryFailure> {
        let mut bytes = Vec::new();
        // SAFETY: S1: the entry's value is of its own operations' type, and it is claimed.
        unsafe { (ops.write)(value, CARRY_DEPTH, &mut bytes) }.map_err(CarryFailure::Write)?;
        let by_hand = self.types.migrations.iter().find(|by| by.type_id == to.ops.type_id);
        match by_hand {
            Some(by) => (by.read)(&bytes, CARRY_DEPTH)
                .map_err(|failure| CarryFailure::Migrate { function: by.path(), failure }),
            None => (to.ops.read)(&bytes, CARRY_DEPTH).map_err(CarryFailure::Read),
        }
    }

    /// Replaces the values and gives every state the operations of the new generation. Nothing here can fail.
    ///
    /// Nobody can open a state that was carried over until [`Committed::finish`].
    pub fn commit(mut self) -> Committed {
        let made = std::mem::take(&mut self.made);
        let mut old = Vec::new();
        let mut inner = self.desk.lock();
        inner.current.insert(self.hot_crate, self.types.listed.clone());
        for Made { slot, listed, value } in made {
            if let Some(entry) = inner.entry_mut(slot) {
                old.push((entry.ops, entry.value));
                entry.ops = listed.ops;
                entry.fingerprint = listed.fingerprint;
                entry.value = value;
            }
        }
        inner.settle_all();
        drop(inner);
        Committed { old, frozen: self.frozen, turn: self.turn.take() }
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        for Made { listed, value, .. } in self.made.drain(..) {
            // SAFETY: S2: made by the same image's `read`, and nobody else knows of it.
            let ended = unsafe { (listed.ops.end)(value) };
            // A panic in a destructor of a value that is given up changes nothing.
            drop(ended);
        }
    }
}

/// States that have their new values; the old ones are still there.
#[must_use = "states stay closed until `finish`"]
pub struct Committed {
    old: Vec<(&'static StateOps, Value)>,
    frozen: Option<Instant>,
    turn: Option<Turn>,
}

// SAFETY: as for `Carried`.
unsafe impl Send for Committed {}

/// What carrying states over came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CarryReport {
    /// How many states were carried over.
    pub states: usize,
    /// How long nobody could open them.
    pub paused: Duration,
    /// Panics of old values' destructors: the type and the message.
    pub panics: Vec<(String, String)>,
}

impl Committed {
    /// Lets everybody open the states again and drops the old values.
    ///
    /// To be called after the new generation was published and while the old one cannot be unloaded.
    #[must_use]
    pub fn finish(mut self) -> CarryReport {
        let mut report = CarryReport { states: self.old.len(), ..CarryReport::default() };
        drop(self.turn.take());
        report.paused = self.frozen.map_or(Duration::ZERO, |frozen| frozen.elapsed());
        for (ops, value) in self.old.drain(..) {
            // SAFETY: S2: it was replaced while nobody had it open.
            let ended = unsafe { (ops.end)(value) };
            if let Err(failure) = ended {
                report.panics.push((ops.name().to_owned(), failure.message));
            }
        }
        report
    }
}
