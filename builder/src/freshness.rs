//! Whether what was read from disk and environment is still what is there.
//!
//! A source that was touched but not changed is not a change, so files are compared by content,
//! and by time and size first, so that content is rarely read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fmt, fs, io};

use serde::{Deserialize, Serialize};

/// A file changed this shortly before it was looked at may change again without a new time.
const RACY: Duration = Duration::from_millis(100);

/// The content of a file or directory tree, as far as it is needed to see a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Look {
    /// Nothing is there.
    Absent,
    /// A file: its time is trusted unless it was racy.
    File { len: u64, modified: SystemTime, racy: bool, digest: [u8; 32] },
    /// A directory: names, sizes and times of everything in it.
    Directory { digest: [u8; 32] },
    /// Changed while it was being compiled: equal to nothing.
    Moving,
}

impl Look {
    /// Looks at a path; what cannot be read counts as absent.
    pub(crate) fn at(path: &Path) -> Self {
        Self::try_at(path).unwrap_or(Self::Absent)
    }

    /// Looks at a path that a compiler started to read at this time.
    pub(crate) fn at_since(path: &Path, started: SystemTime) -> Self {
        match Self::at(path) {
            Self::File { modified, .. } if modified >= started => Self::Moving,
            look => look,
        }
    }

    fn try_at(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            let mut hasher = blake3::Hasher::new();
            hash_directory(path, &mut hasher)?;
            return Ok(Self::Directory { digest: hasher.finalize().into() });
        }
        let modified = metadata.modified()?;
        let racy = SystemTime::now().duration_since(modified).is_ok_and(|age| age < RACY);
        Ok(Self::File { len: metadata.len(), modified, racy, digest: digest_file(path)? })
    }

    /// Whether the path still looks like this.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        match self {
            Self::Moving => false,
            Self::Absent => !path.exists(),
            Self::Directory { .. } => Self::at(path) == *self,
            Self::File { len, modified, racy, digest } => {
                let Ok(metadata) = fs::metadata(path) else { return false };
                if metadata.len() != *len || metadata.is_dir() {
                    return false;
                }
                let same_time = metadata.modified().is_ok_and(|now| now == *modified);
                (same_time && !racy) || digest_file(path).is_ok_and(|now| now == *digest)
            }
        }
    }
}

/// Files with their looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Looks(BTreeMap<PathBuf, Look>);

impl Looks {
    /// Looks at files that a compiler started to read at this time.
    pub(crate) fn since<'a>(
        files: impl IntoIterator<Item = &'a PathBuf>,
        started: SystemTime,
    ) -> Self {
        let look = |path: &PathBuf| (path.clone(), Look::at_since(path, started));
        Self(files.into_iter().map(look).collect())
    }

    /// The first file that no longer looks as it did.
    pub(crate) fn first_change(&self) -> Option<&Path> {
        self.0.iter().find(|(path, look)| !look.holds(path)).map(|(path, _)| path.as_path())
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }
}

/// What a path or variable is to the build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InputRole {
    /// A source of the hot crate: an edit of it is what this is all for.
    HotSource,
    /// A source of a workspace dependency of the hot crate.
    DependencySource {
        /// The dependency's package.
        package: String,
    },
    /// A source that only the host is made of: it cannot change in the running program.
    HostSource {
        /// The package.
        package: String,
    },
    /// A manifest of the workspace.
    Manifest,
    /// `Cargo.lock`.
    LockFile,
    /// A configuration file of cargo.
    CargoConfig,
    /// The compiler, or a file that chooses it.
    Toolchain,
    /// A build script's source, or what it told cargo to watch.
    BuildScript {
        /// The package whose build script it is.
        package: String,
    },
}

impl fmt::Display for InputRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HotSource => f.write_str("hot source"),
            Self::DependencySource { package } => write!(f, "source of the dependency {package}"),
            Self::HostSource { package } => write!(f, "source of the host's {package}"),
            Self::Manifest => f.write_str("manifest"),
            Self::LockFile => f.write_str("lock file"),
            Self::CargoConfig => f.write_str("cargo configuration"),
            Self::Toolchain => f.write_str("toolchain"),
            Self::BuildScript { package } => write!(f, "build script of {package}"),
        }
    }
}

/// Why the compiler's command had to be captured again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stale {
    /// Nothing was captured yet.
    Never,
    /// A file changed.
    File {
        /// The file.
        path: PathBuf,
        /// What it is.
        role: InputRole,
    },
    /// An environment variable changed.
    Variable {
        /// Its name.
        name: String,
    },
    /// A dependency changed in a way that only cargo can follow.
    Dependency {
        /// Its package.
        package: String,
    },
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("nothing was captured yet"),
            Self::File { path, role } => write!(f, "{role} changed: {}", path.display()),
            Self::Variable { name } => write!(f, "environment variable changed: {name}"),
            Self::Dependency { package } => write!(f, "dependency changed: {package}"),
        }
    }
}

/// Everything that decides how the compiler is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watched {
    files: BTreeMap<PathBuf, (InputRole, Look)>,
    /// Hashes, not values.
    variables: BTreeMap<String, Option<[u8; 32]>>,
}

impl Watched {
    /// Adds a file, a directory, or a place where one may appear.
    pub(crate) fn watch(&mut self, path: PathBuf, role: InputRole) {
        let look = Look::at(&path);
        self.files.entry(path).or_insert((role, look));
    }

