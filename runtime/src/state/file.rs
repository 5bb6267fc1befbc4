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

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use liveswap_abi::state::{self, State, StateError};

use super::{SavedStates, Written};

/// The environment variable that says in which directory the named states of the last run are.
pub(super) const DIRECTORY: &str = "LIVESWAP_STATE_DIR";

const FIRST: &str = "liveswap-state 1";
const EXTENSION: &str = "state";

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

fn put(path: &Path, written: &Written) -> Result<(), StateFileError> {
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

fn get(path: &Path) -> Result<Vec<u8>, StateFileError> {
    let io = |source| StateFileError::Io { path: path.to_owned(), verb: "read", source };
    let mut file = fs::read(path).map_err(io)?;
    let damaged = |why: String| StateFileError::Damaged { path: path.to_owned(), why };
    let head = file.windows(2).position(|two| two == b"\n\n");
    let head = head.ok_or_else(|| damaged("it has no head".to_owned()))?;
    let bytes = file.split_off(head + 2);
    let text = String::from_utf8_lossy(&file);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    if first != FIRST {
        return Err(damaged(format!("it begins with {first:?}, not with {FIRST:?}")));
    }
    let digest = lines.find_map(|line| line.strip_prefix("blake3=")).unwrap_or_default();
    let found = blake3::hash(&bytes).to_hex();
    if digest != found.as_str() {
        return Err(damaged(format!("its digest is {found}, and should be {digest:?}")));
    }
    Ok(bytes)
}

/// Saves the states that have a name, each to a file of that name.
pub(super) fn save_named(directory: &Path) -> SavedStates {
    let mut saved = SavedStates::default();
    for (name, written) in state::write_named() {
        let path = directory.join(file_name(&name));
        let result =
            written.map_err(|source| StateFileError::State { source }).and_then(|written| {
                fs::create_dir_all(directory).map_err(|source| StateFileError::Io {
                    path: directory.to_owned(),
                    verb: "made",
                    source,
                })?;
                let damaged = matches!(get(&path), Err(StateFileError::Damaged { .. }));
                if damaged || state::is_unfit(&name) {
                    move_aside(&path)?;
                    state::settle_unfit(&name);
                }
                put(&path, &written)?;
                Ok(path)
            });
        saved.add(name, result);
    }
    saved
}

/// Gives what a former run left to the states that will be made under the same names.
///
/// A file that cannot be used is told and left where it is, until a save of its name moves it aside.
pub(super) fn restore_kept(directory: &Path) -> Vec<StateFileError> {
    let Ok(files) = fs::read_dir(directory) else { return Vec::new() };
    let paths = files.flatten().map(|file| file.path());
    let states = paths.filter(|path| path.extension() == Some(OsStr::new(EXTENSION)));
    let mut errors = Vec::new();
    for path in states {
        let Some(name) = state_name(&path) else { continue };
        match get(&path) {
            Ok(bytes) => state::keep(name, bytes),
            Err(error) => errors.push(error),
        }
    }
    errors
}

/// Moves a file that no state could be made of to a name that nothing else has; it may be gone already.
fn move_aside(path: &Path) -> Result<(), StateFileError> {
    let io = |source| StateFileError::Io { path: path.to_owned(), verb: "moved aside", source };
    for number in 1_u32.. {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".unreadable-{number}"));
        let aside = PathBuf::from(aside);
        if aside.try_exists().map_err(io)? {
            continue;
        }
        return match fs::rename(path, &aside) {
            Ok(()) => {
                tracing::warn!(file = %aside.display(), "a state of the last run was not used; it is kept in this file");
                Ok(())
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(io(source)),
        };
    }
    Err(io(io::ErrorKind::AlreadyExists.into()))
}

/// A file's name for a state of any name: what is not plainly a letter or digit is written as its number.
fn file_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let escaped: String = name
        .chars()
        .map(|c| if plain(c) { c.to_string() } else { format!("%{:x};", u32::from(c)) })
        .collect();
    format!("{escaped}.{EXTENSION}")
}

fn state_name(path: &Path) -> Option<String> {
    let mut name = String::new();
    let mut rest = path.file_stem()?.to_str()?;
    while let Some((plain, escaped)) = rest.split_once('%') {
        let (number, after) = escaped.split_once(';')?;
        name.push_str(plain);
        name.push(char::from_u32(u32::from_str_radix(number, 16).ok()?)?);
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}
