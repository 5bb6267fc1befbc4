//! Stages: private copies of the artifact, the only files that are ever verified and loaded.
//!
//! Obligations, kept here and relied on by the later steps:
//!
//! 1. A stage is a real copy in a directory that only this user can enter and nobody else can replace, and nobody writes
//!    to it after it has been handed out: what was verified is what is loaded.
//! 2. Its digest is that of the bytes that were written, not of a second reading of the source.
//! 3. A copy that failed leaves no file behind.
//! 4. The directory of a process is removed with it: by itself when it ends in order, by the next
//!    process that starts otherwise. The directory of a living process is never touched, whatever
//!    its number, because what tells the living from the dead is a lock held on a file in it.
//! 5. Only what [`Trust`] takes becomes a stage: who owns it is asked of the file that is copied, and a signature or a
//!    digest of the bytes that are written.

mod copy;
mod home;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use blake3::Hash;

use crate::error::Error;
use crate::event::{Difference, Signed};
use crate::file::{self, FileIdentity, OpenFailure};
use crate::trust::{Expectation, Failure, Judge, Standing, Trust};
use home::Home;

/// The largest artifact that is staged unless told otherwise: 1 GiB.
pub const DEFAULT_LIMIT: u64 = 1 << 30;

/// The private directory of this process, in which its stages are.
///
/// Dropping it removes the directory with everything in it. Libraries that are loaded from there
/// stay loaded.
///
/// # Examples
///
/// ```
/// use liveswap::stage::Stages;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let target = tempfile::tempdir()?;
/// let artifact = target.path().join("libgame.so");
/// std::fs::write(&artifact, "the library")?;
///
/// let stages = Stages::create(target.path())?;
/// let stage = stages.stage(&artifact, "game", 1)?;
/// assert_eq!(std::fs::read(stage.path())?, b"the library");
/// assert_eq!(stage.digest(), blake3::hash(b"the library"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Stages {
    home: Home,
    limit: u64,
    judge: Judge,
    /// Held while a name is chosen and taken, so that no two stages get the same.
    naming: Mutex<()>,
}

impl Stages {
    /// Makes the directory, `liveswap/stages/<process>-<start>` under `target`, and removes those
    /// of processes that are dead.
    ///
    /// # Errors
    ///
    /// [`Error::StageDirectory`] when the directory cannot be made, [`Error::Untrusted`] when others could put files
    /// into it or replace it. A directory of a dead process that cannot be removed is left for the next start.
    pub fn create(target: &Path) -> Result<Self, Error> {
        let judge = Judge::new(Trust::Owned);
        let home = Home::create(target, &judge)?;
        Ok(Stages { home, limit: DEFAULT_LIMIT, judge, naming: Mutex::new(()) })
    }

    /// Takes the artifacts of these and no others.
    pub fn with_trust(mut self, trust: Trust) -> Self {
        self.judge = Judge::new(trust);
        self
    }

    /// Refuses artifacts of more than `limit` bytes.
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// The directory of this process.
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    /// How many directories of dead processes were removed at the start.
    pub fn removed_at_start(&self) -> usize {
        self.home.removed_at_start()
    }

    /// Whose artifacts are taken.
    pub fn trust(&self) -> &Trust {
        self.judge.trust()
    }

    /// What decides whether the artifact is trusted, as it is now, besides its content.
    pub(crate) fn standing(&self, artifact: &Path) -> Standing {
        self.judge.standing(artifact)
    }

    /// Copies `artifact` to a new stage for `generation` of `hot_crate`.
    ///
    /// The artifact is opened once and never followed through a symbolic link; what has its name
    /// but is no regular file is refused without waiting on it.
    ///
    /// # Errors
    ///
    /// [`Error::ArtifactOpen`], [`Error::ArtifactKind`], [`Error::ArtifactTooLarge`] and
    /// [`Error::StageDirectory`] before anything is written; [`Error::ArtifactRead`], [`Error::StageWrite`] and
    /// [`Error::ArtifactChanged`], the last of which is worth another try, with nothing left of
    /// what was written; and [`Error::Untrusted`], as early as it can be known.
    pub fn stage(
        &self,
        artifact: &Path,
        hot_crate: &str,
        generation: u64,
    ) -> Result<StagedArtifact, Error> {
        let opened = self.judge.open(artifact);
        let (source, metadata) = opened.map_err(|failure| failed(artifact, failure))?;
        let expectation = self.judge.expectation(artifact).map_err(untrusted)?;
        let source = (source, FileIdentity::of(&metadata));
        self.copy(artifact, source, &expectation, hot_crate, generation)
    }

