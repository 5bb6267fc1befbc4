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

mod judge;
mod key;
#[cfg(not(unix))]
mod nobody;
#[cfg(unix)]
mod owners;
mod signature;
mod verdict;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use blake3::Hash;

use crate::event::Difference;

pub(crate) use judge::{Expectation, Failure, Judge, Standing};
pub use key::PublicKey;
#[cfg(not(unix))]
use nobody::Owners;
#[cfg(unix)]
use owners::Owners;
pub(crate) use signature::signature_path;
pub use verdict::{Verdict, look, look_at_directory};

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
