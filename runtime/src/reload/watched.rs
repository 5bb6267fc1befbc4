//! From what the watcher says to an artifact that is taken up.

use super::pipeline::{Origin, Taken};
use super::{Owner, Source};
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::event::{Cause, Outcome, Step};
use crate::refuse;
use crate::trust;
use crate::watch::settle::Decision;
use crate::watch::{Look, Notice, Touch, writer};

impl Owner {
    /// Takes note of what happened to an artifact, or to what decides whether it is trusted.
    pub(super) fn noticed(&mut self, notice: &Notice) {
        let now = SystemClock.now();
        let trust = self.stages.trust();
        let besides = |source: &Source| {
            trust::watched_besides(trust, &source.path).as_ref() == Some(&notice.path)
        };
        let touch = if self.sources.iter().any(besides) {
            // The artifact itself is as it was, but there is more to be said of it now, once that is written.
            if matches!(notice.touch, Touch::Created | Touch::Written | Touch::Removed) {
                return;
            }
            Touch::Changed
        } else {
            notice.touch
        };
        let is_meant = |source: &&mut Source| {
            source.path == notice.path || (source.distrusted.is_some() && besides(source))
        };
        let Some(source) = self.sources.iter_mut().find(is_meant) else { return };
        if let Some(distrusted) = &source.distrusted {
            if *distrusted != self.stages.standing(&source.path) {
                // The same bytes may be trusted now: signed, or with another owner.
                self.known.truncate(self.linked);
                source.settle.forget();
            } else if source.path != notice.path {
                return;
            }
        }
        source.noticed = Some(now);
        source.settle.touched(touch, now);
        self.due();
    }

    /// Looks at an artifact whose time has come, and takes it up if it has settled.
    pub(super) fn look(&mut self, index: usize) {
        let source = &mut self.sources[index];
        let look = Look::at(&source.path);
        let writer_is_there = || writer::is_there(&source.path);
        match source.settle.looked(look, SystemClock.now(), writer_is_there) {
            Decision::Settled(look) => {
                if look.identity.is_some_and(|identity| self.known.contains(&identity)) {
                    source.noticed = None;
                    return;
                }
                self.known.truncate(self.linked);
                self.known.extend(look.identity);
                let origin = Origin::Found(source.path.clone());
                let noticed = source.noticed.take();
                let reload = self.reload(&origin, noticed, Cause::Artifact);
                if reload.outcome == Outcome::Superseded {
                    // What superseded it is looked at even if no notice of it should come.
                    self.known.truncate(self.linked);
                    self.sources[index].settle.forget();
                    self.sources[index].settle.touched(Touch::Changed, SystemClock.now());
                }
            }
            Decision::GivenUp(look) => {
                let path = source.path.clone();
                let noticed = source.noticed.take();
                if let Err(unfinished) = look.shape {
                    let refusal = refuse::because(
                        Step::Settle,
                        &Error::Unfinished { path: path.clone(), source: unfinished },
                    );
                    let outcome = Outcome::Refused(refusal);
                    self.finish(outcome, Cause::Artifact, path, Taken::default(), noticed);
                }
            }
            Decision::Nothing | Decision::LookAgainAt(_) => {}
        }
    }
}
