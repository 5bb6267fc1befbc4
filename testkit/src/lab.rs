//! The lab: a hot crate of this program, a private copy of its sources, and a runtime that swaps what is made of them.

use std::cell::Cell;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use liveswap::{Outcome, Reload, Runtime};
use liveswap_abi::HotCrate;

use crate::copy;
use crate::error::Error;
use crate::fault::{Fault, LIMIT};
use crate::maker::Maker;
use crate::offer::unexpected;
use crate::outcome::{BuildFailure, Built, Refused, Swap};
use crate::park::Point;
use crate::place::Place;
use crate::project::Project;
use crate::queue::Turn;
use crate::start::LabBuilder;
use crate::versions::Versions;

/// How long anything is waited for that takes a fraction of a second on an idle machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A hot crate of this program under test.
///
/// While it lives, calls of the crate's hot functions reach the newest version that the lab swapped in; when it drops,
/// generation 0, the code that the test was linked with, is current again. Labs of one crate wait for each other; see
/// the [crate's documentation](crate) for what that means for tests that run at the same time.
#[derive(Debug)]
pub struct Lab {
    pub(crate) next_fault: Cell<Option<Fault>>,
    // In the order in which they are to end.
    pub(crate) runtime: Runtime,
    maker: Maker,
    place: Place,
    pub(crate) artifact: PathBuf,
    package: PathBuf,
    _turn: Turn,
}

impl Lab {
    /// Takes a place and starts the runtime.
    pub(crate) fn set_up(
        host: &'static HotCrate,
        project: Project,
        turn: Turn,
    ) -> Result<Self, Error> {
        let (place, cache) = Place::take(&project, host)?;
        let artifact = place.artifacts().join(liveswap::locate::file_name(host.name()));
        let runtime = Runtime::builder(host)
            .artifact(&artifact)
            .stage_dir(place.root())
            .artifact_limit(LIMIT)
            .start()?;
        let package = project.closure.first().cloned().unwrap_or_default();
        Ok(Lab {
            next_fault: Cell::new(None),
            runtime,
            package: place.sources().join(package),
            maker: Maker::new(project, cache),
            place,
            artifact,
            _turn: turn,
        })
    }

    /// Makes sure that artifacts can be built that fit.
    pub(crate) fn prepare(
        &self,
        cargo_flags: &[String],
        misfit: &dyn Fn(&Path) -> Result<Option<String>, Error>,
    ) -> Result<(), Error> {
        self.maker.prepare(&self.place, cargo_flags, misfit)
    }

    /// Starts a lab for the hot crate of this name, with hyphens or underscores.
    ///
    /// # Errors
    ///
    /// See [`LabBuilder::start`].
    pub fn for_crate(name: &str) -> Result<Self, Error> {
        Self::builder(name).start()
    }

    /// Starts a lab for a hot crate that is at hand: `Lab::of(game_logic::hot_crate())`.
    ///
    /// # Errors
    ///
    /// See [`LabBuilder::start`].
    pub fn of(hot_crate: &'static HotCrate) -> Result<Self, Error> {
        LabBuilder::of(hot_crate).start()
    }

    /// Prepares a start with other settings than the usual ones.
    #[must_use]
    pub fn builder(name: &str) -> LabBuilder {
        LabBuilder::named(name)
    }

    /// Changes a source file of the lab's copy; `file` is relative to the hot crate's package.
    ///
    /// # Errors
    ///
    /// [`Error::NoEffect`] if the text stays as it is, and [`Error::File`] if the file is not there.
    pub fn edit(&self, file: &str, change: impl FnOnce(&str) -> String) -> Result<&Self, Error> {
        let text = self.read(file)?;
        let changed = change(&text);
        if changed == text {
            return Err(Error::NoEffect { file: file.to_owned() });
        }
        self.write(file, &changed)
    }

    /// The text of a file of the lab's copy.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it is not there or no text.
    pub fn read(&self, file: &str) -> Result<String, Error> {
        let path = self.path(file)?;
        fs::read_to_string(&path).map_err(Error::file("read", &path))
    }

