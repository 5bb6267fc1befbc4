//! What has happened and was not told yet: at most one touch a file, the latest one.
//!
//! The system's events come in on a thread that must never wait, in any number. Here they are
//! reduced to the watched files, so nothing grows and nothing is dropped, however slow the reader.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind};

use super::{Notice, Touch};

/// Whether the system tells when a writer closes a file.
pub(super) const CLOSES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The meeting point of the system's events and the watcher's thread.
pub(super) struct Inbox {
    state: Mutex<State>,
    wake: Sender<()>,
}

#[derive(Default)]
struct State {
    interest: Interest,
    pending: BTreeMap<PathBuf, Touch>,
    lost: HashSet<PathBuf>,
    rearm: bool,
}

/// Which events matter.
#[derive(Default)]
pub(super) struct Interest {
    /// The paths as events name them, with the words in which they were given.
    pub(super) files: HashMap<PathBuf, PathBuf>,
    /// Every directory above a watched file.
    pub(super) directories: HashSet<PathBuf>,
}

impl Inbox {
    /// An inbox that wakes its reader through `wake`, a channel with room for one.
    pub(super) fn new(wake: Sender<()>) -> Self {
        Inbox { state: Mutex::new(State::default()), wake }
    }

    /// Replaces what matters; what is pending for other files is forgotten.
    pub(super) fn set_interest(&self, interest: Interest) {
        let mut state = self.lock();
        let given: HashSet<&PathBuf> = interest.files.values().collect();
        state.pending.retain(|path, _| given.contains(path));
        state.interest = interest;
    }

    /// Takes in one word of the system.
    pub(super) fn receive(&self, event: notify::Result<Event>) {
        let mut state = self.lock();
        let woken = match event {
            Ok(event) if event.need_rescan() => state.rescan(),
            Ok(event) => state.receive(&event),
            // Which events were lost is not known.
            Err(_) => state.rescan(),
        };
        drop(state);
        if woken {
            self.wake();
        }
    }

    /// Takes in a change that was found by looking. Events that say more than that stay.
    ///
    /// An event that came between the looking and this call may be hidden by it; then the next
    /// look finds once more that the file is another.
    pub(super) fn found(&self, given: &Path, touch: Touch) {
        let mut state = self.lock();
        let older = state.pending.get(given);
        if matches!(older, None | Some(Touch::Changed | Touch::Removed | Touch::Attributes)) {
            state.pending.insert(given.to_owned(), touch);
        }
    }

    /// The next notice, which is then no longer pending.
    pub(super) fn take(&self) -> Option<Notice> {
        self.lock().pending.pop_first().map(|(path, touch)| Notice { path, touch })
    }

    /// Puts back a notice that could not be delivered; what came since then is newer.
    pub(super) fn put_back(&self, notice: Notice) {
        let mut state = self.lock();
        if !state.interest.files.values().any(|given| *given == notice.path) {
            return;
        }
        let newer = state.pending.get(&notice.path).copied();
        let touch = newer.map_or(notice.touch, |newer| merge(Some(notice.touch), newer));
        state.pending.insert(notice.path, touch);
    }

    /// Whether directories came or went since the last call, and which watched ones are lost.
    pub(super) fn take_rearm(&self) -> Option<HashSet<PathBuf>> {
        let mut state = self.lock();
        std::mem::take(&mut state.rearm).then(|| std::mem::take(&mut state.lost))
    }

    /// Wakes the reader, unless it is already about to wake.
    pub(super) fn wake(&self) {
        // A full channel means just that.
        let _ = self.wake.try_send(());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is one step, so a panic elsewhere left it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn receive(&mut self, event: &Event) -> bool {
        let mut woken = false;
        for (index, path) in event.paths.iter().enumerate() {
            if let Some(touch) = touch(event.kind, index, CLOSES)
                && let Some(given) = self.interest.files.get(path)
            {
                let older = self.pending.get(given).copied();
                self.pending.insert(given.clone(), merge(older, touch));
                woken = true;
            }
            if concerns_directories(event.kind) && self.interest.directories.contains(path) {
                if matches!(
                    event.kind,
                    EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From))
                ) {
                    self.lost.insert(path.clone());
                }
                self.rearm = true;
                woken = true;
            }
        }
        woken
    }

    fn rescan(&mut self) -> bool {
        for given in self.interest.files.values() {
            self.pending.entry(given.clone()).or_insert(Touch::Changed);
        }
        self.rearm = true;
        true
    }
}

/// What two touches of one file come to: the newer one, unless it says nothing of the content.
fn merge(older: Option<Touch>, newer: Touch) -> Touch {
    match (older, newer) {
        (Some(older), Touch::Attributes) => older,
        _ => newer,
    }
}

/// What an event means for the path that stands at `index` in it.
fn touch(kind: EventKind, index: usize, closes: bool) -> Option<Touch> {
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Touch::Closed,
        // Reading is not a touch; taking it for one would answer every look with another.
        EventKind::Access(_) => return None,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
            Touch::Removed
        }
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Touch::Replaced,
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => match index {
            // Both halves were already told one by one.
            _ if closes => return None,
            0 => Touch::Removed,
            _ => Touch::Replaced,
        },
        EventKind::Create(_) if closes => Touch::Created,
        EventKind::Modify(ModifyKind::Data(_)) if closes => Touch::Written,
        EventKind::Modify(ModifyKind::Metadata(_)) if closes => Touch::Attributes,
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {
            Touch::Changed
        }
    })
}

/// Whether an event can mean that a directory came, went, or became another.
fn concerns_directories(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(_) => false,
        EventKind::Modify(modify) => matches!(modify, ModifyKind::Name(_) | ModifyKind::Any),
        EventKind::Any | EventKind::Create(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}

#[cfg(test)]
mod tests;
