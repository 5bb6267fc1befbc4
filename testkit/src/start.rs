//! How a lab is started: which hot crate, in which workspace, built by which command.

use std::path::{Path, PathBuf};

use liveswap_abi::{HOT_CRATES, HotCrate};

use crate::error::Error;
use crate::lab::Lab;
use crate::project::Project;
use crate::queue::Turn;

/// How a [`Lab`] is to be started.
#[derive(Debug, Clone)]
pub struct LabBuilder {
    hot_crate: Result<&'static HotCrate, String>,
    manifest_directory: Option<PathBuf>,
    cargo_flags: Vec<String>,
}

impl LabBuilder {
    pub(crate) fn named(name: &str) -> Self {
        let crate_name = name.replace('-', "_");
        let found = HOT_CRATES.iter().find(|it| it.name() == crate_name);
        let hot_crate = found.copied().ok_or_else(|| name.to_owned());
        Self { hot_crate, manifest_directory: None, cargo_flags: Vec::new() }
    }

    pub(crate) fn of(hot_crate: &'static HotCrate) -> Self {
        Self { hot_crate: Ok(hot_crate), manifest_directory: None, cargo_flags: Vec::new() }
    }

    /// The directory of the test's own package, for a test that is not started by cargo or one of its test runners:
    /// `env!("CARGO_MANIFEST_DIR")`.
    #[must_use]
    pub fn manifest_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.manifest_directory = Some(directory.into());
        self
    }

    /// The flags that choose packages and features, as cargo was given them to build this test.
    ///
    /// They are found out where possible: from the cargo that runs the test, else by trying what is usual.
    #[must_use]
    pub fn cargo_flags<T: Into<String>>(mut self, flags: impl IntoIterator<Item = T>) -> Self {
        self.cargo_flags = flags.into_iter().map(Into::into).collect();
        self
    }

    /// Waits until no other lab has the crate, copies its workspace and starts a runtime for it.
    ///
    /// # Errors
    ///
    /// [`Error::NotLinked`] if the program has no such hot crate, [`Error::InUse`] if this very thread has a lab of it;
    /// [`Error::Runtime`] if somebody else runs a runtime for it; [`Error::Workspace`], [`Error::NoPackage`],
    /// [`Error::NoTarget`], [`Error::Outside`] and [`Error::NotCaptured`] where it is not found out how the program was
    /// built.
    pub fn start(self) -> Result<Lab, Error> {
        let host = self.hot_crate.map_err(|name| {
            let linked = HOT_CRATES.iter().map(|it| it.name().to_owned()).collect();
            Error::NotLinked { name, linked }
        })?;
        let turn = Turn::wait(host.name())?;
        let project = Project::of_this_program(host.name(), self.manifest_directory.as_deref())?;
        let lab = Lab::set_up(host, project, turn)?;
        // Whether the crate is the same is for the runtime to say.
        let misfit = |artifact: &Path| {
            let reload = lab.offer(artifact)?;
            lab.runtime().return_to_linked()?;
            Ok(reload.outcome.refused().map(ToString::to_string))
        };
        lab.prepare(&self.cargo_flags, &misfit)?;
        Ok(lab)
    }
}
