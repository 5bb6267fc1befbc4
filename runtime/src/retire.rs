//! The generations that are no longer current: looked at until nobody is inside, then unloaded or retained.

use std::time::Instant;

use liveswap_abi::gate::{Gate, HoldKind};
use liveswap_abi::{BarrierUnavailable, LeftKind, state};

use crate::check::Slots;
use crate::event::{Event, Holder, HolderKind, Kind, Retirement};
use crate::generation::{Ending, Generation, Protections};
use crate::status::{GenerationState, GenerationStatus};
use crate::thread;

/// How many generations are in quarantine at most: their memory is in use meanwhile.
const QUARANTINED: usize = 8;

/// Old generations, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Retired {
    generations: Vec<Generation>,
    /// Set once the kernel refused the fence that the gate relies on: from then on nobody can be proven outside.
    unfenced: Option<BarrierUnavailable>,
}

impl Retired {
    /// Takes in a generation that was just replaced; the others are looked at again.
    pub(crate) fn push(
        &mut self,
        generation: Generation,
        unfenced: Option<BarrierUnavailable>,
        now: Instant,
    ) {
        self.unfenced = self.unfenced.or(unfenced);
        for old in &mut self.generations {
            if let Some(drain) = &mut old.drain {
                drain.hurry(now);
            }
        }
        if !generation.is_nothing() {
            self.generations.push(generation);
        }
    }

    /// Whether code of an old generation is still mapped.
    pub(crate) fn has_code(&self) -> bool {
        self.generations.iter().any(|generation| generation.kind != Kind::Linked)
    }

    /// Takes generation 0 out again, to be made current once more.
    pub(crate) fn take_linked(&mut self) -> Option<Generation> {
        let linked = |generation: &Generation| generation.kind == Kind::Linked;
        let index = self.generations.iter().position(linked)?;
        Some(self.generations.remove(index))
    }

    /// Takes back in what [`Retired::take_linked`] gave, which was not made current.
    pub(crate) fn give_back(&mut self, linked: Generation) {
        self.generations.insert(0, linked);
    }

    /// When to look next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let waiting = self.generations.iter().filter(|generation| generation.kind != Kind::Linked);
        waiting.filter_map(|generation| Some(generation.drain.as_ref()?.due())).min()
    }

    /// Looks at every generation whose time has come and says what became of it.
    pub(crate) fn look(
        &mut self,
        gate: &Gate,
        slots: &Slots,
        protections: &Protections,
        now: Instant,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let states = state::holds();
        let quarantined =
            self.generations.iter_mut().filter(|generation| generation.is_quarantined());
        let mut quarantined: Vec<&mut Generation> = quarantined.collect();
        let excess = quarantined.len().saturating_sub(QUARANTINED);
        quarantined.drain(..excess).for_each(|oldest| oldest.cut_quarantine_short(now));
        for mut generation in std::mem::take(&mut self.generations) {
            let due = generation.drain.as_ref().is_some_and(|drain| drain.is_due(now));
            if !due || generation.kind == Kind::Linked {
                self.generations.push(generation);
                continue;
            }
            let number = generation.number;
            // Calls first: they are what makes more of the rest.
            let held = gate.is_held(generation.dispatch()) || !states.is_empty();
            if held || generation.runs_hooks() || generation.is_held(protections) {
                generation.retained = None;
                if generation.drain.as_mut().is_some_and(|drain| drain.still_held(now)) {
                    let holders = holders(&generation, gate, slots, now);
                    events.push(Event::Draining { generation: number, holders });
                }
                self.generations.push(generation);
                continue;
            }
            let before = generation.retained.take();
            let ending = match self.unfenced {
                Some(unfenced) => {
                    generation.retained =
                        Some(format!("who is inside cannot be known: {unfenced}"));
                    Ending::Stays(generation)
                }
                None => generation.unload(protections, now),
            };
            match ending {
                Ending::Gone => {
                    let outcome = Retirement::Unloaded;
                    events.push(Event::Retired { generation: number, outcome });
                }
                Ending::Later(mut generation, then) => {
                    // Until the answer is another one, it is the one from before.
                    if protections.scan {
                        generation.retained = before;
                    }
                    if let Some(drain) = &mut generation.drain {
                        drain.not_yet(then);
                    }
                    self.generations.push(generation);
                }
                Ending::Stays(mut generation) => {
                    if let Some(drain) = &mut generation.drain {
                        drain.retained(now);
                    }
                    // Said once; later looks only speak when the image leaves.
                    if let (None, Some(why)) = (before, &generation.retained) {
                        generation.give_back();
                        let (why, bytes) = (why.clone(), generation.in_memory());
                        let outcome = Retirement::Retained { why, bytes };
                        events.push(Event::Retired { generation: number, outcome });
                    }
                    self.generations.push(generation);
                }
            }
        }
        events
    }

    /// A picture of each.
    pub(crate) fn status(&self, gate: &Gate, slots: &Slots, now: Instant) -> Vec<GenerationStatus> {
        let one = |generation: &Generation| {
            status(generation, holders(generation, gate, slots, now), now)
        };
        self.generations.iter().map(one).collect()
    }
}

