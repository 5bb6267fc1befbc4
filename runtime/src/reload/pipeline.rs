//! The steps from an artifact to the swap, each with one way to end the reload.

use std::path::{Path, PathBuf};

use liveswap_abi::dispatch::Dispatch;

use super::Owner;
use crate::check::{self, Edit, Functions};
use crate::clock::{Clock, Stopwatch, SystemClock};
use crate::drain::Drain;
use crate::dylib;
use crate::error::Error;
use crate::event::{Kind, Outcome, Refusal, Reload, Step, Timings};
use crate::file::FileIdentity;
use crate::generation::{Candidate, Generation};
use crate::imports;
use crate::refuse;
use crate::stage::StagedArtifact;
use crate::verify::{self, Manifest};
use crate::watch::extent;

impl Owner {
    /// The steps before the swap, each of which can end the reload, and the swap.
    pub(super) fn pipeline(
        &mut self,
        path: &Path,
        digest: &mut Option<String>,
        timings: &mut Timings,
        stopwatch: &mut Stopwatch<SystemClock>,
    ) -> Result<Outcome, Outcome> {
        let number = self.lineage.last_number + 1;
        let stage = self.stage(path, number);
        timings.stage = stopwatch.lap();
        let stage = stage?;
        let source = stage.source();
        *digest = Some(stage.digest().to_hex().to_string());
        if self.lineage.current.digest == Some(stage.digest()) {
            return Err(Outcome::Unchanged { generation: self.lineage.current.number });
        }

        let verified = self.verify(&stage);
        timings.verify = stopwatch.lap();
        let kind = verified?;

        let candidate = Candidate::load(stage, self.host);
        timings.load = stopwatch.lap();
        let candidate = candidate.map_err(|error| refused(refuse::because(Step::Load, &error)))?;

        let checked = self.check(&candidate, kind);
        timings.check = stopwatch.lap();
        let functions = match checked {
            Ok(functions) => functions,
            Err(refusal) => {
                candidate.discard();
                return Err(refused(refusal));
            }
        };
        if is_superseded(path, source) {
            drop(functions);
            candidate.discard();
            return Err(Outcome::Superseded);
        }

        let outcome = self.swap(candidate, functions, number);
        timings.swap = stopwatch.lap();
        Ok(outcome)
    }

    fn stage(&self, path: &Path, number: u64) -> Result<StagedArtifact, Outcome> {
        self.stages.stage(path, self.host.name(), number).map_err(|error| match error {
            error if error.is_transient() => Outcome::Superseded,
            error => refused(refuse::because(Step::Stage, &error)),
        })
    }

    /// Compares what the artifact says of itself, and what it needs, with the host; which kind it is.
    fn verify(&self, stage: &StagedArtifact) -> Result<Kind, Outcome> {
        let path = stage.path();
        let refuse = |refusal| Err(refused(refusal));
        // The artifact was seen whole; what is loaded is the copy.
        match std::fs::File::open(path).map(|file| extent::of_file(&file)) {
            Ok(Ok(_)) => {}
            Ok(Err(source)) => {
                let error = Error::Unfinished { path: path.to_owned(), source };
                return refuse(refuse::because(Step::Verify, &error));
            }
            Err(source) => {
                let error = Error::ArtifactRead { path: path.to_owned(), source };
                return refuse(refuse::because(Step::Verify, &error));
            }
        }
        let manifest = match Manifest::read(path) {
            Ok(manifest) => manifest,
            Err(error) => return refuse(refuse::no_manifest(&error)),
        };
        let differences = verify::compare(&self.manifest, &manifest);
        if !differences.is_empty() {
            return refuse(Refusal { step: Step::Verify, differences });
        }
        // A standalone artifact needs nothing of the host.
        if manifest.kind() == Kind::Shared {
            match imports::missing(path, dylib::is_exported) {
                Ok(missing) if missing.is_empty() => {}
                Ok(missing) => return refuse(refuse::not_exported(&missing)),
                Err(error) => return refuse(refuse::no_manifest(&error)),
            }
        }
        Ok(manifest.kind())
    }

    fn check(&self, candidate: &Candidate, said: Kind) -> Result<Functions, Refusal> {
        let artifact = candidate.hot_crate();
        if candidate.kind() != said {
            return Err(refuse::other_kind(said, candidate.kind()));
        }
        if artifact.identity() != self.host.identity() {
            let (expected, found) = (self.host.identity(), artifact.identity());
            return Err(refuse::other_identity(&format!("{expected:?}"), &format!("{found:?}")));
        }
        if candidate.kind() == Kind::Standalone {
            let host = self.host.is_system_allocator();
            if [host, artifact.is_system_allocator()].contains(&Some(false)) {
                return Err(refuse::other_allocator(host == Some(false)));
            }
        }
        let functions = check::list(artifact.functions())
            .map_err(|differences| Refusal { step: Step::Check, differences })?;
        let differences = check::compare(&self.functions, &functions, &self.lineage.slots);
        if differences.is_empty() {
            Ok(functions)
        } else {
            Err(Refusal { step: Step::Check, differences })
        }
    }

    /// Publishes the candidate. Nothing here can fail.
    fn swap(&mut self, candidate: Candidate, functions: Functions, number: u64) -> Outcome {
        self.lineage.slots.assign(&functions);
        let surface = functions.surface();
        let Edit { class, added } = check::classify(&self.lineage.current.surface, &surface);
        let dispatch = Dispatch::new(number, self.lineage.slots.targets(&functions));
        let generation =
            candidate.into_generation(number, dispatch, (surface, class), SystemClock.now());
        let kind = generation.kind;
        self.lineage.last_number = number;
        self.publish(generation);
        Outcome::Swapped { generation: number, kind, class, added }
    }

    /// Makes generation 0 current again. Its table was never freed, and functions that came later are past its end, so
    /// their callers use the body beside them, as before the first swap.
    pub(super) fn return_to_linked(&mut self) -> Reload {
        let mut stopwatch = Stopwatch::start(SystemClock);
        let since = stopwatch.started();
        let (outcome, timings) = match self.lineage.old.take_linked() {
            Some(linked) => {
                let (generation, kind) = (linked.number, linked.kind);
                let current = &self.lineage.current.surface;
                let Edit { class, added } = check::classify(current, &linked.surface);
                self.publish(linked);
                let timings = Timings { swap: stopwatch.lap(), ..Timings::default() };
                (Outcome::Swapped { generation, kind, class, added }, timings)
            }
            None => {
                let generation = self.lineage.current.number;
                (Outcome::Unchanged { generation }, Timings::default())
            }
        };
        self.finish(outcome, PathBuf::new(), None, timings, Some(since))
    }

    fn publish(&mut self, generation: Generation) {
        let now = SystemClock.now();
        let (_, fenced) = self.host.gate().swap(generation.dispatch());
        let mut old = std::mem::replace(&mut self.lineage.current, generation);
        old.drain = Some(Drain::new(now, self.report_after));
        self.lineage.old.push(old, fenced.err(), now);
    }
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused(refusal)
}

/// Whether another file has taken the place of the one that was staged.
fn is_superseded(path: &Path, staged: FileIdentity) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|now| FileIdentity::of(&now) != staged)
}
