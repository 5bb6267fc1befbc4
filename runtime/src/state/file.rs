//! A state in a file: a line that says what it is, a digest, and the value.
//!
//! ```text
//! liveswap-state 1\n
//! type=game::World\n
//! blake3=<hexadecimal digits, of the bytes that follow the empty line>\n
//! \n
//! the value, in the format of `liveswap_abi::state`
//! ```
//!
//! A file is written beside its final place, flushed, and moved there, so what is at that place is always whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use liveswap_abi::state::{State, StateError};

use super::Written;

const FIRST: &str = "liveswap-state 1";

/// Saving a state to a file and restoring it.
///
/// ```
/// use liveswap::{State, StateFile};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("score.state");
/// let score = State::new(vec![3_u32, 5]);
/// score.save(&path)?;
/// score.with(|score| score.clear())?;
/// score.restore(&path)?;
/// assert_eq!(*score.look()?, [3, 5]);
/// # Ok(())
/// # }
/// ```
pub trait StateFile {
    /// Saves the value, which may go on changing when this returns; a file that is there is replaced at once or not at all.
    ///
    /// The current generation's code writes it, whichever code asks. It waits while somebody has the state open.
    ///
    /// # Errors
    ///
    /// [`StateFileError::State`] and [`StateFileError::Io`]; what was at the path is still there.
    fn save(&self, path: impl AsRef<Path>) -> Result<(), StateFileError>;

    /// Replaces the value by the saved one, which may be of another version of the type: fields meet by name, as at a swap.
    ///
    /// # Errors
    ///
    /// Every [`StateFileError`]; file and state are as they were.
    fn restore(&self, path: impl AsRef<Path>) -> Result<(), StateFileError>;
}

/// Why a state could not be saved or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateFileError {
    /// The file could not be read or written.
    #[error("the file `{}` could not be {verb}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was to be done.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no saved state, or not a whole one.
    #[error("the file `{}` is not a whole saved state: {why}; remove it, or put a good one there", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The state could not be written or read.
    #[error("{source}")]
    State {
        /// What the state says.
        source: StateError,
    },
}

impl<T> StateFile for State<T> {
    fn save(&self, path: impl AsRef<Path>) -> Result<(), StateFileError> {
        let written = self.write().map_err(|source| StateFileError::State { source })?;
        put(path.as_ref(), &written)
    }

    fn restore(&self, path: impl AsRef<Path>) -> Result<(), StateFileError> {
        let bytes = get(path.as_ref())?;
        self.replace(&bytes).map_err(|source| StateFileError::State { source })
    }
}

pub(super) fn put(path: &Path, written: &Written) -> Result<(), StateFileError> {
    let io = |source| StateFileError::Io { path: path.to_owned(), verb: "written", source };
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let head = format!(
        "{FIRST}\ntype={}\nblake3={}\n\n",
        written.type_name,
        blake3::hash(&written.bytes).to_hex()
    );
    let result = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(head.as_bytes())?;
        file.write_all(&written.bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    result.map_err(|source| {
        // It may not even be there.
        let _ = fs::remove_file(&beside);
        io(source)
    })
}

pub(super) fn get(path: &Path) -> Result<Vec<u8>, StateFileError> {
    let io = |source| StateFileError::Io { path: path.to_owned(), verb: "read", source };
    let mut file = fs::read(path).map_err(io)?;
    let damaged = |why: String| StateFileError::Damaged { path: path.to_owned(), why };
    let head = file.len() - saved_value(&file).map_err(damaged)?.len();
    Ok(file.split_off(head))
}

/// The value in the bytes of a file that [`StateFile::save`] wrote, in the format of [`WrittenState`].
///
/// Takes no memory but for words.
///
/// # Errors
///
/// What is wrong with them, in words.
///
/// # Examples
///
/// ```
/// let why = liveswap::saved_value(b"a text").unwrap_err();
/// assert_eq!(why, "it has no head");
/// ```
///
/// [`WrittenState`]: liveswap_abi::state::WrittenState
pub fn saved_value(file: &[u8]) -> Result<&[u8], String> {
    let head = file.windows(2).position(|two| two == b"\n\n").ok_or("it has no head")?;
    let (head, bytes) = (&file[..head], &file[head + 2..]);
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    if first != FIRST.as_bytes() {
        return Err(format!("it begins with {}, not with {FIRST:?}", shown(first)));
    }
    let digest = lines.find_map(|line| line.strip_prefix(b"blake3=")).unwrap_or_default();
    let found = blake3::hash(bytes).to_hex();
    if digest != found.as_bytes() {
        return Err(format!("its digest is {found}, and should be {}", shown(digest)));
    }
    Ok(bytes)
}

/// The beginning of a line, as a person can read it.
fn shown(line: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&line[..line.len().min(LONGEST)]))
}

/// What is longer is nothing that was written by [`put`].
const LONGEST: usize = 80;