/// A picture of one generation.
pub(crate) fn status(
    generation: &Generation,
    holders: Vec<Holder>,
    now: Instant,
) -> GenerationStatus {
    let state = match (&generation.drain, &generation.retained) {
        (None, _) => GenerationState::Current,
        (Some(_), Some(why)) => {
            GenerationState::Retained { why: why.clone(), bytes: generation.in_memory() }
        }
        (Some(_), None) if generation.kind == Kind::Linked => GenerationState::Linked,
        (Some(_), None) if generation.is_quarantined() => GenerationState::Quarantined,
        (Some(_), None) => GenerationState::Draining,
    };
    let age = now.saturating_duration_since(generation.published);
    let &Generation { number, kind, class, .. } = generation;
    let signed = generation.signed().cloned();
    let escape = generation.surface.escape.clone();
    let may_escape = escape.filter(|_| generation.kind != Kind::Linked);
    GenerationStatus { number, kind, class, signed, state, age, may_escape, holders }
}

fn holders(generation: &Generation, gate: &Gate, slots: &Slots, now: Instant) -> Vec<Holder> {
    let since = generation.drain.as_ref().map_or(generation.published, |drain| drain.since());
    let age = now.saturating_duration_since(since);
    let inside = gate.holds(generation.dispatch()).into_iter().map(|hold| {
        let kind = match hold.kind {
            HoldKind::Call { slot } => {
                let path = slots.path(slot).to_owned();
                match slots.is_value(slot) {
                    true => HolderKind::Read { value: path },
                    false => HolderKind::Call { function: path },
                }
            }
            HoldKind::Pin => HolderKind::Pin,
        };
        Holder { kind, thread: hold.thread, age }
    });
    let states = state::holds().into_iter().map(|name| Holder {
        kind: HolderKind::State { name },
        thread: String::new(),
        age,
    });
    inside.chain(left_behind(generation, slots, now)).chain(states).collect()
}

/// What hot code left behind and what has not ended, the oldest first.
pub(crate) fn left_behind(generation: &Generation, slots: &Slots, now: Instant) -> Vec<Holder> {
    let Some(left_behind) = generation.left_behind() else { return Vec::new() };
    let known = left_behind.known();
    let described =
        |kinds: &[LeftKind]| known.iter().filter(|left| kinds.contains(&left.kind)).count();
    // Read one after the other while things end: more may be described than are left.
    let threads = left_behind.threads().saturating_sub(described(&[LeftKind::Thread]));
    let thread_locals = (left_behind.destructors() + left_behind.key_values())
        .saturating_sub(described(&[LeftKind::Destructor, LeftKind::KeyValue]));
    let leases = left_behind.leases().saturating_sub(described(&[LeftKind::Lease]));
    let mut holders: Vec<Holder> = known
        .into_iter()
        .map(|left| {
            let function = left.function.map(|slot| slots.path(slot).to_owned());
            let kind = match left.kind {
                LeftKind::Thread => HolderKind::Thread { function },
                LeftKind::Destructor | LeftKind::KeyValue => HolderKind::ThreadLocal { function },
                LeftKind::Lease => {
                    HolderKind::Lease { type_name: left.leased.unwrap_or_default(), function }
                }
            };
            let age = now.saturating_duration_since(left.since);
            Holder { kind, thread: thread::name(left.thread), age }
        })
        .collect();
    if threads + thread_locals + leases > 0 {
        let kind = HolderKind::More { threads, thread_locals, leases };
        let age = holders.last().map(|youngest| youngest.age).unwrap_or_default();
        holders.push(Holder { kind, thread: String::new(), age });
    }
    holders
}
