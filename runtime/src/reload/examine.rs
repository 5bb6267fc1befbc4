//! The steps that look at an artifact: staged, verified, and once it is loaded, checked.

use std::fs::File;
use std::path::Path;

use super::Owner;
use super::pipeline::Kept;
use crate::check::{self, Functions};
use crate::dylib;
use crate::error::Error;
use crate::event::{Kind, Outcome, Refusal, Step};
use crate::generation::Candidate;
use crate::imports;
use crate::initializers;
use crate::refuse;
use crate::seal::{self, Seal};
use crate::stage::StagedArtifact;
use crate::structure;
use crate::verify::{self, Manifest};
use crate::watch::extent;

impl Owner {
    /// Makes the private copy of an artifact that is trusted, or of a stage that is kept.
    pub(super) fn stage(
        &mut self,
        path: &Path,
        kept: Option<&Kept>,
        number: u64,
    ) -> Result<StagedArtifact, Outcome> {
        let name = self.host.name();
        // Taken note of first, so that what changes meanwhile is seen to be another.
        let standing = self.stages.standing(path);
        let staged = match kept {
            Some(kept) => self.stages.stage_again(&kept.stage, name, number),
            None => self.stages.stage(path, name, number),
        };
        if let Some(source) = self.sources.iter_mut().find(|source| source.path == path) {
            source.distrusted = matches!(staged, Err(Error::Untrusted { .. })).then_some(standing);
        }
        staged.map_err(|error| match error {
            error if error.is_transient() => Outcome::Superseded,
            error => refused(refuse::because(Step::Stage, &error)),
        })
    }

    /// Compares what the artifact says of itself, and what it needs, with the host; which kind it is.
    pub(super) fn verify(&self, stage: &StagedArtifact) -> Result<Kind, Outcome> {
        let path = stage.path();
        let refuse = |refusal| Err(refused(refusal));
        // The artifact was seen whole; what is loaded is the copy.
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(source) => {
                let error = Error::ArtifactRead { path: path.to_owned(), source };
                return refuse(refuse::because(Step::Verify, &error));
            }
        };
        if let Err(source) = extent::of_file(&file) {
            let error = Error::Unfinished { path: path.to_owned(), source };
            return refuse(refuse::because(Step::Verify, &error));
        }
        if let Err(error) = structure::of_file(&file) {
            return refuse(refuse::unsound(&error));
        }
        let seal = seal::look(&mut file);
        let is_without_place = matches!(seal, Ok(Seal::NoPlace));
        match seal {
            Ok(Seal::Whole) => {}
            Ok(Seal::None | Seal::NoPlace) => match initializers::of_file(&file) {
                Ok(found) if found.choosing.is_empty() => {}
                // One bit makes one of any function, and nobody vouches for the bits.
                Ok(found) => return refuse(refuse::choosing(&found)),
                Err(error) => return refuse(refuse::unreadable(&error)),
            },
            Ok(Seal::Broken { sealed, found }) => {
                return refuse(refuse::broken_seal(&sealed, &found));
            }
            Err(source) => {
                let error = Error::ArtifactRead { path: path.to_owned(), source };
                return refuse(refuse::because(Step::Verify, &error));
            }
        }
        let manifest = match Manifest::read_crate(path) {
            Ok(manifest) => manifest,
            Err(error) => return refuse(refuse::no_manifest(&error)),
        };
        let differences = verify::compare(&self.manifest, &manifest);
        if !differences.is_empty() {
            return refuse(Refusal { step: Step::Verify, differences });
        }
        if is_without_place {
            return refuse(refuse::no_place_for_a_seal());
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

    /// Loads an artifact with initializers of its own in a copy of the process, where they can do no harm.
    pub(super) fn try_initializers(&self, stage: &StagedArtifact) -> Result<(), Refusal> {
        if !self.settings.try_initializers {
            return Ok(());
        }
        let found = File::open(stage.path())
            .map_err(|source| Error::ArtifactRead { path: stage.path().to_owned(), source })
            .map_err(|error| refuse::because(Step::Load, &error))?;
        let found = initializers::of_file(&found).map_err(|error| refuse::unreadable(&error))?;
        if found.is_empty() {
            return Ok(());
        }
        let patience = self.settings.self_check_deadline;
        let trial = Candidate::try_out(stage, patience);
        tracing::debug!(initializers = %found.names(), ?trial, "tried in a copy of the process");
        refuse::tried(&found, trial, patience).map_or(Ok(()), Err)
    }

    pub(super) fn check(
        &mut self,
        candidate: &Candidate,
        said: Kind,
    ) -> Result<Functions, Refusal> {
        let artifact = candidate.hot_crate();
        if candidate.kind() != said {
            return Err(refuse::other_kind(said, candidate.kind()));
        }
        let found = artifact.identity();
        if let Some(expected) = self.lineage.identity.filter(|expected| *expected != found) {
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
        let mut differences = check::compare(&self.functions, &functions, &self.lineage.slots);
        for difference in self.lineage.uses.compare(&functions) {
            // The program may use by name what it is linked with as well.
            if !differences.iter().any(|known| known.item == difference.item) {
                differences.push(difference);
            }
        }
        if differences.is_empty() {
            Ok(functions)
        } else {
            Err(Refusal { step: Step::Check, differences })
        }
    }
}

pub(super) fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused(refusal)
}
