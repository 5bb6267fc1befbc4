//! One compiler call as cargo made it, written by the wrapper and read by the builder.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs, io};

use serde::{Deserialize, Serialize};

use crate::args::RustcArgs;
use crate::stamp::FileStamp;

/// Variables that belong to one run of cargo, not to the command: job tokens, our own.
const OF_ONE_RUN: &[&str] = &[
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
    "MFLAGS",
    "NUM_JOBS",
    "RUSTC_WRAPPER",
    "RUST_RECURSION_COUNT",
    "_",
    crate::wrapper::MODE,
];

/// One compiler call as cargo made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The compiler.
    pub program: PathBuf,
    /// The person's `RUSTC_WORKSPACE_WRAPPER`, which is called with the compiler's path first.
    pub workspace_wrapper: Option<PathBuf>,
    /// Its arguments.
    pub args: RustcArgs,
    /// The directory in which it was run.
    pub cwd: PathBuf,
    /// The variables that cargo added or changed; the rest of the environment is the caller's own
    /// and is not written to disk.
    pub env: BTreeMap<String, String>,
    /// When it was started: a source that is newer was not compiled.
    pub started: SystemTime,
    /// What it wrote, noted once cargo was done.
    pub(crate) output: Option<FileStamp>,
}

impl Record {
    /// The package that the call is for.
    pub fn package(&self) -> Option<&str> {
        self.env.get("CARGO_PKG_NAME").map(String::as_str)
    }

    /// Where the wrapper leaves the record of the unit with this file name.
    pub(crate) fn path(units: &Path, output_stem: &str) -> PathBuf {
        units.join(format!("{output_stem}.json"))
    }

    /// Reads a record; one that is absent or not readable is no record.
    pub(crate) fn read(units: &Path, output_stem: &str) -> Option<Self> {
        read_json(&Self::path(units, output_stem)).ok()
    }
}

/// The environment that cargo was started with, as hashes: enough to see what cargo changed,
/// without a copy of the person's secrets on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BaseEnvironment(BTreeMap<String, u64>);

impl BaseEnvironment {
    pub(crate) fn of_this_process() -> Self {
        Self(variables().map(|(name, value)| (name, hash(&value))).collect())
    }

    /// What of this process's environment is not in the base.
    pub(crate) fn changes_in_this_process(&self) -> BTreeMap<String, String> {
        variables()
            .filter(|(name, value)| {
                let changed = self.0.get(name) != Some(&hash(value));
                !OF_ONE_RUN.contains(&name.as_str()) && (changed || is_of_package(name))
            })
            .collect()
    }
}

/// Whether cargo sets this variable for a package. We may ourselves run under cargo, where such a
/// variable can be the same by chance.
fn is_of_package(name: &str) -> bool {
    name == "OUT_DIR"
        || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn variables() -> impl Iterator<Item = (String, String)> {
    // Neither cargo nor a build script can set what is not UTF-8 through cargo.
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn hash(value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Reads a file of ours.
pub(crate) fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> io::Result<T> {
    serde_json::from_slice(&fs::read(path)?).map_err(io::Error::from)
}

/// Writes a file of ours so that a reader sees all of it or none.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    write_whole(path, &serde_json::to_vec(value).map_err(io::Error::from)?)
}

/// Writes a file so that a reader sees all of it or none. Only this user can read it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}{TEMPORARY}", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = (|| {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        io::Write::write_all(&mut options.open(&temporary)?, bytes)?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// How names of files end that are not whole yet.
const TEMPORARY: &str = ".new";

/// The process that writes a file of this name, which gets another name when it is whole.
pub(crate) fn temporary_of(name: &str) -> Option<u32> {
    name.strip_suffix(TEMPORARY)?.rsplit_once('.')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_changed_is_recorded() {
        let base = BaseEnvironment::of_this_process();
        let changes = base.changes_in_this_process();
        assert!(changes.keys().all(|name| is_of_package(name)), "{changes:?}");
        let mut other = base.clone();
        other.0.remove("PATH");
        assert!(
            other.changes_in_this_process().contains_key("PATH"),
            "a variable that the base lacks is a change"
        );
    }

    #[test]
    fn who_writes_a_file_that_is_not_whole_is_known_by_its_name() {
        assert_eq!(temporary_of("hot-1f.json.71.new"), Some(71));
        for other in ["hot-1f.json", "hot.new", "new", "recipe.json.x.new"] {
            assert_eq!(temporary_of(other), None, "{other}");
        }
    }

    #[test]
    fn no_value_of_the_environment_is_written() {
        let text = serde_json::to_string(&BaseEnvironment::of_this_process()).expect("serializes");
        let path = env::var("PATH").expect("a path");
        assert!(!text.contains(&path));
    }
}
