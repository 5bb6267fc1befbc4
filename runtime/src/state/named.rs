//! Named states between two runs of a program: each in a file of its name.
//!
//! A file is replaced only by a process that has read it, and whose state of that name took the value, or that wrote it
//! itself. Any other file is moved aside: it cannot be read, is damaged, does not fit, or is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use liveswap_abi::HotCrate;
use liveswap_abi::state::{self, Failure};

use super::file::{StateFileError, get, put};
use crate::event::UnusedState;

/// The environment variable that says in which directory the named states of the last run are.
pub const STATE_DIR: &str = "LIVESWAP_STATE_DIR";

const EXTENSION: &str = "state";

/// What was written of the states that have a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SavedStates {
    /// The names of the states that are in files now, and the files.
    pub files: BTreeMap<String, PathBuf>,
    /// The names of those that could not be saved, and why.
    pub failures: BTreeMap<String, String>,
}

/// What this process knows of files of named states.
struct Known {
    /// Files that it may replace.
    own: BTreeSet<PathBuf>,
    /// Files whose values nobody has asked for yet, by name.
    kept: BTreeMap<String, PathBuf>,
    unused: Vec<UnusedState>,
    /// Who is told of those, with the runtime's hot crate by address.
    tell: Vec<(usize, Tell)>,
}

type Tell = Arc<dyn Fn(&UnusedState) + Send + Sync>;

static KNOWN: Mutex<Known> = Mutex::new(Known {
    own: BTreeSet::new(),
    kept: BTreeMap::new(),
    unused: Vec::new(),
    tell: Vec::new(),
});

/// One save at a time: two would write the same files.
static SAVING: Mutex<()> = Mutex::new(());

fn known() -> MutexGuard<'static, Known> {
    // Every change is one insertion or removal, so a panic elsewhere harms none.
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the named states of the last run are, if anybody said so.
pub(super) fn directory() -> Option<PathBuf> {
    std::env::var_os(STATE_DIR).filter(|place| !place.is_empty()).map(PathBuf::from)
}

/// Has `tell` hear of every value that is not used.
pub(super) fn listen(host: &'static HotCrate, tell: Tell) {
    known().tell.push((std::ptr::from_ref(host).addr(), tell));
}

/// Ends what `listen` began.
pub(super) fn listen_no_more(host: &'static HotCrate) {
    known().tell.retain(|(address, _)| *address != std::ptr::from_ref(host).addr());
}

/// The values of the last run that this process has not used.
pub(crate) fn unused() -> Vec<UnusedState> {
    known().unused.clone()
}

/// Gives what a former run left to the states that will be made under the same names.
pub(super) fn restore(directory: &Path) {
    state::on_unfit(does_not_fit);
    let files = match fs::read_dir(directory) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(source) => {
            // What is in it is not known, so it is moved aside when it is in the way.
            let error = io_error(directory, "listed", source);
            tell(UnusedState { name: "*".to_owned(), why: words(&error), aside: None });
            return;
        }
    };
    let paths = files.flatten().map(|file| file.path());
    let states = paths.filter(|path| path.extension() == Some(OsStr::new(EXTENSION)));
    for path in states {
        let Some(name) = state_name(&path) else { continue };
        match get(&path) {
            Ok(bytes) => {
                let mut known = known();
                known.own.insert(path.clone());
                known.kept.insert(name.clone(), path);
                drop(known);
                state::keep(name, bytes);
            }
            Err(error) => put_aside(name, &path, words(&error)),
        }
    }
}

/// Saves the states that have a name, each to a file of that name.
pub(super) fn save(directory: &Path) -> SavedStates {
    let _one = SAVING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut saved = SavedStates::default();
    for (name, written) in state::write_named() {
        let path = directory.join(file_name(&name));
        let result =
            written.map_err(|source| StateFileError::State { source }).and_then(|written| {
                fs::create_dir_all(directory)
                    .map_err(|source| io_error(directory, "made", source))?;
                if !known().own.contains(&path)
                    && let Some(aside) = move_aside(&path)?
                {
                    let why = "this program has not read its file".to_owned();
                    tell(UnusedState { name: name.clone(), why, aside: Some(aside) });
                }
                put(&path, &written)?;
                known().own.insert(path.clone());
                Ok(path)
            });
        match result {
            Ok(path) => drop(saved.files.insert(name, path)),
            Err(error) => drop(saved.failures.insert(name, words(&error))),
        }
    }
    saved
}

/// A kept value does not fit the state that asked for it.
fn does_not_fit(name: &str, failure: &Failure) {
    let kept = known().kept.remove(name);
    if let Some(path) = kept {
        put_aside(name.to_owned(), &path, failure.to_string());
    }
}

/// Moves a file that is not used to where no save replaces it, and tells of it.
fn put_aside(name: String, path: &Path, why: String) {
    known().own.remove(path);
    let (why, aside) = match move_aside(path) {
        Ok(aside) => (why, aside),
        Err(error) => (format!("{why}; {}", words(&error)), None),
    };
    tell(UnusedState { name, why, aside });
}

fn tell(unused: UnusedState) {
    tracing::warn!(%unused, "a state of the last run is not used");
    let mut known = known();
    let listening: Vec<Tell> = known.tell.iter().map(|(_, tell)| Arc::clone(tell)).collect();
    known.unused.push(unused.clone());
    drop(known);
    listening.iter().for_each(|tell| tell(&unused));
}

/// Moves a file to a name that nothing else has, and returns that; `None` where there is no file.
fn move_aside(path: &Path) -> Result<Option<PathBuf>, StateFileError> {
    let failed = |source| io_error(path, "moved aside", source);
    for number in 1_u32.. {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".unreadable-{number}"));
        let aside = PathBuf::from(aside);
        if fs::symlink_metadata(&aside).is_ok() {
            continue;
        }
        return match fs::rename(path, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed(source)),
        };
    }
    Err(failed(io::ErrorKind::AlreadyExists.into()))
}

fn io_error(path: &Path, verb: &'static str, source: io::Error) -> StateFileError {
    StateFileError::Io { path: path.to_owned(), verb, source }
}

/// An error with its cause.
fn words(error: &StateFileError) -> String {
    match error {
        StateFileError::Io { source, .. } => format!("{error}: {source}"),
        error => error.to_string(),
    }
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