    /// Copies a stage that was handed out before to a new one.
    ///
    /// Whether it is trusted was asked when it was made; it has to have the bytes that it had then.
    ///
    /// # Errors
    ///
    /// Those of [`Stages::stage`]; [`Error::Untrusted`] where its bytes are others now.
    pub fn stage_again(
        &self,
        kept: &StagedArtifact,
        hot_crate: &str,
        generation: u64,
    ) -> Result<StagedArtifact, Error> {
        let opened = file::open_regular(kept.path()).map_err(Failure::Open);
        let (source, metadata) = opened.map_err(|failure| failed(kept.path(), failure))?;
        let source = (source, FileIdentity::of(&metadata));
        let again = self.copy(kept.path(), source, &Expectation::Nothing, hot_crate, generation)?;
        if again.digest != kept.digest {
            return Err(untrusted(Difference {
                item: format!("kept stage `{}`", kept.path().display()),
                expected: format!("the bytes that were staged, {}", kept.digest.to_hex()),
                found: format!("others, {}", again.digest.to_hex()),
                remedy: "build that code again: somebody wrote to this process's private directory"
                    .to_owned(),
            }));
        }
        Ok(StagedArtifact { signed: kept.signed.clone(), ..again })
    }

    fn copy(
        &self,
        artifact: &Path,
        (mut source, before): (File, FileIdentity),
        expectation: &Expectation<'_>,
        hot_crate: &str,
        generation: u64,
    ) -> Result<StagedArtifact, Error> {
        if before.len > self.limit {
            let (path, len) = (artifact.to_owned(), before.len);
            return Err(Error::ArtifactTooLarge { path, len, limit: self.limit });
        }
        self.home.restore(&self.judge)?;
        let partial = copy::Partial::create(self.home.path(), before.len)?;
        let mut verifying = expectation.begin();
        let copied = copy::copy(&mut source, artifact, &partial, before.len, |bytes| {
            if let Some(verifying) = &mut verifying {
                verifying.update(bytes);
            }
        })?;
        let after = source
            .metadata()
            .map(|metadata| FileIdentity::of(&metadata))
            .map_err(|error| Error::ArtifactRead { path: artifact.to_owned(), source: error })?;
        if after != before || copied.len != before.len {
            return Err(Error::ArtifactChanged {
                path: artifact.to_owned(),
                before: before.to_string(),
                after: after.to_string(),
            });
        }
        let signed = expectation.meets(artifact, copied.digest, verifying).map_err(untrusted)?;
        let path = self.name(partial, hot_crate, generation, copied.digest)?;
        let file = Arc::new(StageFile { path });
        Ok(StagedArtifact { file, digest: copied.digest, source: before, signed })
    }

    /// Gives a finished copy its name, one that no stage of this process has.
    fn name(
        &self,
        partial: copy::Partial,
        hot_crate: &str,
        generation: u64,
        digest: Hash,
    ) -> Result<PathBuf, Error> {
        let hot_crate: String = hot_crate
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
            .collect();
        let digest = &digest.to_hex()[..8];
        let stem = format!("{hot_crate}-gen{generation}-{digest}");
        // Poisoned or not, the lock guards no data.
        let _one_at_a_time = self.naming.lock().unwrap_or_else(PoisonError::into_inner);
        let mut path = self.home.path().join(format!("{stem}.{}", std::env::consts::DLL_EXTENSION));
        let mut again = 1;
        while path.symlink_metadata().is_ok() {
            again += 1;
            let name = format!("{stem}-{again}.{}", std::env::consts::DLL_EXTENSION);
            path = self.home.path().join(name);
        }
        partial.finish(path)
    }
}

/// A stage: where it is, what is in it, and which file it was copied from.
///
/// Clones share the file, which is removed with the last of them. What was loaded from it stays
/// loaded; where the system does not let go of the file of a loaded library, it is removed at the
/// next start.
#[derive(Debug, Clone)]
pub struct StagedArtifact {
    file: Arc<StageFile>,
    digest: Hash,
    source: FileIdentity,
    signed: Option<Signed>,
}

impl StagedArtifact {
    /// The file to verify and load.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The digest of its bytes.
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.source.len
    }

    /// Whether it has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// By whom its bytes are signed, where the program asks for that.
    pub fn signed(&self) -> Option<&Signed> {
        self.signed.as_ref()
    }

    /// The artifact as it was when it was copied.
    pub fn source(&self) -> FileIdentity {
        self.source
    }
}

#[derive(Debug)]
struct StageFile {
    path: PathBuf,
}

impl Drop for StageFile {
    fn drop(&mut self) {
        // It may be gone with the whole directory, or still be held by the loader.
        let _ = fs::remove_file(&self.path);
    }
}

fn failed(path: &Path, failure: Failure) -> Error {
    let path = || path.to_owned();
    match failure {
        Failure::Open(OpenFailure::NotAFile(found)) => Error::ArtifactKind { path: path(), found },
        Failure::Open(OpenFailure::Io(source)) => Error::ArtifactOpen { path: path(), source },
        Failure::Untrusted(difference) => untrusted(difference),
    }
}

fn untrusted(difference: Difference) -> Error {
    Error::Untrusted { difference: Box::new(difference) }
}

#[cfg(test)]
mod tests;
