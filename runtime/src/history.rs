//! The generations that a runtime has had: which can be gone back to, and which code was set aside.
//!
//! Pure decisions over plain records. A generation that is activated again is a new one with a number of its own, except
//! the linked one; it is of the same *origin*, the number under which its code first came, and that is what "before"
//! means when the program rolls back.

use std::path::PathBuf;
use std::time::SystemTime;

use blake3::Hash;

use crate::event::Kind;
use crate::stage::StagedArtifact;

/// One generation that a runtime has, or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its number.
    pub generation: u64,
    /// The generation whose code it is, where it was activated again; `None` where the code came with it.
    pub of: Option<u64>,
    /// Where its code comes from.
    pub kind: Kind,
    /// The blake3 digest of its artifact in hexadecimal digits; `None` for the code linked into the program.
    pub digest: Option<String>,
    /// When it was last published.
    pub published: SystemTime,
    /// How it ended, if it did.
    pub fate: Fate,
    /// Whether it can be activated: its stage is kept, or it is the program's own code.
    pub is_kept: bool,
}

/// What became of a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Calls enter it.
    Current,
    /// It was replaced, and its code is still mapped.
    Retired,
    /// It was replaced, and its image left the process.
    Unloaded,
    /// It was taken back: by [`Runtime::rollback`](crate::Runtime::rollback), or because it panicked.
    Withdrawn {
        /// Why.
        why: String,
    },
}

/// What is known of one generation.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) number: u64,
    /// The number under which its code first came.
    pub(crate) origin: u64,
    pub(crate) kind: Kind,
    pub(crate) digest: Option<Hash>,
    pub(crate) published: SystemTime,
    pub(crate) artifact: PathBuf,
    /// The kept bytes; none for the linked generation and for one that an earlier runtime loaded.
    pub(crate) stage: Option<StagedArtifact>,
    pub(crate) unloaded: bool,
    pub(crate) withdrawn: Option<String>,
}

/// Code that the watcher leaves alone until another one was taken.
#[derive(Debug, Clone)]
struct Aside {
    digest: Hash,
    generation: u64,
    why: String,
}

/// The generations of one runtime, in the order in which they were first published.
#[derive(Debug)]
pub(crate) struct History {
    limit: usize,
    current: u64,
    past: Vec<Past>,
    aside: Vec<Aside>,
}

impl History {
    /// Begins with the generations that are there already; `current` is among them. Keeps at most `limit` stages, but
    /// always the current one's.
    pub(crate) fn new(limit: usize, past: Vec<Past>, current: u64) -> History {
        History { limit, current, past, aside: Vec::new() }
    }

    /// Takes note that an artifact was swapped in: code that was set aside may come back from now on.
    pub(crate) fn came(&mut self, past: Past) {
        self.aside.clear();
        self.published(past);
    }

    /// Takes note that a generation of the history was swapped in again.
    pub(crate) fn returned(&mut self, past: Past) {
        self.aside.retain(|aside| Some(aside.digest) != past.digest);
        self.published(past);
    }

    fn published(&mut self, past: Past) {
        self.current = past.number;
        self.past.retain(|known| known.number != past.number);
        self.past.push(past);
        self.past.sort_by_key(|past| past.number);
        let mut excess = self
            .past
            .iter()
            .filter(|past| past.kind != Kind::Linked)
            .count()
            .saturating_sub(self.limit);
        let current = self.current;
        self.past.retain(|past| {
            let goes = excess > 0 && past.kind != Kind::Linked && past.number != current;
            excess -= usize::from(goes);
            !goes
        });
    }

    /// Takes note that `generation` was taken back, and has the watcher leave its code alone.
    pub(crate) fn withdraw(&mut self, generation: u64, digest: Option<Hash>, why: &str) {
        if let Some(past) = self.past.iter_mut().find(|past| past.number == generation) {
            past.withdrawn = Some(why.to_owned());
        }
        self.aside.extend(digest.map(|digest| Aside { digest, generation, why: why.to_owned() }));
    }

    /// Takes note that the image of `generation` left the process.
    pub(crate) fn unloaded(&mut self, generation: u64) {
        if let Some(past) = self.past.iter_mut().find(|past| past.number == generation) {
            past.unloaded = true;
        }
    }

    /// Under which number, and why, the code with this digest was set aside.
    pub(crate) fn set_aside(&self, digest: Hash) -> Option<(u64, &str)> {
        let aside = self.aside.iter().rev().find(|aside| aside.digest == digest)?;
        Some((aside.generation, &aside.why))
    }

    /// What is known of `generation`.
    pub(crate) fn find(&self, generation: u64) -> Option<&Past> {
        self.past.iter().find(|past| past.number == generation)
    }

    /// The generations before the current one that can be gone back to, the nearest first.
    ///
    /// Of the generations of one origin the newest stands for all; those that were withdrawn are left out, and
    /// so is the code that is current.
    pub(crate) fn before(&self) -> Vec<u64> {
        let Some(here) = self.find(self.current) else { return Vec::new() };
        let is_other = |past: &Past| past.digest.is_none() || past.digest != here.digest;
        let is_good = |past: &Past| past.withdrawn.is_none() && past.is_kept() && is_other(past);
        let before = self.past.iter().filter(|past| past.origin < here.origin);
        let mut good: Vec<&Past> = before.filter(|past| is_good(past)).collect();
        good.sort_by_key(|past| std::cmp::Reverse((past.origin, past.number)));
        good.dedup_by_key(|past| past.origin);
        good.into_iter().map(|past| past.number).collect()
    }

    /// Every generation that is known, the oldest first.
    pub(crate) fn entries(&self) -> Vec<HistoryEntry> {
        self.past.iter().map(|past| past.entry(self.current)).collect()
    }
}

impl Past {
    /// Whether it can be activated.
    pub(crate) fn is_kept(&self) -> bool {
        self.kind == Kind::Linked || self.stage.is_some()
    }

    fn entry(&self, current: u64) -> HistoryEntry {
        let fate = match &self.withdrawn {
            _ if self.number == current => Fate::Current,
            Some(why) => Fate::Withdrawn { why: why.clone() },
            None if self.unloaded => Fate::Unloaded,
            None => Fate::Retired,
        };
        HistoryEntry {
            generation: self.number,
            of: (self.origin != self.number).then_some(self.origin),
            kind: self.kind,
            digest: self.digest.map(|digest| digest.to_hex().to_string()),
            published: self.published,
            fate,
            is_kept: self.is_kept(),
        }
    }
}

#[cfg(test)]
mod tests;
