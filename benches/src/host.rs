//! This program as a host of `bench-hot`: a runtime, the artifact it watches, and what it tells.

use std::path::PathBuf;
use std::time::Duration;

use liveswap::dylib::MappedImage;
use liveswap::{Builder, Event, Events, Outcome, Reload, Retirement, Runtime};

use crate::artifact::{Artifact, Ready};
use crate::error::Error;

/// Far longer than a swap takes on a busy machine: who waits this long waits for ever.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A started runtime.
///
/// The fields drop from the first to the last: the runtime ends before what it watches goes.
#[derive(Debug)]
pub(crate) struct Host {
    events: Events,
    runtime: Runtime,
    artifact: Artifact,
}

impl Host {
    /// Starts a runtime that watches for versions of `bench-hot`, none of which is there yet.
    pub(crate) fn start() -> Result<Host, Error> {
        let hot_crate = bench_hot::hot_crate();
        let artifact = Artifact::of(hot_crate.name(), &bench_hot::MARKER, 1)?;
        // What is measured is the same in every profile.
        Host::of(Runtime::builder(hot_crate).quarantine(Duration::ZERO), artifact)
    }

    /// Starts a runtime that watches for versions of `bench-hostile`, none of which is there yet.
    ///
    /// The code of what nothing holds any more is in `quarantine` for so long; with `scan`, memory is searched for what points
    /// into it before.
    pub(crate) fn start_hostile(quarantine: Duration, scan: bool) -> Result<Host, Error> {
        let hot_crate = bench_hostile::hot_crate();
        let (marker, numbers) = (&bench_hostile::MARKER, bench_hostile::NUMBERS);
        let artifact = Artifact::of(hot_crate.name(), marker, numbers)?;
        let builder = Runtime::builder(hot_crate).quarantine(quarantine).scan_memory(scan);
        Host::of(builder, artifact)
    }

    fn of(builder: Builder, artifact: Artifact) -> Result<Host, Error> {
        let builder = builder.artifact(artifact.path()).stage_dir(artifact.directory());
        let runtime = builder.start()?;
        Ok(Host { events: runtime.events(), runtime, artifact })
    }

    /// The runtime.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// What it tells, from its start on.
    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    /// The artifact that is watched.
    pub(crate) fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// Has `version` appear and waits until it is current; returns how that went.
    pub(crate) fn swap_to(&self, version: u64) -> Result<Reload, Error> {
        self.artifact.appear(version)?;
        self.swapped(version)
    }

    /// Writes `version`, ready to appear.
    pub(crate) fn write(&self, version: u64) -> Result<Ready, Error> {
        self.artifact.write(version)
    }

    /// Waits until `version`, which has appeared, is current.
    pub(crate) fn swapped(&self, version: u64) -> Result<Reload, Error> {
        let reload = self.wait(
            "swap",
            format!("end of the reload of version {version}"),
            |event| match event {
                Event::Reloaded(reload) => Some(reload),
                _ => None,
            },
        )?;
        match &reload.outcome {
            Outcome::Swapped { .. } => Ok(reload),
            Outcome::Refused(refusal) => {
                Err(Error::NotSwapped { version, outcome: refusal.to_string() })
            }
            other => Err(Error::NotSwapped { version, outcome: format!("{other:?}") }),
        }
    }

    /// Waits until it is known what became of the generation that the last swap replaced.
    ///
    /// Not for the first swap: what it replaces is the program itself, which stays.
    pub(crate) fn retired(&self) -> Result<Retirement, Error> {
        self.wait("retire", "word of the generation before".to_owned(), |event| match event {
            Event::Retired { outcome, .. } => Some(outcome),
            _ => None,
        })
    }

    /// The stages that are mapped now, one for each generation that has not left.
    pub(crate) fn images_mapped(&self) -> Result<Vec<MappedImage>, Error> {
        let images = liveswap::dylib::images_mapped(self.runtime.stage_directory());
        images.ok_or(Error::Unknown { step: "soak", what: "which images are mapped" })
    }

    /// The directory in which the stages of all runtimes of this bench are.
    pub(crate) fn stages(&self) -> PathBuf {
        self.artifact.directory().join("liveswap").join("stages")
    }

    /// Ends the runtime; the artifact's directory stays until what is returned drops.
    pub(crate) fn end(self) -> Artifact {
        let Host { events, runtime, artifact } = self;
        drop(events);
        runtime.shutdown();
        artifact
    }

    fn wait<T>(
        &self,
        step: &'static str,
        what: String,
        pick: impl FnMut(Event) -> Option<T>,
    ) -> Result<T, Error> {
        let found = self.events.find_within(DEADLINE, pick);
        found.ok_or(Error::TimedOut { step, what, within: DEADLINE })
    }
}
