//! The steps from an artifact to the swap, each with one way to end the reload.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use liveswap_abi::HotCrate;
use liveswap_abi::dispatch::Dispatch;
use liveswap_abi::state::{Carried, Committed};

use super::examine::refused;
use super::{Owner, Refused, back};
use crate::check::{self, Edit, Functions};
use crate::clock::{Clock, Stopwatch, SystemClock};
use crate::drain::{self, Drain};
use crate::event::{Kind, Outcome, Role, Signed, Step, Timings};
use crate::exports::Exports;
use crate::file::FileIdentity;
use crate::generation::{Candidate, Ending, Generation};
use crate::history::Past;
use crate::hooks::Hooks;
use crate::inside::Inside;
use crate::refuse;
use crate::self_check::{self, Veto};
use crate::stage::StagedArtifact;

/// Where the next generation comes from.
#[derive(Debug)]
pub(super) enum Origin {
    /// An artifact that the watcher found; code that was set aside is left alone.
    Found(PathBuf),
    /// An artifact that somebody asked for.
    Asked(PathBuf),
    /// A generation of the history.
    Kept {
        /// Its number.
        of: u64,
    },
}

/// What is known of a reload besides how it ended.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) digest: Option<String>,
    pub(super) signed: Option<Signed>,
    pub(super) timings: Timings,
}

/// The bytes of a generation of the history, and the number under which its code first came.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) stage: StagedArtifact,
    origin: u64,
}

/// A generation that passed *check*.
enum Next {
    Loaded {
        candidate: Candidate,
        functions: Functions,
        kept: Option<Kept>,
    },
    /// The program's own code, which needs no loading.
    Linked(Generation),
}

impl Owner {
    /// The steps before the swap, each of which can end the reload, and the swap.
    pub(super) fn pipeline(
        &mut self,
        origin: &Origin,
        taken: &mut Taken,
        stopwatch: &mut Stopwatch<SystemClock>,
    ) -> Result<Outcome, Outcome> {
        let number = self.lineage.last_number + 1;
        let (next, source) = match origin {
            Origin::Kept { of } if self.is_linked(*of)? => (self.linked()?, None),
            _ => self.prepare(origin, number, taken, stopwatch)?,
        };

        begins(Step::SelfCheck);
        let vetoed = self.veto(&next);
        taken.timings.self_check = stopwatch.lap();
        if let Err(Veto { refusal, inside }) = vetoed {
            self.let_go(next, inside);
            return Err(refused(refusal));
        }
        if let (Origin::Found(path) | Origin::Asked(path), Some(source)) = (origin, source)
            && is_superseded(path, source)
        {
            self.let_go(next, None);
            return Err(Outcome::Superseded);
        }

        begins(Step::Migrate);
        let migrated = self.migrate(self.image_of(&next));
        taken.timings.migrate = stopwatch.lap();
        let carried = match migrated {
            Ok(carried) => carried,
            Err(refusal) => {
                self.let_go(next, None);
                return Err(refused(refusal));
            }
        };

        begins("swap");
        let artifact = self.artifact(origin);
        let (outcome, committed) = self.swap(next, number, artifact, carried);
        taken.timings.swap = stopwatch.lap();
        self.migrated(committed, &mut taken.timings);
        Ok(outcome)
    }

