//! Files seen from outside: what kind a path is, which file it is, and how to open one safely.

use std::fmt;
use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Which file a name stands for, and in which state, as far as the system tells without reading it.
///
/// Two equal identities are the same bytes as far as anyone can tell from outside: a writer that
/// keeps the length and writes within one tick of the file system's clock is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// The device, on Unix; 0 elsewhere.
    pub device: u64,
    /// The inode on that device, on Unix; 0 elsewhere.
    pub inode: u64,
    /// The length in bytes.
    pub len: u64,
    /// When the content was last modified, where the file system says so.
    pub modified: Option<SystemTime>,
}

impl FileIdentity {
    /// The identity that `metadata` describes.
    pub fn of(metadata: &Metadata) -> Self {
        let (device, inode) = device_and_inode(metadata);
        FileIdentity { device, inode, len: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl fmt::Display for FileIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)?;
        if self.inode != 0 {
            write!(f, ", inode {}", self.inode)?;
        }
        let since_epoch =
            self.modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        if let Some(at) = since_epoch {
            write!(f, ", modified at {}.{:09}", at.as_secs(), at.subsec_nanos())?;
        }
        Ok(())
    }
}

/// Why a path could not be opened as a regular file.
#[derive(Debug)]
pub enum OpenFailure {
    /// It is something else, named with its article, as in "a directory".
    NotAFile(&'static str),
    /// The system refused.
    Io(io::Error),
}

impl From<io::Error> for OpenFailure {
    fn from(error: io::Error) -> Self {
        OpenFailure::Io(error)
    }
}

impl From<OpenFailure> for io::Error {
    fn from(failure: OpenFailure) -> Self {
        match failure {
            OpenFailure::NotAFile(found) => {
                io::Error::other(format!("it is not a regular file but {found}"))
            }
            OpenFailure::Io(error) => error,
        }
    }
}

/// Opens a regular file for reading, and nothing else.
///
/// A symbolic link is not followed. A FIFO without a writer does not block the caller, and a
/// device is not opened at all.
///
/// # Errors
///
/// [`OpenFailure::NotAFile`] says what is there instead; [`OpenFailure::Io`] is the system's word.
pub fn open_regular(path: &Path) -> Result<(File, Metadata), OpenFailure> {
    open_regular_by(path, || {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
        }
        options.open(path)
    })
}

/// What [`open_regular`] does, with `open` to open what is at `path`: it follows no link and does not block.
pub(crate) fn open_regular_by(
    path: &Path,
    open: impl FnOnce() -> io::Result<File>,
) -> Result<(File, Metadata), OpenFailure> {
    // Opening a device can act on it, so the kind is asked for before and, because the name may
    // have changed hands in between, once more of the file that was really opened.
    refuse_other_kinds(fs::symlink_metadata(path)?.file_type())?;
    let file = open()?;
    let metadata = file.metadata()?;
    refuse_other_kinds(metadata.file_type())?;
    Ok((file, metadata))
}

fn refuse_other_kinds(file_type: FileType) -> Result<(), OpenFailure> {
    match other_kind(file_type) {
        Some(found) => Err(OpenFailure::NotAFile(found)),
        None => Ok(()),
    }
}

/// What a path is, with its article, when it is not a regular file.
pub fn other_kind(file_type: FileType) -> Option<&'static str> {
    if file_type.is_file() {
        return None;
    }
    if file_type.is_dir() {
        return Some("a directory");
    }
    if file_type.is_symlink() {
        return Some("a symbolic link");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return Some("a FIFO");
        }
        if file_type.is_socket() {
            return Some("a socket");
        }
        if file_type.is_char_device() || file_type.is_block_device() {
            return Some("a device");
        }
    }
    Some("something that is not a file")
}

#[cfg(unix)]
fn device_and_inode(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn device_and_inode(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// How many names a file has; 1 where the system does not say.
pub fn links(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        metadata.nlink()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(path: &Path) -> &'static str {
        match open_regular(path) {
            Err(OpenFailure::NotAFile(found)) => found,
            Err(OpenFailure::Io(error)) => panic!("{path:?}: {error}"),
            Ok(_) => "a file",
        }
    }

    #[test]
    fn a_regular_file_is_opened_and_described() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, b"four").unwrap();
        let (_, metadata) = open_regular(&path).unwrap();
        let identity = FileIdentity::of(&metadata);
        assert_eq!(identity.len, 4);
        assert!(identity.to_string().starts_with("4 bytes"));
        assert_eq!(identity, FileIdentity::of(&fs::metadata(&path).unwrap()));
    }

    #[test]
    fn a_missing_file_is_the_systems_word() {
        let dir = tempfile::tempdir().unwrap();
        let failure = open_regular(&dir.path().join("none")).unwrap_err();
        assert!(
            matches!(failure, OpenFailure::Io(error) if error.kind() == io::ErrorKind::NotFound)
        );
    }

    #[cfg(unix)]
    #[test]
    fn other_kinds_are_named_and_none_blocks() {
        use std::os::unix::net::UnixListener;
        use std::process::Command;
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(kind_of(dir.path()), "a directory");

        let target = dir.path().join("target");
        fs::write(&target, b"").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(kind_of(&link), "a symbolic link");

        let socket = dir.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(kind_of(&socket), "a socket");

        let fifo = dir.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert_eq!(kind_of(&fifo), "a FIFO");

        assert_eq!(kind_of(Path::new("/dev/null")), "a device");
    }

    #[cfg(unix)]
    #[test]
    fn a_second_file_of_the_same_length_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| dir.path().join(name));
        fs::write(&a, b"same").unwrap();
        fs::write(&b, b"same").unwrap();
        let of = |path: &Path| FileIdentity::of(&fs::metadata(path).unwrap());
        assert_ne!(of(&a), of(&b));
        fs::write(&a, b"longer").unwrap();
        assert_eq!(of(&a).len, 6);
    }
}
