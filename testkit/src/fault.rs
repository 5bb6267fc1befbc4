//! Artifacts with a fault, each of which one step of the runtime's pipeline is there to find.

use std::fs::{self, File};
use std::path::Path;

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
    /// Load: the symbol under which an artifact is found is not there.
    NoSymbol,
    /// Check: it says that it takes what it needs from the program, and brings its own.
    WrongKind,
}

impl Fault {
    /// Puts the artifact with this fault at `to`.
    pub(crate) fn spoil(self, artifact: &Path, crate_name: &str, to: &Path) -> Result<(), Error> {
        let bytes = || fs::read(artifact).map_err(Error::file("read", artifact));
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
            Fault::NoSymbol => {
                let name = format!("\0__liveswap_{crate_name}\0");
                let other = name.replace("\0__liveswap", "\0__deadswap");
                fs::write(to, with(bytes()?, name.as_bytes(), other.as_bytes()))
            }
            Fault::WrongKind => {
                fs::write(to, with(bytes()?, b"\nkind=standalone\n", b"\nkind=shared    \n"))
            }
        };
        written.map_err(Error::file("write", to))
    }
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
