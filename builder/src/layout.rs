//! Where the builder keeps its files: all of them in the target directory, none of them cargo's.
//!
//! A builder that is killed leaves compilers and linkers behind that go on working. So whatever they write that is not
//! finished by one renaming is in a directory of one builder alone, which the next one removes: what is still written there
//! then is nobody's.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::Error;
use crate::project::Project;
use crate::record::temporary_of;
use crate::settings::Settings;

/// What the directories of single builders are called.
const WORK: &str = "builder-";

/// More builders than this for one project at once are a mistake.
const MOST_BUILDERS: u32 = 64;

/// The builder's directories for one project. Exclusive: a second builder of the same project,
/// in this process or another, gets directories of its own.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Records of compiler calls, shared by all builders of the target directory.
    pub units: PathBuf,
    root: PathBuf,
    /// What only this builder, and what it starts, writes to.
    work: PathBuf,
    /// Held as long as the directories are used.
    _lock: File,
}

impl Layout {
    /// Finds and locks the directories of a project.
    pub(crate) fn open(
        target_directory: &Path,
        project: &Project,
        settings: &Settings,
    ) -> Result<Self, Error> {
        tag(target_directory)?;
        let base = target_directory.join("liveswap").join("build");
        let units = base.join("units");
        create(&units)?;
        let name = format!("{}-{}", project.hot_package, key(project, settings));
        for turn in 0..MOST_BUILDERS {
            let root = base.join(if turn == 0 { name.clone() } else { format!("{name}.{turn}") });
            create(&root)?;
            let path = root.join("lock");
            let lock = File::create(&path).map_err(Error::file("create", &path))?;
            match lock.try_lock() {
                Ok(()) => {
                    bury(&root, &units);
                    // Another one than that of any process before, whatever its number was.
                    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                    let now = now.map_or(0, |since| since.as_nanos());
                    let work = root.join(format!("{WORK}{}-{now}", std::process::id()));
                    let layout = Self { units, root, work, _lock: lock };
                    layout.restore()?;
                    return Ok(layout);
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => {
                    return Err(Error::File { action: "lock", path, source });
                }
            }
        }
        let source = std::io::Error::other(format!("{MOST_BUILDERS} builders use it already"));
        Err(Error::File { action: "lock", path: base.join(name), source })
    }

    /// What was captured.
    pub(crate) fn recipe(&self) -> PathBuf {
        self.root.join("recipe.json")
    }

    /// What the wrapper must know as compiler.
    pub(crate) fn session(&self) -> PathBuf {
        self.root.join("session.json")
    }

    /// What the wrapper must know for the host's link.
    pub(crate) fn host_plan(&self) -> PathBuf {
        self.root.join("host-plan.json")
    }

    /// What came out of the host's link.
    pub(crate) fn host_report(&self) -> PathBuf {
        self.root.join("host-link.json")
    }

    /// The index of the host's exports.
    pub(crate) fn exports(&self) -> PathBuf {
        self.root.join("exports")
    }

    /// What the wrapper must know for the artifact's link.
    pub(crate) fn link_plan(&self) -> PathBuf {
        self.work.join("link-plan.json")
    }

    /// What came out of the artifact's link.
    pub(crate) fn link_report(&self) -> PathBuf {
        self.work.join("link.json")
    }

    /// Where the compiler writes the artifact before it is published.
    pub(crate) fn out(&self) -> PathBuf {
        self.work.join("out")
    }

    /// Where rebuilt dependencies are.
    pub(crate) fn deps(&self) -> PathBuf {
        self.work.join("deps")
    }

    /// The compiler's own memory of what it compiled before.
    pub(crate) fn incremental(&self) -> PathBuf {
        self.root.join("incremental")
    }

    /// Where the artifact is published.
    pub(crate) fn artifact(&self, crate_name: &str) -> PathBuf {
        let name =
            format!("{}{crate_name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        self.root.join("artifact").join(name)
    }

    /// Removes what was published.
    pub(crate) fn remove_artifacts(&self) -> Result<(), Error> {
        let directory = self.root.join("artifact");
        let entries = fs::read_dir(&directory).map_err(Error::file("read", &directory))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        }
        Ok(())
    }

    /// Makes the directories again after someone deleted the target directory.
    pub(crate) fn restore(&self) -> Result<(), Error> {
        for directory in [&self.units, &self.out(), &self.deps(), &self.incremental()] {
            create(directory)?;
        }
        create(&self.root.join("artifact"))
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // The next builder tries again.
        let _ = fs::remove_dir_all(&self.work);
    }
}

/// Removes what builders, and what they started, left that were killed.
fn bury(root: &Path, units: &Path) {
    // Nothing of it is ever read, so what cannot be removed does no harm.
    for path in entries(root) {
        if name_of(&path).starts_with(WORK) {
            let _ = fs::remove_dir_all(&path);
        }
    }
    for path in entries(root).chain(entries(units)) {
        if temporary_of(name_of(&path)).is_some_and(is_dead) {
            let _ = fs::remove_file(&path);
        }
    }
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Whether no process has this number; no where that is not known.
fn is_dead(process: u32) -> bool {
    let processes = Path::new("/proc");
    processes.join("self").exists() && !processes.join(process.to_string()).exists()
}

fn create(directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory).map_err(Error::file("create", directory))
}

/// Marks a target directory as cargo does when it makes one: backups leave it out.
fn tag(target_directory: &Path) -> Result<(), Error> {
    if target_directory.exists() {
        return Ok(());
    }
    create(target_directory)?;
    let path = target_directory.join("CACHEDIR.TAG");
    let text = "Signature: 8a477f597d28d172789f06886806bc55\n\
                # This file is a cache directory tag, as cargo writes it.\n\
                # For information about cache directory tags see https://bford.info/cachedir/\n";
    fs::write(&path, text).map_err(Error::file("write", &path))
}

/// Tells projects apart that differ in host, features, profile or target, and captures that differ
/// in how the host and the artifact are linked.
fn key(project: &Project, settings: &Settings) -> String {
    let capture = (project, settings.kind, &settings.linker);
    let text = serde_json::to_vec(&capture).unwrap_or_default();
    blake3::hash(&text).to_hex()[..16].to_owned()
}
