//! Signatures beside artifacts: found, read, and verified while the bytes go by.
//!
//! Only prehashed signatures are taken, which minisign makes unless told otherwise: they are verified in the pass in
//! which the bytes are copied, and the artifact is never in memory as a whole.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use minisign_verify::{Error, StreamVerifier};

use super::difference;
use super::key::{KeyNumber, PublicKey};
use crate::event::{Difference, Signed};
use crate::file::{self, OpenFailure};

/// minisign keeps both comments together below 10 KB.
const LIMIT: u64 = 16 * 1024;

/// Where the signature of `artifact` is.
pub(crate) fn signature_path(artifact: &Path) -> PathBuf {
    let mut path = artifact.as_os_str().to_owned();
    path.push(".minisig");
    path.into()
}

/// A signature as it was read, of nothing yet.
pub(crate) struct Signature {
    path: PathBuf,
    artifact: PathBuf,
    number: KeyNumber,
    signature: minisign_verify::Signature,
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature").field("path", &self.path).field("number", &self.number).finish()
    }
}

impl Signature {
    /// Reads the signature beside `artifact`, which has to be one that `key` can have made.
    pub(super) fn beside(artifact: &Path, key: &PublicKey) -> Result<Signature, Difference> {
        let signature = Signature::read(artifact).map_err(|found| {
            let remedy = format!(
                "sign it: `minisign -S -m {}`; it is looked at again when the signature is there",
                artifact.display()
            );
            difference(item(artifact), format!("one by the key {key}"), found, remedy)
        })?;
        if let Err(error) = key.key.verify_stream(&signature.signature) {
            return Err(signature.refused(key, &error));
        }
        Ok(signature)
    }

    /// Reads the signature beside `artifact`, or says what is there instead.
    pub(super) fn read(artifact: &Path) -> Result<Signature, String> {
        let path = signature_path(artifact);
        let shown = path.display();
        let (file, _) = match file::open_regular(&path) {
            Ok(opened) => opened,
            Err(OpenFailure::NotAFile(found)) => return Err(format!("{found} at `{shown}`")),
            Err(OpenFailure::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(format!("none: there is no `{shown}`"));
            }
            Err(OpenFailure::Io(error)) => return Err(format!("`{shown}`: {error}")),
        };
        let mut text = String::new();
        if let Err(error) = file.take(LIMIT + 1).read_to_string(&mut text) {
            return Err(format!("`{shown}`, which is no signature: {error}"));
        }
        if text.len() as u64 > LIMIT {
            return Err(format!(
                "`{shown}`, which has more than {LIMIT} bytes and is no signature"
            ));
        }
        let broken = |why: &str| format!("`{shown}`, which is no signature: {why}");
        let number = text.lines().nth(1).and_then(KeyNumber::of);
        let number = number.ok_or_else(|| broken("it is cut short, or not written by minisign"))?;
        let signature =
            minisign_verify::Signature::decode(&text).map_err(|error| broken(&words(&error)))?;
        Ok(Signature { path, artifact: artifact.to_owned(), number, signature })
    }

    /// Begins to look at the bytes.
    pub(super) fn begin<'a>(&'a self, key: &'a PublicKey) -> Verifying<'a> {
        Verifying { signature: self, key, verifier: key.key.verify_stream(&self.signature) }
    }

    /// What it says, verified or not.
    pub(super) fn into_signed(self) -> Signed {
        self.signed()
    }

    fn signed(&self) -> Signed {
        Signed {
            key: self.number.to_string(),
            trusted_comment: self.signature.trusted_comment().to_owned(),
        }
    }

    /// Why it is not one of these bytes by `key`.
    fn refused(&self, key: &PublicKey, error: &Error) -> Difference {
        let artifact = self.artifact.display();
        let shown = self.path.display();
        let (found, remedy) = match error {
            Error::UnexpectedKeyId => (
                format!("one by the key {} in `{shown}`", self.number),
                "sign it with the key that the program was told, or start the program with this key's public half"
                    .to_owned(),
            ),
            Error::UnsupportedLegacyMode | Error::UnexpectedAlgorithm => (
                format!("a legacy one, of the bytes themselves, in `{shown}`"),
                format!("sign it without `-l`, with minisign 0.11 or newer: `minisign -S -m {artifact}`"),
            ),
            error => (
                format!(
                    "`{shown}`, which is not of these bytes and this comment: {}",
                    words(error)
                ),
                format!(
                    "put artifact and signature of one build there, or sign it again: `minisign -S -m {artifact}`"
                ),
            ),
        };
        difference(item(&self.artifact), format!("one by the key {key}"), found, remedy)
    }
}

/// A signature while the bytes go by.
pub(crate) struct Verifying<'a> {
    signature: &'a Signature,
    key: &'a PublicKey,
    verifier: Result<StreamVerifier<'a>, Error>,
}

impl Verifying<'_> {
    /// Takes in the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Ok(verifier) = &mut self.verifier {
            verifier.update(bytes);
        }
    }

    /// Whether the bytes that went by are those that were signed, and the comment too.
    pub(super) fn end(self) -> Result<Signed, Difference> {
        let Verifying { signature, key, verifier } = self;
        verifier
            .and_then(|mut verifier| verifier.finalize())
            .map_err(|error| signature.refused(key, &error))?;
        Ok(signature.signed())
    }
}

fn item(artifact: &Path) -> String {
    format!("signature of `{}`", artifact.display())
}

/// What `minisign-verify` says, in words that fit into a sentence.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::InvalidEncoding => "it is cut short, or not written by minisign".to_owned(),
        Error::InvalidSignature => "verification failed".to_owned(),
        Error::UnsupportedAlgorithm => "its algorithm is none of minisign's".to_owned(),
        other => other.to_string(),
    }
}
