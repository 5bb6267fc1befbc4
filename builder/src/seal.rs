//! The seal of an artifact: a hash of the whole file, in its own manifest.
//!
//! The last thing that is written into an artifact. With it the runtime sees any later change, wherever it is.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use liveswap_abi::manifest;
use object::{Object, ObjectSection};

/// Seals an artifact whose manifest has room for it; a library without stays as it is.
///
/// # Errors
///
/// When the file cannot be read as a library, or not be written.
pub fn seal(artifact: &Path) -> io::Result<()> {
    let bytes = std::fs::read(artifact)?;
    let image = object::File::parse(bytes.as_slice()).map_err(io::Error::other)?;
    let Some(section) = image.section_by_name(manifest::SECTION) else { return Ok(()) };
    let Some((start, _)) = section.file_range() else { return Ok(()) };
    let section = section.data().map_err(io::Error::other)?;
    let Some(place) = manifest::seal_in(section) else { return Ok(()) };
    let is_sealed = section[place.clone()] != *manifest::NO_SEAL.as_bytes();
    if is_sealed {
        return Ok(());
    }
    let seal = blake3::hash(&bytes).to_hex();
    let mut file = OpenOptions::new().write(true).open(artifact)?;
    file.seek(SeekFrom::Start(start + place.start as u64))?;
    file.write_all(seal.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_artifact_stays_as_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let program = directory.path().join("program");
        std::fs::copy(std::env::current_exe().expect("a program"), &program).expect("copied");
        let before = blake3::hash(&std::fs::read(&program).expect("read"));
        seal(&program).expect("is left alone");
        assert_eq!(blake3::hash(&std::fs::read(&program).expect("read")), before);
        let text = directory.path().join("text");
        std::fs::write(&text, "no library").expect("written");
        assert!(seal(&text).is_err());
    }

    #[test]
    fn a_seal_fits_its_place() {
        assert_eq!(blake3::hash(b"").to_hex().len(), manifest::NO_SEAL.len());
    }
}
