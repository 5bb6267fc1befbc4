//! Making artifacts: from the cache, else by the builder, which first finds out how cargo built the program.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use liveswap_builder::{
    BuildEvent, Builder, KindPolicy, Missing, Project as BuilderProject, Settings, Task,
};

use serde::{Deserialize, Serialize};

use crate::cache::{Cache, Kept};
use crate::error::Error;
use crate::inputs;
use crate::outcome::{BuildFailure, Built};
use crate::place::Place;
use crate::project::Project;

/// Makes artifacts of the sources in a place.
#[derive(Debug)]
pub(crate) struct Maker {
    project: Project,
    cache: Cache,
    /// The flags that lead to this program, once they are known.
    flags: RefCell<Option<Vec<String>>>,
    builder: RefCell<Option<Builder>>,
}

/// What was found out about a program, for the next run.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    flags: Vec<String>,
    /// The mark of the seed that it was found out with.
    seeded: String,
}

impl Known {
    fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        fs::write(path, text).map_err(Error::file("write", path))
    }
}

/// What became of one way in which cargo may have been asked.
enum Attempt {
    Fits,
    /// Why not.
    No(String),
}

impl Maker {
    pub(crate) fn new(project: Project, cache: Cache) -> Self {
        Self { project, cache, flags: RefCell::default(), builder: RefCell::default() }
    }

    /// Makes sure that an artifact can be built that is the same crate as the host's; `misfit` says why one is not.
    ///
    /// Done once for a program and a place; the sources must be those of the program.
    pub(crate) fn prepare(
        &self,
        place: &Place,
        given: &[String],
        misfit: &dyn Fn(&Path) -> Result<Option<String>, Error>,
    ) -> Result<(), Error> {
        let path = place.root().join(format!("program-{}.json", self.program()));
        let of = inputs::dependencies(&self.project, &place.originals())?;
        let seeded = place.seeded(&of);
        if let Some(known) = Known::read(&path)
            && seeded.as_ref() == Some(&known.seeded)
            && (given.is_empty() || given == known.flags)
        {
            *self.flags.borrow_mut() = Some(known.flags);
            return Ok(());
        }
        let candidates = self.project.flags(given);
        let mut tried = BTreeMap::new();
        // First without compiling anything, with what was taken over before and then with what is there now. What is
        // missing even then is compiled, which takes as long as it takes.
        for (missing, seed) in
            [(Missing::IsError, false), (Missing::IsError, true), (Missing::IsBuilt, false)]
        {
            if seed {
                *self.builder.borrow_mut() = None;
                place.seed(&self.project, &of)?;
            } else if place.seeded(&of).is_none() {
                continue;
            }
            for flags in &candidates {
                match self.attempt(place, flags, missing, misfit)? {
                    Attempt::Fits => {
                        let seeded = place.seeded(&of).unwrap_or_default();
                        Known { flags: flags.clone(), seeded }.write(&path)?;
                        *self.flags.borrow_mut() = Some(flags.clone());
                        return Ok(());
                    }
                    Attempt::No(why) => drop(tried.insert(flags.join(" "), why)),
                }
            }
        }
        Err(Error::NotCaptured { tried: tried.into_iter().collect() })
    }

