//! A library in a directory of its own, where its versions appear one after the other.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Error;
use crate::patch::Patch;

/// A library that is watched, and from which its versions are made.
#[derive(Debug)]
pub(crate) struct Artifact {
    directory: TempDir,
    /// Where versions appear.
    path: PathBuf,
    patch: Patch,
}

/// A version that is complete on the disk and that nobody watches yet.
#[derive(Debug)]
#[must_use = "nobody sees it until it appears"]
pub(crate) struct Ready {
    from: PathBuf,
    to: PathBuf,
}

impl Artifact {
    /// The library that was built with this program for `crate_name`; nothing of it appears yet.
    ///
    /// Its versions differ in `numbers` numbers behind the marker.
    pub(crate) fn of(
        crate_name: &str,
        marker: &[u8; 16],
        numbers: usize,
    ) -> Result<Artifact, Error> {
        Artifact::built(&library(crate_name)?, marker, numbers)
    }

    /// The library at `built`; nothing of it appears yet.
    pub(crate) fn built(
        built: &Path,
        marker: &[u8; 16],
        numbers: usize,
    ) -> Result<Artifact, Error> {
        let profile = profile_directory()?;
        let file = built.file_name().unwrap_or_default();
        let path = || built.to_owned();
        let bytes = fs::read(built).map_err(|source| Error::Built { path: path(), source })?;
        let patch = Patch::new(bytes, marker, numbers)
            .map_err(|source| Error::Patch { path: path(), source })?;
        // Beside the library, so that copies and renames cost what they cost in a target directory.
        let directory = tempfile::Builder::new()
            .prefix("liveswap-bench-")
            .tempdir_in(&profile)
            .map_err(|source| Error::File { action: "made", path: profile, source })?;
        for inner in ["watched", "built"] {
            let path = directory.path().join(inner);
            fs::create_dir(&path).map_err(|source| Error::File { action: "made", path, source })?;
        }
        let path = directory.path().join("watched").join(file);
        Ok(Artifact { directory, path, patch })
    }

    /// Where versions appear.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A directory for other files of the bench, which goes with this.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Writes `version` to the disk, where nobody watches.
    pub(crate) fn write(&self, version: u64) -> Result<Ready, Error> {
        self.write_bytes(&self.version(&[version]))
    }

    /// The bytes of the version with these numbers.
    pub(crate) fn version(&self, numbers: &[u64]) -> Vec<u8> {
        self.patch.version(numbers)
    }

    /// Writes what is meant to appear as the artifact to the disk, where nobody watches.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<Ready, Error> {
        let from = self.directory.path().join("built").join("next");
        fs::write(&from, bytes).map_err(|source| Error::File {
            action: "written",
            path: from.clone(),
            source,
        })?;
        Ok(Ready { from, to: self.path.clone() })
    }

    /// Has `version` appear.
    pub(crate) fn appear(&self, version: u64) -> Result<(), Error> {
        self.write(version)?.appear()
    }
}

impl Ready {
    /// Where it is as long as nobody sees it.
    pub(crate) fn path(&self) -> &Path {
        &self.from
    }

    /// Gives the file its name, in one step.
    pub(crate) fn appear(self) -> Result<(), Error> {
        fs::rename(&self.from, &self.to).map_err(|source| Error::File {
            action: "put in place",
            path: self.to,
            source,
        })
    }
}

/// The library that was built with this program for `crate_name`.
pub(crate) fn library(crate_name: &str) -> Result<PathBuf, Error> {
    let file = liveswap::locate::file_name(crate_name);
    Ok(profile_directory()?.join("deps").join(file))
}

/// The directory of this program, which cargo also builds the libraries into.
pub(crate) fn profile_directory() -> Result<PathBuf, Error> {
    let program = env::current_exe().map_err(|source| Error::File {
        action: "found",
        path: PathBuf::from("this program"),
        source,
    })?;
    let directory = program.parent().unwrap_or(Path::new("."));
    // Tests run one directory deeper.
    let inner = directory.file_name().is_some_and(|name| name == "deps");
    Ok(directory.parent().filter(|_| inner).unwrap_or(directory).to_owned())
}
