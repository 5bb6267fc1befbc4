//! Keeping the program's named states when it is ended: it is asked to save them first, and has a while to do it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use liveswap::wire::{FromCli, NotSaved};

use super::Run;
use super::answers::Peer;
use crate::changed;
use crate::group::Tell;
use crate::lines;

/// How long a program has to save its states.
const SAVED_WITHIN: Duration = Duration::from_secs(2);

/// The program was asked to save its states, and is told to end when it has.
#[derive(Debug)]
pub(super) struct Saving {
    /// Who has not answered.
    waiting: BTreeSet<u64>,
    /// Nobody has joined yet of a program that was only just started: it may have states, and is asked as soon as it is here.
    expected: bool,
    pub(super) deadline: Instant,
    /// How it is told to end.
    then: Tell,
}

impl Saving {
    fn is_done(&self) -> bool {
        self.waiting.is_empty() && !self.expected
    }

    /// Somebody is there at last; whether to ask.
    fn joined(&mut self, id: u64, now: Instant) -> bool {
        let asked = std::mem::take(&mut self.expected);
        if asked {
            self.waiting.insert(id);
            self.deadline = now + SAVED_WITHIN;
        }
        asked
    }
}

/// What became of the states of a program that was told to end.
#[derive(Debug, Default)]
pub(super) struct Kept {
    names: BTreeSet<String>,
    failed: Vec<NotSaved>,
    /// Whether a process did not answer in time.
    silent: bool,
}

impl Kept {
    /// The rest of a line: which states go on.
    pub(super) fn words(&self) -> String {
        if self.names.is_empty() {
            return String::new();
        }
        let names: Vec<String> = self.names.iter().map(|name| format!("`{name}`")).collect();
        format!("; kept {}", changed::list(&names))
    }

    /// A line for whatever was not saved.
    pub(super) fn problems(&self) -> Vec<String> {
        let failed = self.failed.iter().map(|not| match not.name.as_str() {
            "*" => not.why.clone(),
            name => format!("`{name}`: {}", not.why),
        });
        let silent = self.silent.then(|| {
            format!(
                "the program did not answer within {} s; is a state open all the time? States begin \
                 as they were saved last, if they were",
                SAVED_WITHIN.as_secs()
            )
        });
        failed.chain(silent).map(|text| lines::notable("state not saved", &text)).collect()
    }
}

impl Run {
    /// Asks the program to save its states before it is told to end; `false` where nobody is there, or about
    /// to be there, to be asked.
    pub(super) fn ask_to_save(&mut self, then: Tell, now: Instant) -> bool {
        if let Some(saving) = &mut self.saving {
            saving.then = then;
            return true;
        }
        // All runtimes of a process have the same states.
        let mut asked = BTreeMap::new();
        for (id, peer) in self.peers.iter().filter(|(_, peer)| peer.is_listening()) {
            let first = asked.entry(peer.pid()).or_insert(*id);
            *first = (*first).min(*id);
        }
        for id in asked.values() {
            self.peers.get(id).into_iter().for_each(|peer| peer.tell(&FromCli::SaveStates));
        }
        self.kept = Kept::default();
        let waiting: BTreeSet<u64> = asked.into_values().collect();
        let expected = waiting.is_empty() && self.life.may_join();
        let saving = Saving { waiting, expected, deadline: now + SAVED_WITHIN, then };
        self.saving = (!saving.is_done()).then_some(saving);
        self.saving.is_some()
    }

    /// Asks a program that has joined after it was to be asked.
    pub(super) fn ask_late(&mut self, id: u64, now: Instant) {
        if self.saving.as_mut().is_some_and(|saving| saving.joined(id, now)) {
            self.peers.get(&id).into_iter().for_each(|peer| peer.tell(&FromCli::SaveStates));
        }
    }

    /// Takes in which states were saved.
    pub(super) fn states_saved(&mut self, id: u64, saved: Vec<String>, failed: Vec<NotSaved>) {
        let Some(saving) = &mut self.saving else { return };
        if saving.waiting.remove(&id) {
            self.kept.names.extend(saved);
            self.kept.failed.extend(failed);
            self.end_when_saved();
        }
    }

    /// A runtime that ends saves the states by itself.
    pub(super) fn answers_no_more(&mut self, id: u64) {
        if self.saving.as_mut().is_some_and(|saving| saving.waiting.remove(&id)) {
            self.end_when_saved();
        }
    }

    fn end_when_saved(&mut self) {
        if let Some(saving) = self.saving.take_if(|saving| saving.is_done()) {
            self.tell_to_end(saving.then);
        }
    }

    /// Ends the program that has not saved its states in time.
    pub(super) fn give_up_saving(&mut self, now: Instant) {
        if let Some(saving) = self.saving.take_if(|saving| saving.deadline <= now) {
            // A program that nobody joined from has no runtime, and nothing to lose.
            self.kept.silent = !saving.waiting.is_empty();
            self.tell_to_end(saving.then);
        }
    }
}

impl Peer {
    /// Whether it is a program that can be asked something.
    fn is_listening(&self) -> bool {
        self.is_program() && self.is_connected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_only_just_started_is_asked_when_it_has_joined() {
        let now = Instant::now();
        let (deadline, then) = (now + SAVED_WITHIN, Tell::Terminate);
        let mut saving = Saving { waiting: BTreeSet::new(), expected: true, deadline, then };
        assert!(!saving.is_done(), "it may come");
        let later = now + SAVED_WITHIN / 2;
        assert!(saving.joined(7, later));
        assert_eq!(saving.deadline, later + SAVED_WITHIN, "it has as long as others");
        assert!(!saving.is_done());
        assert!(!saving.joined(8, later), "all runtimes of a process have the same states");
        assert!(saving.waiting.remove(&7));
        assert!(saving.is_done());
    }
}
