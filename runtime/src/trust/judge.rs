//! A policy at work on one artifact.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use blake3::Hash;

use super::signature::{Signature, Verifying};
use super::{Owners, PublicKey, Trust, difference, signature_path};
use crate::event::{Difference, Signed};
use crate::file::{self, FileIdentity, OpenFailure};

/// Why an artifact is not taken.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It cannot be opened, or is no regular file.
    Open(OpenFailure),
    /// It can, and is not trusted.
    Untrusted(Difference),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Open(OpenFailure::Io(error))
    }
}

impl From<OpenFailure> for Failure {
    fn from(failure: OpenFailure) -> Self {
        Failure::Open(failure)
    }
}

impl From<Difference> for Failure {
    fn from(difference: Difference) -> Self {
        Failure::Untrusted(difference)
    }
}

/// A policy at work: who is trusted, and what has to be seen of an artifact.
#[derive(Debug)]
pub(crate) struct Judge {
    trust: Trust,
    owners: Owners,
}

impl Judge {
    /// Judges by `trust` in this process.
    pub(crate) fn new(trust: Trust) -> Judge {
        Judge { trust, owners: Owners::of_this_process() }
    }

    /// The policy.
    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Opens the artifact at `path`, if its owner is trusted or need not be.
    pub(crate) fn open(&self, path: &Path) -> Result<(File, Metadata), Failure> {
        match &self.trust {
            Trust::Owned => self.owners.open(path),
            Trust::Signed { .. } | Trust::Digests(_) => Ok(file::open_regular(path)?),
        }
    }

    /// What the artifact at `path` has to be, as far as its bytes say.
    ///
    /// The signature is read now, so that one that is missing is known before anything is copied.
    pub(crate) fn expectation(&self, path: &Path) -> Result<Expectation<'_>, Difference> {
        Ok(match &self.trust {
            Trust::Owned => Expectation::Nothing,
            Trust::Signed { key } => {
                let signature = Box::new(Signature::beside(path, key)?);
                Expectation::Signed { key, signature }
            }
            Trust::Digests(digests) => Expectation::Digest(digests),
        })
    }

    /// What there is to be said of the artifact at `path` now besides its content.
    pub(crate) fn standing(&self, path: &Path) -> Standing {
        let look = |path: &Path| fs::symlink_metadata(path).ok();
        match &self.trust {
            Trust::Owned => Standing::Owned(look(path).and_then(|it| Owners::facts(&it))),
            Trust::Signed { .. } => {
                let signature = look(&signature_path(path));
                Standing::Signed(signature.map(|it| FileIdentity::of(&it)))
            }
            Trust::Digests(_) => Standing::Content,
        }
    }

    /// Whether `directory`, every directory above it, and what links lead there can be changed by nobody else; it
    /// must be there.
    pub(crate) fn directory(&self, directory: &Path) -> Result<(), Failure> {
        self.owners.directory(directory)
    }

    /// Whether `directory` is one that only this process's user can enter.
    pub(crate) fn private(&self, directory: &Path) -> Result<(), Failure> {
        self.owners.private(directory)
    }
}

/// What decides whether an artifact is trusted, and can change while its content does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Owner, group and permissions, where the file is there and has them.
    Owned(Option<[u32; 3]>),
    /// Which file its signature is, where there is one.
    Signed(Option<FileIdentity>),
    /// Nothing but the content.
    Content,
}

/// What the bytes of one artifact have to be.
#[derive(Debug)]
pub(crate) enum Expectation<'a> {
    /// Anything.
    Nothing,
    /// Those that were signed.
    Signed {
        /// By whom.
        key: &'a PublicKey,
        /// The signature that was found.
        signature: Box<Signature>,
    },
    /// Those of one of these digests.
    Digest(&'a HashSet<Hash>),
}

impl Expectation<'_> {
    /// Begins to look at bytes.
    pub(crate) fn begin(&self) -> Option<Verifying<'_>> {
        match self {
            Expectation::Signed { key, signature } => Some(signature.begin(key)),
            Expectation::Nothing | Expectation::Digest(_) => None,
        }
    }

    /// Judges bytes that were copied from `path`, with this digest.
    pub(crate) fn meets(
        &self,
        path: &Path,
        digest: Hash,
        verifying: Option<Verifying<'_>>,
    ) -> Result<Option<Signed>, Difference> {
        match self {
            Expectation::Digest(digests) if !digests.contains(&digest) => {
                Err(difference(
                    format!("digest of `{}`", path.display()),
                    format!("one of the {} that are allowed", digests.len()),
                    digest.to_hex().to_string(),
                    "put an artifact there that is allowed, or start the program with this digest among `Trust::Digests`"
                        .to_owned(),
                ))
            }
            Expectation::Nothing | Expectation::Digest(_) => Ok(None),
            Expectation::Signed { .. } => verifying.map(Verifying::end).transpose(),
        }
    }
}