    /// Writes a file of the lab's copy, new or not.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it cannot be written.
    pub fn write(&self, file: &str, text: &str) -> Result<&Self, Error> {
        let path = self.path(file)?;
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(Error::file("create", directory))?;
        }
        // A large file of the original may be linked here.
        copy::remove(&path)?;
        fs::write(&path, text).map_err(Error::file("write", &path))?;
        Ok(self)
    }

    /// Removes a file of the lab's copy.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it is not there.
    pub fn remove(&self, file: &str) -> Result<&Self, Error> {
        let path = self.path(file)?;
        fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        Ok(self)
    }

    /// Takes all edits back; what runs stays what it is until the next [`swap`](Self::swap).
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the copy cannot be written.
    pub fn restore(&self) -> Result<&Self, Error> {
        self.place.restore_sources()?;
        Ok(self)
    }

    /// Builds the sources as they are, without giving the artifact to the runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], with everything that the tools said, if they do not compile.
    pub fn build(&self) -> Result<Built, Error> {
        self.maker.make(&self.place)
    }

    /// Builds the sources as they are and waits until the runtime has swapped them in.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], [`Error::Refused`] or [`Error::Unchanged`] if that does not happen, each with the reason.
    pub fn swap(&self) -> Result<Swap, Error> {
        let clock = Instant::now();
        let (built, reload) = self.build_and_offer()?;
        match reload.outcome.clone() {
            Outcome::Swapped { generation, added, .. } => {
                Ok(Swap { generation, added, built, reload, took: clock.elapsed() })
            }
            Outcome::Refused(refusal) => Err(Error::Refused(Refused::new(refusal))),
            Outcome::Unchanged { generation } => Err(Error::Unchanged { generation }),
            Outcome::Superseded => Err(unexpected("a swap", &reload)),
        }
    }

    /// Builds the sources as they are and expects the runtime to refuse them.
    ///
    /// # Errors
    ///
    /// [`Error::Unexpected`] if they are taken, [`Error::Build`] if they do not compile.
    pub fn expect_refused(&self) -> Result<Refused, Error> {
        let (_, reload) = self.build_and_offer()?;
        match reload.outcome {
            Outcome::Refused(refusal) => Ok(Refused::new(refusal)),
            _ => Err(unexpected("a refusal", &reload)),
        }
    }

    /// Builds the sources as they are and expects the compiler or the linker to fail.
    ///
    /// # Errors
    ///
    /// [`Error::Unexpected`] if they compile.
    pub fn expect_build_error(&self) -> Result<BuildFailure, Error> {
        match self.build() {
            Err(Error::Build(failure)) => Ok(failure),
            Err(other) => Err(other),
            Ok(_) => {
                let found = "the sources compile".to_owned();
                Err(Error::Unexpected { expected: "a build error", found })
            }
        }
    }

    /// Builds the sources as they are and expects an artifact that is byte for byte the one that runs.
    ///
    /// # Errors
    ///
    /// [`Error::Unexpected`] if it is another.
    pub fn expect_unchanged(&self) -> Result<(), Error> {
        let (_, reload) = self.build_and_offer()?;
        match reload.outcome {
            Outcome::Unchanged { .. } => Ok(()),
            _ => Err(unexpected("the artifact that runs", &reload)),
        }
    }

    /// Spoils the next artifact that [`swap`](Self::swap) or [`expect_refused`](Self::expect_refused) gives to the
    /// runtime.
    pub fn inject(&self, fault: Fault) -> &Self {
        self.next_fault.set(Some(fault));
        self
    }

    /// Versions of a file in a row: each is made from the file as it is now and swapped in when its turn comes.
    ///
    /// ```no_run
    /// # mod shop { liveswap_abi::hot_crate!(); pub mod rules { pub fn discount(price: u32) -> u32 { price } } }
    /// # use liveswap_testkit::Lab;
    /// # use shop::rules;
    /// # fn main() -> Result<(), liveswap_testkit::Error> {
    /// # let lab = Lab::for_crate("shop")?;
    /// let percent = |text: &str, to: &u32| text.replace("90", &to.to_string());
    /// for version in lab.versions("src/rules.rs", [80, 70, 60], percent)? {
    ///     let (to, _) = version?;
    ///     assert_eq!(rules::discount(100), to);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file is not there.
    pub fn versions<T, F>(
        &self,
        file: &str,
        versions: impl IntoIterator<Item = T>,
        change: F,
    ) -> Result<Versions<'_, T, F>, Error>
    where
        F: FnMut(&str, &T) -> String,
    {
        let text = self.read(file)?;
        let versions: Vec<T> = versions.into_iter().collect();
        Ok(Versions::new(self, file.to_owned(), text, versions, change))
    }

    /// A point of this name at which calls can be made to wait.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the lab's directory cannot be written.
    pub fn point(&self, name: &str) -> Result<Point, Error> {
        Point::new(name, &self.place.points())
    }

    /// The runtime that swaps for this lab: its events, its status, pins.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The number of the generation that calls enter now.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.runtime.generation()
    }

    /// The hot crate's package in the lab's copy.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.package
    }

    /// The target directory that the lab builds in.
    #[must_use]
    pub fn target_directory(&self) -> PathBuf {
        self.place.target()
    }

    /// Gives a file to the runtime as an artifact and waits for the answer, whatever it is.
    ///
    /// # Errors
    ///
    /// [`Error::NoAnswer`] if there is none.
    pub fn offer(&self, artifact: &Path) -> Result<Reload, Error> {
        let aside = self.artifact.with_extension("part");
        copy::remove(&aside)?;
        fs::copy(artifact, &aside).map_err(Error::file("copy", artifact))?;
        self.publish(&aside)
    }

    /// A path of the copy, which it must not leave.
    fn path(&self, file: &str) -> Result<PathBuf, Error> {
        let mut path = self.package.clone();
        for part in Path::new(file).components() {
            match part {
                Component::Normal(name) => path.push(name),
                Component::CurDir => {}
                Component::ParentDir => drop(path.pop()),
                Component::RootDir | Component::Prefix(_) => path = PathBuf::from("/"),
            }
        }
        if path.starts_with(self.place.sources()) {
            Ok(path)
        } else {
            Err(Error::NotInside { file: file.to_owned() })
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Nobody waits at a point that is gone.
        let _ = copy::remove(&self.place.points());
        // Fails only if the runtime's thread is gone; then the program goes on with what it has.
        let _ = self.runtime.return_to_linked();
    }
}
