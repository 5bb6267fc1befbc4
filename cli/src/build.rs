//! Builds: what is made, in which order, and how it ended. The builders do the work.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use liveswap::wire;
use liveswap_builder::{BuildEvent, BuiltHost, NotShared, Outcome, Task};

use crate::builders::Builders;
use crate::error::Error;
use crate::project::Project;

/// How much is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Artifacts of what was edited.
    HotCrates,
    /// The program, with everything that was edited in it.
    Program,
}

/// How a build ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) took: Duration,
    pub(crate) result: Result<Products, Error>,
}

/// What a build left on disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Products {
    /// The program; nothing when only artifacts were built.
    pub(crate) host: Option<Executable>,
    pub(crate) artifacts: Vec<Product>,
}

/// The program on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Executable {
    pub(crate) path: PathBuf,
    /// Directories in which it finds its dynamic libraries.
    pub(crate) library_paths: Vec<PathBuf>,
    /// Why it cannot take shared artifacts, if it cannot.
    pub(crate) not_shared: Option<NotShared>,
}

/// An artifact on disk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Product {
    /// The hot crate, with underscores.
    pub(crate) hot_crate: String,
    /// The blake3 digest of its bytes in hexadecimal digits.
    pub(crate) digest: String,
    pub(crate) outcome: Outcome,
}

/// A build that runs. Dropping it ends it, with everything that it started.
#[derive(Debug)]
pub(crate) struct Building {
    pub(crate) number: u64,
    pub(crate) scope: Scope,
    start: Instant,
    /// The hot crate that is worked on, and those that are still to come.
    at: usize,
    waiting: VecDeque<usize>,
    work: Work,
    made: Products,
}

#[derive(Debug)]
enum Work {
    Host(Task<BuiltHost>),
    Artifact(Task<Outcome>),
    None,
}

/// What becomes of a build whose part has ended.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Its next part was begun.
    Goes(Building),
    Ended(Finished),
}

impl Building {
    /// Starts a build of the hot crates with these numbers.
    ///
    /// # Errors
    ///
    /// The system has no thread left.
    pub(crate) fn start(
        builders: &Builders,
        number: u64,
        scope: Scope,
        hot: Vec<usize>,
    ) -> Result<Building, Error> {
        let (made, waiting) = (Products::default(), hot.into());
        let start = Instant::now();
        let mut building =
            Building { number, scope, start, at: 0, waiting, work: Work::None, made };
        building.next(builders)?;
        Ok(building)
    }

    /// What happens, as it happens; closed when a part of the build has ended.
    pub(crate) fn events(&self) -> Option<&Receiver<BuildEvent>> {
        match &self.work {
            Work::Host(task) => Some(task.events()),
            Work::Artifact(task) => Some(task.events()),
            Work::None => None,
        }
    }

    /// Takes in what the part brought that has ended, and goes on with the next one.
    pub(crate) fn go_on(mut self, builders: &Builders, project: &Project) -> Progress {
        let result = self.collect(project).and_then(|()| self.next(builders));
        match result {
            Ok(true) => Progress::Goes(self),
            Ok(false) => {
                Progress::Ended(Finished { took: self.start.elapsed(), result: Ok(self.made) })
            }
            Err(error) => {
                Progress::Ended(Finished { took: self.start.elapsed(), result: Err(error) })
            }
        }
    }

    fn collect(&mut self, project: &Project) -> Result<(), Error> {
        match std::mem::replace(&mut self.work, Work::None) {
            Work::None => {}
            Work::Host(task) => {
                let BuiltHost { executable, not_shared, library_paths } = task.wait()?;
                self.made.host = Some(Executable { path: executable, library_paths, not_shared });
            }
            Work::Artifact(task) => {
                let outcome = task.wait()?;
                let hot_crate = project.hot.get(self.at).map(|hot| hot.name.clone());
                let digest = blake3::Hash::from_bytes(outcome.artifact.digest).to_hex().to_string();
                let hot_crate = hot_crate.unwrap_or_default();
                self.made.artifacts.push(Product { hot_crate, digest, outcome });
            }
        }
        Ok(())
    }

    /// Begins the next part; whether there is one.
    fn next(&mut self, builders: &Builders) -> Result<bool, Error> {
        let next = self.waiting.pop_front().and_then(|at| Some((at, builders.get(at)?)));
        let Some((at, builder)) = next else { return Ok(false) };
        self.at = at;
        self.work = match self.scope {
            Scope::Program => Work::Host(builder.build_host()?),
            Scope::HotCrates => Work::Artifact(builder.start()?),
        };
        Ok(true)
    }
}

impl From<&Product> for wire::Artifact {
    fn from(product: &Product) -> wire::Artifact {
        wire::Artifact {
            hot_crate: product.hot_crate.clone(),
            path: product.outcome.artifact.path.to_string_lossy().into_owned(),
            digest: product.digest.clone(),
        }
    }
}