    fn attempt(
        &self,
        place: &Place,
        flags: &[String],
        missing: Missing,
        misfit: &dyn Fn(&Path) -> Result<Option<String>, Error>,
    ) -> Result<Attempt, Error> {
        let builder = self.open(place, flags).map_err(|(error, _)| Error::Builder(error))?;
        let task = builder
            .adopt_host(&self.project.executable, self.project.made_of.clone(), missing)
            .map_err(Error::Builder)?;
        let adopted = finish(task);
        let adopted =
            adopted.and_then(|_| finish(builder.start().map_err(|it| (it, String::new()))?));
        match adopted {
            Ok(outcome) => {
                let digest = hex(outcome.artifact.digest);
                let kept = Kept { artifact: outcome.artifact.path, digest };
                if let Some(why) = misfit(&kept.artifact)? {
                    return Ok(Attempt::No(why));
                }
                let (key, outside) = (
                    inputs::key(&self.project, &place.sources())?,
                    inputs::outside(&self.project, &place.sources(), &builder),
                );
                self.cache.keep(&key, &kept.artifact, kept.digest, outside.into_iter())?;
                *self.builder.borrow_mut() = Some(builder);
                Ok(Attempt::Fits)
            }
            Err((error, words)) => match missing {
                Missing::IsError => Ok(Attempt::No(error.to_string())),
                Missing::IsBuilt => Ok(Attempt::No(BuildFailure::new(&error, words).to_string())),
            },
        }
    }

    fn open(&self, place: &Place, flags: &[String]) -> Result<Builder, Failed> {
        let project = BuilderProject {
            directory: place.sources().join(&self.project.host_directory),
            host: self.project.host.clone(),
            hot_package: self.project.hot_package.clone(),
            flags: self.project.cargo_flags(flags, &place.target()),
        };
        let settings =
            Settings { kind: KindPolicy::Standalone, color: false, ..Settings::default() };
        Builder::open(project, settings).map_err(|error| (error, String::new()))
    }

    /// Makes an artifact of the sources as they are.
    pub(crate) fn make(&self, place: &Place) -> Result<Built, Error> {
        let clock = Instant::now();
        let key = inputs::key(&self.project, &place.sources())?;
        if let Some(Kept { artifact, digest }) = self.cache.find(&key) {
            return Ok(Built::kept(artifact, digest, clock.elapsed()));
        }
        if self.builder.borrow().is_none() {
            let flags = self.flags.borrow().clone().unwrap_or_default();
            *self.builder.borrow_mut() = Some(self.open(place, &flags).map_err(failed)?);
        }
        let builder = self.builder.borrow();
        let Some(builder) = builder.as_ref() else { unreachable!("it was just opened") };
        let task = builder.start().map_err(Error::Builder)?;
        let outcome = finish(task).map_err(failed)?;
        let digest = hex(outcome.artifact.digest);
        let outside = inputs::outside(&self.project, &place.sources(), builder);
        let kept = self.cache.keep(&key, &outcome.artifact.path, digest, outside.into_iter())?;
        Ok(Built {
            artifact: kept.artifact,
            digest: kept.digest,
            cached: false,
            took: clock.elapsed(),
            builder: Some(outcome),
        })
    }

    fn program(&self) -> String {
        let text = format!("{:?}", self.project.host);
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }
}

/// What failed, and what the tools said besides.
type Failed = (liveswap_builder::Error, String);

/// A failure of the sources is one that a test may expect; others are the lab's.
fn failed((error, words): Failed) -> Error {
    use liveswap_builder::Error::{Cargo, Compile, Link, Workspace};
    match &error {
        Compile { .. } | Link { .. } | Cargo { .. } | Workspace { .. } => {
            Error::Build(BuildFailure::new(&error, words))
        }
        _ => Error::Builder(error),
    }
}

/// Waits for a task; on failure, with what the tools said beside their diagnostics.
fn finish<T>(task: Task<T>) -> Result<T, Failed> {
    let mut words = String::new();
    for event in task.events() {
        if let BuildEvent::Cargo(line) = event {
            words.push_str(&line);
            words.push('\n');
        }
    }
    task.wait().map_err(|error| {
        let further = match &error {
            liveswap_builder::Error::Compile { words, .. }
            | liveswap_builder::Error::Link { words, .. } => words.as_str(),
            _ => "",
        };
        let words = if words.contains(further) { words } else { words + further };
        (error, words)
    })
}

pub(crate) fn hex(digest: [u8; 32]) -> String {
    blake3::Hash::from_bytes(digest).to_hex().to_string()
}