    /// Adds an environment variable, set or not.
    pub(crate) fn watch_variable(&mut self, name: &str) {
        self.variables.insert(name.to_owned(), variable(name));
    }

    /// Adds the variables by which cargo and the compiler are configured.
    pub(crate) fn watch_cargo_variables(&mut self) {
        for (name, _) in env::vars_os() {
            if let Some(name) = name.to_str()
                && configures_cargo(name)
            {
                self.watch_variable(name);
            }
        }
        for name in CARGO_VARIABLES {
            self.watch_variable(name);
        }
    }

    /// The first thing that is no longer as it was.
    pub(crate) fn first_change(&self) -> Option<Stale> {
        let file = self.files.iter().find(|(path, (_, look))| !look.holds(path));
        if let Some((path, (role, _))) = file {
            return Some(Stale::File { path: path.clone(), role: role.clone() });
        }
        let changed = self.variables.iter().find(|(name, value)| variable(name) != **value);
        let appeared = || {
            env::vars_os()
                .filter_map(|(name, _)| name.into_string().ok())
                .find(|name| configures_cargo(name) && !self.variables.contains_key(name))
        };
        changed.map(|(name, _)| name.clone()).or_else(appeared).map(|name| Stale::Variable { name })
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = (&Path, &InputRole)> {
        self.files.iter().map(|(path, (role, _))| (path.as_path(), role))
    }
}

const CARGO_VARIABLES: &[&str] = &[
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_HOME",
    "CARGO_INCREMENTAL",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
];

/// How many jobs cargo runs at a time changes nothing of what it makes.
fn configures_cargo(name: &str) -> bool {
    name != "CARGO_BUILD_JOBS"
        && ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_", "CARGO_UNSTABLE_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn variable(name: &str) -> Option<[u8; 32]> {
    env::var_os(name).map(|value| blake3::hash(value.as_encoded_bytes()).into())
}

fn digest_file(path: &Path) -> io::Result<[u8; 32]> {
    Ok(blake3::hash(&fs::read(path)?).into())
}

/// Hashes names, sizes and times; hidden directories and target directories are no sources.
fn hash_directory(directory: &Path, hasher: &mut blake3::Hasher) -> io::Result<()> {
    let mut entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            let hidden = name.as_encoded_bytes().starts_with(b".");
            if hidden || entry.path().join("CACHEDIR.TAG").exists() {
                continue;
            }
            hasher.update(name.as_encoded_bytes()).update(&[0, 1]);
            hash_directory(&entry.path(), hasher)?;
            hasher.update(&[0, 2]);
        } else {
            let age = metadata.modified()?.duration_since(SystemTime::UNIX_EPOCH);
            let nanoseconds = age.map_or(0, |age| age.as_nanos());
            hasher.update(name.as_encoded_bytes()).update(&[0, 0]);
            hasher.update(&metadata.len().to_le_bytes()).update(&nanoseconds.to_le_bytes());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets a file's time to well before now, so that it is not racy.
    fn age(path: &Path, seconds: u64) {
        let file = fs::OpenOptions::new().write(true).open(path).expect("opens");
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).expect("sets");
    }

    #[test]
    fn a_touch_is_not_a_change_and_a_change_of_equal_size_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lib.rs");
        fs::write(&path, "10").expect("written");
        age(&path, 100);
        let look = Look::at(&path);
        assert!(look.holds(&path));
        age(&path, 50);
        assert!(look.holds(&path), "only touched");
        fs::write(&path, "20").expect("written");
        assert!(!look.holds(&path), "changed");
        fs::remove_file(&path).expect("removed");
        assert!(!look.holds(&path), "removed");
    }

    #[test]
    fn a_racy_time_is_not_trusted() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lib.rs");
        fs::write(&path, "10").expect("written");
        let look = Look::at(&path);
        let Look::File { modified, racy, .. } = look else { panic!("a file") };
        assert!(racy);
        fs::write(&path, "20").expect("written");
        let file = fs::OpenOptions::new().write(true).open(&path).expect("opens");
        file.set_modified(modified).expect("sets");
        assert!(!look.holds(&path), "same size and time, other content");
    }

    #[test]
    fn a_file_that_changes_while_it_is_compiled_equals_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lib.rs");
        let started = SystemTime::now() - Duration::from_secs(10);
        fs::write(&path, "10").expect("written");
        let looks = Looks::since([&path], started);
        assert_eq!(looks.first_change(), Some(path.as_path()));
    }

    #[test]
    fn a_file_that_appears_is_a_change() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("config.toml");
        let mut watched = Watched::default();
        // Whoever runs the tests may have configured cargo by its environment.
        watched.watch_cargo_variables();
        watched.watch(path.clone(), InputRole::CargoConfig);
        assert_eq!(watched.first_change(), None);
        fs::write(&path, "").expect("written");
        assert_eq!(
            watched.first_change(),
            Some(Stale::File { path, role: InputRole::CargoConfig })
        );
    }

    #[test]
    fn a_directory_changes_with_what_is_in_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let look = Look::at(directory.path());
        fs::create_dir(directory.path().join("deep")).expect("created");
        let deeper = Look::at(directory.path());
        assert!(!look.holds(directory.path()));
        fs::write(directory.path().join("deep/file"), "").expect("written");
        assert!(!deeper.holds(directory.path()));
    }
}
