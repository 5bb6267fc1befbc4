//! Trust: whose artifacts are taken. Decided of the very bytes that are loaded, before any of them is.
//!
//! Obligations, kept here and relied on by *stage*:
//!
//! 1. What is judged is what is copied: ownership is that of the open file, reached from the root through directories
//!    that were judged one by one; a signature and a digest are those of the bytes that were written to the stage.
//! 2. Nobody who is not trusted can change what was judged: directories that others can write to are refused.
//! 3. A symbolic link is judged with the directory that it leads to, and followed only as it was when it was judged.
//! 4. What cannot be told, as a group whose members are not known, is not trusted.
//!
//! Authenticated bytes need no owner: [`Trust::Signed`] and [`Trust::Digests`] stand in place of [`Trust::Owned`] as far as
//! the artifact is concerned. The directory of the stages is judged whatever the policy.

mod key;
#[cfg(not(unix))]
mod nobody;
#[cfg(unix)]
mod owners;
mod signature;

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use blake3::Hash;

use crate::event::{Difference, Signed};
use crate::file::{self, OpenFailure};

pub use key::PublicKey;
#[cfg(not(unix))]
use nobody::Owners;
#[cfg(unix)]
use owners::Owners;
pub(crate) use signature::{Signature, Verifying, signature_path};

/// Whose artifacts a program takes; set by [`Builder::trust`](crate::Builder::trust).
///
/// Whatever the policy, an artifact that is refused for it is never given to the loader: none of its code runs, its
/// initializers included.
///
/// ```
/// use liveswap::Trust;
///
/// let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
/// let trust = Trust::signed(key)?;
/// assert_eq!(trust.to_string(), "artifacts signed by the key E7620F1842B4E81F");
/// # Ok::<(), liveswap::TrustError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Files of this user, of root or of the owner of the running program, in directories that nobody else can write to.
    ///
    /// A directory may also belong to whoever owns one above the running program: they could have put another program
    /// there. Where others may add files but not replace those of somebody else (`/tmp`, with its sticky bit), only the
    /// file's owner counts. A group may write where it is a trusted user's own: named like the user, and with
    /// no other members. Systems without such owners, as Windows, are asked nothing.
    #[default]
    Owned,
    /// Artifacts with a valid minisign signature by this key, in a file beside them that ends in `.minisig`.
    ///
    /// The signature is verified over exactly the bytes that are loaded. Owners do not matter.
    Signed {
        /// The public half of the key that signs.
        key: PublicKey,
    },
    /// Artifacts with one of these blake3 digests. Owners do not matter.
    Digests(HashSet<Hash>),
}

impl Trust {
    /// Only artifacts that `key` has signed: the base64 line of a `minisign.pub`, or the whole file's text.
    ///
    /// # Errors
    ///
    /// [`TrustError::Key`] if that is no public key.
    pub fn signed(key: &str) -> Result<Trust, TrustError> {
        Ok(Trust::Signed { key: key.parse()? })
    }

    /// Only artifacts with one of these blake3 digests, in hexadecimal digits, as `b3sum` and `cargo liveswap inspect` print
    /// them.
    ///
    /// # Errors
    ///
    /// [`TrustError::Digest`] for the first that is no digest.
    pub fn digests<Text: AsRef<str>>(
        digests: impl IntoIterator<Item = Text>,
    ) -> Result<Trust, TrustError> {
        let parse = |text: Text| {
            let text = text.as_ref().trim();
            Hash::from_hex(text)
                .map_err(|why| TrustError::Digest { text: text.to_owned(), why: why.to_string() })
        };
        digests.into_iter().map(parse).collect::<Result<_, _>>().map(Trust::Digests)
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trust::Owned => f.write_str("artifacts that only this user or root can have written"),
            Trust::Signed { key } => write!(f, "artifacts signed by the key {key}"),
            Trust::Digests(digests) => write!(f, "artifacts with one of {} digests", digests.len()),
        }
    }
}

/// Why a policy cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The text is no public key of minisign.
    #[error(
        "trust: `{text}` is no public key: {why}; give the second line of the `minisign.pub` that `minisign -G` wrote"
    )]
    Key {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The text is no digest.
    #[error(
        "trust: `{text}` is no blake3 digest: {why}; give the 64 hexadecimal digits that `cargo liveswap inspect` prints"
    )]
    Digest {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
}

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

/// What is known of a file's trustworthiness without starting a program, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Owner and permissions in words; `None` where the system has none.
    pub owned_by: Option<String>,
    /// Why a program of this user in the artifact's directory would refuse it by [`Trust::Owned`]; `None` if it takes it.
    pub refused: Option<Difference>,
    /// The signature beside it, not verified: that takes a key.
    pub signature: Option<Signed>,
}

/// Judges the artifact at `path` as a program of this user would that is in the same directory.
///
/// # Errors
///
/// What the system says if it cannot be opened.
pub fn look(path: &Path) -> io::Result<Verdict> {
    let path = std::path::absolute(path)?;
    let owners = Owners::of_program_in(path.parent().unwrap_or(&path));
    let (_, metadata) = open(&path)?;
    let refused = match owners.open(&path) {
        Ok(_) => None,
        Err(Failure::Untrusted(difference)) => Some(difference),
        Err(Failure::Open(failure)) => return Err(failure.into()),
    };
    let owned_by = Owners::describe(&metadata);
    let signature = Signature::read(&path).ok().map(Signature::into_signed);
    Ok(Verdict { owned_by, refused, signature })
}

/// Whether programs of this user that are in `directory` may keep their stages there by [`Trust`]'s rule for directories;
/// if not, why.
///
/// # Errors
///
/// What the system says if one of the directories cannot be looked at.
pub fn look_at_directory(directory: &Path) -> io::Result<Option<Difference>> {
    let owners = Owners::of_program_in(directory);
    match owners.directory(directory) {
        Ok(()) => Ok(None),
        Err(Failure::Untrusted(difference)) => Ok(Some(difference)),
        Err(Failure::Open(failure)) => Err(failure.into()),
    }
}

fn open(path: &Path) -> io::Result<(File, Metadata)> {
    Ok(file::open_regular(path)?)
}

/// What has to be watched besides `artifact`: what may change the judgment of it.
pub(crate) fn watched_besides(trust: &Trust, artifact: &Path) -> Option<PathBuf> {
    match trust {
        Trust::Signed { .. } => Some(signature_path(artifact)),
        Trust::Owned | Trust::Digests(_) => None,
    }
}

fn difference(item: String, expected: String, found: String, remedy: String) -> Difference {
    Difference { item, expected, found, remedy }
}