    /// The steps from a file to a generation that passed *check*.
    fn prepare(
        &mut self,
        origin: &Origin,
        number: u64,
        taken: &mut Taken,
        stopwatch: &mut Stopwatch<SystemClock>,
    ) -> Result<(Next, Option<FileIdentity>), Outcome> {
        let (path, kept) = self.file(origin)?;
        begins(Step::Stage);
        let stage = self.stage(&path, kept.as_ref(), number);
        taken.timings.stage = stopwatch.lap();
        let stage = stage?;
        let source = stage.source();
        taken.digest = Some(stage.digest().to_hex().to_string());
        taken.signed = stage.signed().cloned();
        if self.lineage.current.digest == Some(stage.digest()) {
            return Err(Outcome::Unchanged { generation: self.lineage.current.number });
        }
        if let (Origin::Found(path), Some((generation, why))) =
            (origin, self.history.set_aside(stage.digest()))
        {
            return Err(refused(refuse::set_aside(path, generation, why)));
        }

        begins(Step::Verify);
        let verified = self.verify(&stage);
        taken.timings.verify = stopwatch.lap();
        let kind = verified?;

        begins(Step::Load);
        let tried = self.try_initializers(&stage);
        let candidate = tried.map(|()| Candidate::load(stage, self.host));
        taken.timings.load = stopwatch.lap();
        let candidate = candidate
            .map_err(refused)?
            .map_err(|error| refused(refuse::because(Step::Load, &error)))?;

        begins(Step::Check);
        let checked = self.check(&candidate, kind);
        taken.timings.check = stopwatch.lap();
        match checked {
            Ok(functions) => Ok((Next::Loaded { candidate, functions, kept }, Some(source))),
            Err(refusal) => {
                self.discard(candidate, None);
                Err(refused(refusal))
            }
        }
    }

    /// The file to stage.
    fn file(&self, origin: &Origin) -> Result<(PathBuf, Option<Kept>), Outcome> {
        match origin {
            Origin::Found(path) | Origin::Asked(path) => Ok((path.clone(), None)),
            Origin::Kept { of } => {
                let past = self.history.find(*of);
                let kept = past.and_then(|past| {
                    Some(Kept { stage: past.stage.clone()?, origin: past.origin })
                });
                let kept = kept.ok_or_else(|| refused(back::not_kept(self, *of)))?;
                Ok((kept.stage.path().to_owned(), Some(kept)))
            }
        }
    }

    /// The artifact to name in what is told.
    pub(super) fn artifact(&self, origin: &Origin) -> PathBuf {
        match origin {
            Origin::Found(path) | Origin::Asked(path) => path.clone(),
            Origin::Kept { of } => {
                self.history.find(*of).map(|past| past.artifact.clone()).unwrap_or_default()
            }
        }
    }

    /// Whether `of` is the program's own code; ends the reload where nothing has to be done.
    fn is_linked(&self, of: u64) -> Result<bool, Outcome> {
        if of == self.lineage.current.number {
            return Err(Outcome::Unchanged { generation: of });
        }
        Ok(self.history.find(of).is_some_and(|past| past.kind == Kind::Linked))
    }

    /// Takes the program's own code out of the old generations. Its table was never freed, and functions that came later
    /// are past its end, so their callers use the body beside them, as before the first swap.
    fn linked(&mut self) -> Result<Next, Outcome> {
        let linked = self.lineage.old.take_linked();
        linked.map(Next::Linked).ok_or(Outcome::Unchanged { generation: 0 })
    }

    /// Asks the next generation what it has against itself.
    fn veto(&self, next: &Next) -> Result<(), Veto> {
        self_check::run(self.host, self.image_of(next), self.settings.self_check_deadline)
    }

