//! Artifacts with a fault, each of which one step of the runtime's pipeline is there to find.

use std::fs::{self, File};
use std::path::Path;

use liveswap_abi::manifest::{self, NO_SEAL};

use crate::error::Error;

/// The largest artifact that the runtime of a lab takes.
pub(crate) const LIMIT: u64 = 512 << 20;

/// What is wrong with the next artifact; see [`Lab::inject`](crate::Lab::inject).
///
/// The artifact is built as always and spoiled on its way to the runtime, so what is tried is the runtime that programs
/// have, through its front door. A fault at *check* that a person can make (a changed signature) is better tried with an
/// edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Settle: half of the file is missing, and nobody writes the rest.
    CutShort,
    /// Settle: it is a text.
    NotALibrary,
    /// Settle: it is a directory.
    Directory,
    /// Settle: it is gone by the time it is looked for.
    Gone,
    /// Stage: it is larger than the runtime takes.
    OverLimit,
    /// Verify: the manifest cannot be read.
    BrokenManifest,
    /// Verify: it says that another compiler made it.
    OtherCompiler,
    /// Verify: a byte of it has changed since it was finished.
    BrokenSeal,
    /// Load: a library that it needs is not there.
    NoLibrary,
    /// Check: it says that it takes what it needs from the program, and brings its own.
    WrongKind,
}

impl Fault {
    /// Puts the artifact with this fault at `to`.
    pub(crate) fn spoil(self, artifact: &Path, to: &Path) -> Result<(), Error> {
        // Without its seal, which would give away every fault at once.
        let bytes = || fs::read(artifact).map(without_seal).map_err(Error::file("read", artifact));
        let written = match self {
            Fault::CutShort => {
                let bytes = bytes()?;
                fs::write(to, &bytes[..bytes.len() / 2])
            }
            Fault::NotALibrary => fs::write(to, "error: could not compile\n"),
            Fault::Directory => fs::create_dir(to),
            Fault::Gone => Ok(()),
            Fault::OverLimit => fs::copy(artifact, to).and_then(|_| {
                // Without the bytes in between: they take no space.
                File::options().write(true).open(to)?.set_len(LIMIT + 1)
            }),
            Fault::BrokenManifest => fs::write(to, with(bytes()?, b"LVSWAP\n", b"LVSWOP\n")),
            Fault::OtherCompiler => {
                fs::write(to, with(bytes()?, b"\nrustc=rustc ", b"\nrustc=resin "))
            }
            Fault::BrokenSeal => {
                let mut bytes = fs::read(artifact).map_err(Error::file("read", artifact))?;
                // In code, where nothing else would find it.
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(to, bytes)
            }
            Fault::NoLibrary => fs::write(to, with(bytes()?, b"\0libc.so.6\0", b"\0libq.so.6\0")),
            Fault::WrongKind => {
                fs::write(to, with(bytes()?, b"\nkind=standalone\n", b"\nkind=shared    \n"))
            }
        };
        written.map_err(Error::file("write", to))
    }
}

/// The artifact as whoever built it left it before it was sealed.
fn without_seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let magic = |at: &usize| bytes[*at..].starts_with(&manifest::MAGIC);
    let mut records = (0..bytes.len()).filter(magic);
    let found = records.find_map(|at| Some((at, manifest::seal_in(&bytes[at..])?)));
    if let Some((at, seal)) = found {
        bytes[at..][seal].copy_from_slice(NO_SEAL.as_bytes());
    }
    bytes
}

/// The bytes with `to` wherever `from` stands.
fn with(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|it| it == from) {
        at += found;
        bytes[at..at + to.len()].copy_from_slice(to);
        at += to.len();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_replaced() {
        assert_eq!(with(b"a-b-c".to_vec(), b"-", b"+"), b"a+b+c");
        assert_eq!(with(b"abc".to_vec(), b"-", b"+"), b"abc");
        assert_eq!(with(b"--".to_vec(), b"--", b"++"), b"++");
    }
}
