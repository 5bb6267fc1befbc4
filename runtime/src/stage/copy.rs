//! Copying and digesting in one pass.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use blake3::{Hash, Hasher};

use crate::error::Error;

/// Large enough that calls to the system cost nothing, small enough to stay in a core's cache, from
/// which the second and third use of the same bytes is served.
const BUFFER: usize = 128 * 1024;

/// What a copy came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) digest: Hash,
    pub(super) len: u64,
}

/// A stage that is being written. It is removed unless it is finished.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    needed: u64,
}

impl Partial {
    /// Makes a file in `directory` that nobody else has, for `needed` bytes.
    pub(super) fn create(directory: &Path, needed: u64) -> Result<Self, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // Relaxed: it only has to be another number each time.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{number}.part"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        match options.open(&path) {
            Ok(file) => Ok(Partial { path, file, needed }),
            Err(source) => Err(Error::StageWrite { path, needed, source }),
        }
    }

    /// Closes the file and gives it its last name.
    pub(super) fn finish(mut self, path: PathBuf) -> Result<PathBuf, Error> {
        fs::rename(&self.path, &path).map_err(|source| self.failed(source))?;
        self.path = PathBuf::new();
        Ok(path)
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::StageWrite { path: self.path.clone(), needed: self.needed, source }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Copies `source`, the file at `artifact`, into `partial`; no more than `limit` bytes and one. Every byte that is
/// written is shown to `seen` as well.
pub(super) fn copy(
    source: &mut File,
    artifact: &Path,
    partial: &Partial,
    limit: u64,
    seen: impl FnMut(&[u8]),
) -> Result<Copied, Error> {
    // One byte more than there should be is enough to know that the file has grown.
    let copied = pump(&mut source.take(limit.saturating_add(1)), &mut &partial.file, seen);
    copied.map_err(|failure| match failure {
        Failure::Read(source) => Error::ArtifactRead { path: artifact.to_owned(), source },
        Failure::Write(source) => partial.failed(source),
    })
}

#[derive(Debug)]
enum Failure {
    Read(io::Error),
    Write(io::Error),
}

fn pump(
    source: &mut impl Read,
    sink: &mut impl Write,
    mut seen: impl FnMut(&[u8]),
) -> Result<Copied, Failure> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BUFFER];
    let mut len = 0;
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok(Copied { digest: hasher.finalize(), len }),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Read(error)),
        };
        hasher.update(&buffer[..read]);
        seen(&buffer[..read]);
        sink.write_all(&buffer[..read]).map_err(Failure::Write)?;
        len += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives and takes a few bytes at a time, is interrupted now and then, and fails after `left`.
    struct Rough {
        left: usize,
        calls: usize,
        kind: io::ErrorKind,
    }

    impl Rough {
        fn step(&mut self, wanted: usize) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.left == 0 {
                return Err(self.kind.into());
            }
            let step = wanted.min(self.left).min(1000);
            self.left -= step;
            Ok(step)
        }
    }

    impl Read for Rough {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let step = self.step(buffer.len())?;
            buffer[..step].fill(7);
            Ok(step)
        }
    }

    impl Write for Rough {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.step(buffer.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn rough(left: usize, kind: io::ErrorKind) -> Rough {
        Rough { left, calls: 0, kind }
    }

    #[test]
    fn the_digest_is_that_of_the_bytes_however_they_come() {
        let bytes = vec![7; 3 * BUFFER + 5];
        let mut sink = Vec::new();
        let mut source = rough(usize::MAX, io::ErrorKind::Other).take(bytes.len() as u64);
        let mut shown = Vec::new();
        let copied = pump(&mut source, &mut sink, |bytes| shown.extend_from_slice(bytes)).unwrap();
        assert_eq!(shown, sink, "what is looked at is what is written");
        assert_eq!(copied, Copied { digest: blake3::hash(&bytes), len: bytes.len() as u64 });
        assert_eq!(sink, bytes);
    }

    #[test]
    fn a_full_disk_and_a_bad_one_are_told_apart() {
        let mut source = &[1u8; 5000][..];
        let failure =
            pump(&mut source, &mut rough(2000, io::ErrorKind::StorageFull), |_| {}).unwrap_err();
        assert!(matches!(failure, Failure::Write(e) if e.kind() == io::ErrorKind::StorageFull));
        let mut source = rough(2000, io::ErrorKind::Other);
        assert!(matches!(
            pump(&mut source, &mut Vec::new(), |_| {}).unwrap_err(),
            Failure::Read(_)
        ));
    }

    #[test]
    fn an_unfinished_copy_leaves_nothing_and_a_finished_one_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(dir.path()).unwrap().count();
        let partial = Partial::create(dir.path(), 4).unwrap();
        assert_eq!(names(), 1);
        drop(partial);
        assert_eq!(names(), 0);
        let path = Partial::create(dir.path(), 4).unwrap().finish(dir.path().join("a")).unwrap();
        assert!(path.exists());
        assert_eq!(names(), 1);
    }

    #[test]
    fn a_source_that_grew_is_read_one_byte_too_far_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("source");
        fs::write(&path, vec![1; 5000]).unwrap();
        let partial = Partial::create(dir.path(), 4000).unwrap();
        let copied = copy(&mut File::open(&path).unwrap(), &path, &partial, 4000, |_| {}).unwrap();
        assert_eq!(copied.len, 4001);
    }
}