    fn image_of(&self, next: &Next) -> &'static HotCrate {
        match next {
            Next::Loaded { candidate, .. } => candidate.hot_crate(),
            Next::Linked(_) => self.host,
        }
    }

    /// Undoes what was done for a generation that is not swapped in.
    fn let_go(&mut self, next: Next, inside: Option<Inside>) {
        match next {
            Next::Loaded { candidate, functions, .. } => {
                drop(functions);
                self.discard(candidate, inside);
            }
            Next::Linked(generation) => self.lineage.old.give_back(generation),
        }
    }

    /// Unloads a refused artifact, now or when nothing of it runs any more.
    pub(super) fn discard(&mut self, candidate: Candidate, inside: Option<Inside>) {
        let now = SystemClock.now();
        let inside = inside.filter(|inside| !inside.has_left());
        let ending = match inside {
            Some(_) => Ending::Stays(Some(candidate)),
            None => candidate.discard(&self.settings.protections, now),
        };
        let (kept, due) = match ending {
            Ending::Gone => (None, now),
            Ending::Later(kept, then) => (kept, then),
            Ending::Stays(kept) => (kept, now + drain::RETAINED),
        };
        self.refused.extend(kept.map(|candidate| Refused { candidate, inside, due }));
    }

    /// Publishes the next generation. Nothing here can fail.
    fn swap(
        &mut self,
        next: Next,
        number: u64,
        artifact: PathBuf,
        carried: Carried,
    ) -> (Outcome, Committed) {
        let (generation, stage, origin, edit) = match next {
            Next::Loaded { candidate, functions, kept } => {
                // The functions have had no slot so far: until here the candidate's code called nothing but itself.
                self.lineage.slots.assign(&functions);
                let surface = functions.surface();
                let edit = check::classify(&self.lineage.current.surface, &surface);
                let dispatch = Dispatch::new(number, self.lineage.slots.targets(&functions));
                self.lineage.last_number = number;
                self.lineage.exports = Exports::of(&functions);
                self.lineage.identity = Some(candidate.hot_crate().identity());
                candidate.hot_crate().set_generation(number);
                let (stage, origin) = match kept {
                    Some(Kept { stage, origin }) => (stage, Some(origin)),
                    None => (candidate.stage().clone(), None),
                };
                let generation = candidate.into_generation(
                    number,
                    dispatch,
                    (surface, edit.class),
                    SystemClock.now(),
                );
                (generation, Some(stage), origin, edit)
            }
            Next::Linked(generation) => {
                self.lineage.exports = Exports::of(&self.functions);
                let edit = check::classify(&self.lineage.current.surface, &generation.surface);
                (generation, None, Some(0), edit)
            }
        };
        let Edit { class, added } = edit;
        let (number, kind, digest) = (generation.number, generation.kind, generation.digest);
        let past = Past {
            number,
            origin: origin.unwrap_or(number),
            kind,
            digest,
            published: SystemTime::now(),
            artifact,
            stage,
            unloaded: false,
            withdrawn: None,
        };
        match origin {
            Some(_) => self.history.returned(past),
            None => self.history.came(past),
        }
        let committed = carried.commit();
        self.publish(generation);
        (Outcome::Swapped { generation: number, kind, class, added }, committed)
    }

    /// One store; the generation that it replaces drains from then on, and the hooks of both run.
    fn publish(&mut self, mut generation: Generation) {
        let now = SystemClock.now();
        (generation.published, generation.drain) = (now, None);
        let Owner { host, settings, announcer, hooks, lineage, .. } = self;
        let (_, fenced) = host.gate().swap(generation.dispatch());
        let mut old = std::mem::replace(&mut lineage.current, generation);
        old.drain = Some(Drain::new(now, settings.report_after));
        let mut run = |generation: &mut Generation, role: Role| {
            let Some(image) = generation.image(host) else { return };
            let run = Hooks {
                role,
                generation: generation.number,
                dispatch: generation.dispatch(),
                hooks: image.hooks_of(role),
            };
            let patience = settings.self_check_deadline;
            if let Some(inside) = run.start(host, hooks.clone(), patience, announcer) {
                generation.hooks.push(inside.clone());
                *hooks = Some(inside);
            }
        };
        run(&mut old, Role::OnRetire);
        run(&mut lineage.current, Role::OnLoad);
        lineage.old.push(old, fenced.err(), now);
    }
}

/// Says in diagnostics which step begins.
fn begins(step: impl std::fmt::Display) {
    tracing::debug!(%step, "begins");
}

/// Whether another file has taken the place of the one that was staged.
fn is_superseded(path: &Path, staged: FileIdentity) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|now| FileIdentity::of(&now) != staged)
}
