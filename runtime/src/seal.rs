//! The seal that a builder may have put on an artifact: whether the file is, byte for byte, what was finished then.
//!
//! An artifact that plain cargo made has none, and is judged by its structure alone.

use std::fs::File;
use std::io::{self, Read, Seek};

use blake3::Hasher;
use liveswap_abi::manifest::{self, NO_SEAL};
use object::read::ReadCache;
use object::{Object, ObjectSection};

const BUFFER: usize = 128 * 1024;

/// What a seal says of its file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// There is none, and an empty place for one.
    None,
    /// There is no place for one either, which every artifact has.
    NoPlace,
    /// The file is what was sealed.
    Whole,
    /// The file has changed since.
    Broken {
        /// The hash in the file.
        sealed: String,
        /// The hash of the file.
        found: String,
    },
}

/// Reads the whole file, unless it has no seal.
pub(crate) fn look(file: &mut File) -> io::Result<Seal> {
    let place = {
        let cache = ReadCache::new(&mut *file);
        place(&cache)
    };
    let Some((start, sealed)) = place else { return Ok(Seal::NoPlace) };
    if sealed == NO_SEAL {
        return Ok(Seal::None);
    }
    let found = hash_without(file, start)?;
    Ok(if sealed == found { Seal::Whole } else { Seal::Broken { sealed, found } })
}

/// Where in the file the seal is, and what it says.
fn place(cache: &ReadCache<&mut File>) -> Option<(u64, String)> {
    let image = object::File::parse(cache).ok()?;
    let section = image.section_by_name(manifest::SECTION)?;
    let (start, _) = section.file_range()?;
    let bytes = section.data().ok()?;
    let place = manifest::seal_in(bytes)?;
    let seal = String::from_utf8_lossy(bytes.get(place.clone())?).into_owned();
    Some((start + place.start as u64, seal))
}

/// The hash of the file as it was before its seal was written at `start`.
fn hash_without(file: &mut File, start: u64) -> io::Result<String> {
    file.rewind()?;
    let mut hasher = Hasher::new();
    let mut before = Read::take(&mut *file, start);
    pump(&mut before, &mut hasher)?;
    let mut seal = [0; NO_SEAL.len()];
    file.read_exact(&mut seal)?;
    hasher.update(NO_SEAL.as_bytes());
    pump(file, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn pump(source: &mut impl Read, hasher: &mut Hasher) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
    }
}
