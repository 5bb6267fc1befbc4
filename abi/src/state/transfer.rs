//! Single states into bytes and back, and how one ends.

use super::desk::Desk;
use super::ops::{Failure, StateOps, Value};
use super::{StateError, WrittenState, format};

impl Desk {
    /// Writes a state, with the code of the generation that it belongs to now.
    pub(super) fn write(&self, slot: usize) -> Result<WrittenState, StateError> {
        // Alone: the type need not be one that two threads may write at once.
        self.with(slot, true, |ops, value| {
            let mut bytes = Vec::new();
            // SAFETY: S1: `with` has it open.
            unsafe { (ops.write)(value, format::DEPTH, &mut bytes) }
                .map_err(|failure| StateError::Write { state: ops.name().to_owned(), failure })?;
            Ok(WrittenState { type_name: ops.name().to_owned(), bytes })
        })
    }

    /// Replaces a state's value by one read from `bytes`, by the code of the generation that it belongs to now.
    pub(super) fn read(&self, slot: usize, bytes: &[u8]) -> Result<(), StateError> {
        self.with(slot, true, |ops, _| {
            let state = || ops.name().to_owned();
            let read = (ops.read)(bytes, format::DEPTH)
                .map_err(|failure| StateError::Read { state: state(), failure })?;
            let mut inner = self.lock();
            let Some(entry) = inner.entry_mut(slot) else { return Ok(()) };
            let old = std::mem::replace(&mut entry.value, read);
            drop(inner);
            // SAFETY: S2: it was replaced while this thread alone had it open.
            unsafe { (ops.end)(old) }
                .map_err(|failure| StateError::Dropped { state: state(), failure })
        })
    }

    /// Drops a state's value and forgets it.
    pub(super) fn end(&self, slot: usize) -> Result<(), Failure> {
        let Some((ops, value)) = self.begin_end(slot) else { return Ok(()) };
        // SAFETY: S2: the handle is gone and nobody has it open.
        let ended = unsafe { (ops.end)(value) };
        self.finish_end(slot);
        ended
    }

    /// The states that have a name, each written.
    pub(super) fn write_named(&self) -> Vec<(String, Result<WrittenState, StateError>)> {
        let named = |(slot, entry): (usize, &Option<super::desk::Entry>)| {
            let entry = entry.as_ref().filter(|entry| !entry.ending)?;
            Some((slot, entry.name.clone()?))
        };
        let named: Vec<_> = self.lock().entries.iter().enumerate().filter_map(named).collect();
        named.into_iter().map(|(slot, name)| (name, self.write(slot))).collect()
    }

    /// Runs `body` with a state open, whatever layout it has, while no generation is unloaded.
    fn with<R>(
        &self,
        slot: usize,
        to_change: bool,
        body: impl FnOnce(&'static StateOps, Value) -> Result<R, StateError>,
    ) -> Result<R, StateError> {
        let value = self.open(slot, None, to_change)?;
        let ops = {
            let mut inner = self.lock();
            inner.busy += 1;
            inner.entry(slot).map(|entry| entry.ops)
        };
        let result =
            ops.map_or(Err(StateError::Open(super::OpenError::gone())), |ops| body(ops, value));
        self.lock().busy -= 1;
        self.close(slot, to_change);
        result
    }
}
