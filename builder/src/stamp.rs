//! The look of a compiled file on disk, to see later whether it is still the same.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// Path, size and time of change of a file that a compiler or linker wrote.
///
/// Enough for files that tools replace as a whole; sources, which people touch without changing
/// them, are compared by content (see `freshness.rs`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileStamp {
    pub path: PathBuf,
    pub len: u64,
    pub modified: SystemTime,
}

impl FileStamp {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { path: path.to_owned(), len: metadata.len(), modified: metadata.modified()? })
    }

    /// Whether the file is there and looks as it did.
    pub(crate) fn still_holds(&self) -> bool {
        Self::of(&self.path).is_ok_and(|now| now == *self)
    }
}

/// An archive inside the host, known by its content: built again from the same sources it is the
/// same, whatever its time says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchiveStamp {
    stamp: FileStamp,
    digest: [u8; 32],
}

impl ArchiveStamp {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { stamp: FileStamp::of(path)?, digest: blake3::hash(&fs::read(path)?).into() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.stamp.path
    }

    /// Whether the archive is there with the same content.
    pub(crate) fn still_holds(&self) -> bool {
        let now = FileStamp::of(&self.stamp.path);
        now.is_ok_and(|now| now == self.stamp || (now.len == self.stamp.len && self.has_digest()))
    }

    fn has_digest(&self) -> bool {
        fs::read(&self.stamp.path).is_ok_and(|bytes| blake3::hash(&bytes) == self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_known_by_its_content() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("liba-1.rlib");
        fs::write(&path, "code").expect("written");
        let stamp = ArchiveStamp::of(&path).expect("there");
        assert!(stamp.still_holds());
        let file = fs::OpenOptions::new().write(true).open(&path).expect("opens");
        file.set_modified(SystemTime::UNIX_EPOCH).expect("sets");
        assert!(stamp.still_holds(), "another time only");
        assert!(!stamp.stamp.still_holds());
        fs::write(&path, "edoc").expect("written");
        assert!(!stamp.still_holds(), "other content");
    }
}
