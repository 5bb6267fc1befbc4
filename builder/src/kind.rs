//! The kind in an artifact's manifest: the compiler writes one, the link decides.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use liveswap_abi::manifest;
use object::{Object, ObjectSection, ReadCache};

/// What the compiler wrote.
const STANDALONE: &str = "\nkind=standalone\n";

/// As long as what it replaces: nothing of the file may move. Readers ignore the spaces.
const SHARED: &str = "\nkind=shared    \n";

/// Writes into an artifact's manifest that it is a shared one; a library without a manifest stays as it is.
pub(crate) fn mark_shared(artifact: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(artifact)?;
    let place = {
        let cache = ReadCache::new(&file);
        let image = object::File::parse(&cache).map_err(io::Error::other)?;
        let Some(section) = image.section_by_name(manifest::SECTION) else { return Ok(()) };
        let Some((start, _)) = section.file_range() else { return Ok(()) };
        kind_in(section.data().map_err(io::Error::other)?).map(|at| start + at as u64)
    };
    let Some(place) = place else { return Ok(()) };
    file.seek(SeekFrom::Start(place))?;
    file.write_all(SHARED.as_bytes())
}

/// Where in a manifest the crate's own record says its kind.
fn kind_in(section: &[u8]) -> Option<usize> {
    let mut records = manifest::records(section).filter_map(Result::ok);
    let text = records.find(|text| text.starts_with("crate="))?;
    let inside = text.find(STANDALONE)?;
    Some(text.as_ptr().addr() - section.as_ptr().addr() + inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).expect("short");
        [&manifest::MAGIC, length.to_le_bytes().as_slice(), text.as_bytes()].concat()
    }

    #[test]
    fn only_the_kind_of_the_crate_is_found() {
        let function = record("function=a::b\nfile=x\nkind=standalone\n");
        let own = record("crate=a\nkind=standalone\nabi=1\n");
        let section = [vec![0; 3], function.clone(), vec![0; 5], own].concat();
        let at = kind_in(&section).expect("it is there");
        assert!(section[at..].starts_with(STANDALONE.as_bytes()));
        assert!(section[..at].ends_with(b"crate=a"), "not the function's");
        assert_eq!(kind_in(&function), None);
        assert_eq!(kind_in(&record("crate=a\nkind=shared    \n")), None);
        assert_eq!(kind_in(b"no manifest"), None);
    }

    #[test]
    fn nothing_moves() {
        assert_eq!(STANDALONE.len(), SHARED.len());
    }
}
