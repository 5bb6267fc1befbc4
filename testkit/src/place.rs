//! Where a lab works: a private copy of the workspace and a target directory, kept for the next lab.
//!
//! Places are numbered; a lab takes the first that no other process has. What a lab leaves behind in its place is what
//! makes the next one quick: the compiler's memory of the crate, and what was captured of its command.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use liveswap_abi::HotCrate;

use crate::cache::Cache;
use crate::copy::{self, Original, Times};
use crate::error::Error;
use crate::project::Project;
use crate::seed;

/// More processes than this with labs of one crate at once are a mistake.
const MOST: u32 = 64;

/// What was not used for so long is removed.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A place that this process has for itself.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
    original: Original,
    hot_package: String,
    /// Held as long as the place is used.
    _lock: File,
}

impl Place {
    /// Takes a free place; its copy is like the original.
    pub(crate) fn take(project: &Project, host: &HotCrate) -> Result<(Self, Cache), Error> {
        let all = project.built.target.join("liveswap").join("testkit");
        let base = all.join(format!("{}-{}", project.hot_package, key(project, host)));
        fs::create_dir_all(&base).map_err(Error::file("create", &base))?;
        // Says that it is used, and what it is.
        let name = base.join("used");
        fs::write(&name, project.executable.as_os_str().as_encoded_bytes())
            .map_err(Error::file("write", &name))?;
        remove_forgotten(&all, &base);
        for number in 0..MOST {
            let root = base.join(number.to_string());
            fs::create_dir_all(&root).map_err(Error::file("create", &root))?;
            let path = root.join("lock");
            let lock = File::create(&path).map_err(Error::file("create", &path))?;
            match lock.try_lock() {
                Ok(()) => {
                    let original = Original {
                        root: project.root.clone(),
                        target: project.built.target.clone(),
                        around_copy: root.starts_with(&project.root),
                    };
                    let hot_package = project.hot_package.clone();
                    let place = Self { root, original, hot_package, _lock: lock };
                    place.take_over(&project.executable)?;
                    place.clear()?;
                    return Ok((place, Cache::open(base.join("cache"))?));
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => {
                    return Err(Error::File { action: "lock", path, source });
                }
            }
        }
        let source = std::io::Error::other(format!("{MOST} processes have labs of it already"));
        Err(Error::File { action: "find a free place in", path: base, source })
    }

    /// Takes the sources over from the checkout, once for each build of the program: what somebody edits there while
    /// tests run is not what they were built from.
    fn take_over(&self, program: &Path) -> Result<(), Error> {
        let built = fs::metadata(program).and_then(|it| it.modified());
        let built = built.map_err(Error::file("look at", program))?;
        let name = format!("{} {built:?}", program.display());
        let mark = self.root.join("original-of");
        if fs::read_to_string(&mark).is_ok_and(|there| there == name) {
            return Ok(());
        }
        copy::remove(&mark)?;
        self.original.copy_to(&self.originals(), Times::AsOriginal)?;
        fs::write(&mark, name).map_err(Error::file("write", &mark))
    }

    /// Makes everything as it is before the first edit.
    fn clear(&self) -> Result<(), Error> {
        copy::remove(&self.points())?;
        copy::remove(&self.artifacts())?;
        fs::create_dir_all(self.artifacts()).map_err(Error::file("create", &self.artifacts()))?;
        self.restore_sources()
    }

    /// Makes the copy like the original.
    pub(crate) fn restore_sources(&self) -> Result<(), Error> {
        let times = if self.target().is_dir() { Times::Now } else { Times::AsOriginal };
        self.taken_over().copy_to(&self.sources(), times)
    }

    fn taken_over(&self) -> Original {
        Original { root: self.originals(), ..self.original.clone() }
    }

    /// Begins anew with what cargo built by now; `of` says of what it was built.
    pub(crate) fn seed(&self, project: &Project, of: &str) -> Result<(), Error> {
        copy::remove(&self.sources())?;
        seed::seed(&project.built, &self.hot_package, &self.target())?;
        self.taken_over().copy_to(&self.sources(), Times::AsOriginal)?;
        // What is newer than this was compiled for a lab.
        let path = self.target().join("seeded");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let text = format!("{of} {}", now.as_nanos());
        fs::write(&path, text).map_err(Error::file("write", &path))
    }

    /// The mark of the last seed, if it was of this; every seed has another.
    pub(crate) fn seeded(&self, of: &str) -> Option<String> {
        let mark = fs::read_to_string(self.target().join("seeded")).ok()?;
        mark.starts_with(of).then_some(mark)
    }

    /// The directory of everything.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The workspace as the program was built from it.
    pub(crate) fn originals(&self) -> PathBuf {
        self.root.join("original")
    }

    /// The copy of the workspace that is edited.
    pub(crate) fn sources(&self) -> PathBuf {
        self.root.join("source")
    }

    /// The target directory.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Where artifacts appear for the runtime.
    pub(crate) fn artifacts(&self) -> PathBuf {
        self.root.join("artifact")
    }

    /// Where parked calls and their test meet.
    pub(crate) fn points(&self) -> PathBuf {
        self.root.join("points")
    }
}

/// Tells builds apart in which the hot crate is another one to the compiler.
fn key(project: &Project, host: &HotCrate) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(format!("{:?} {:?}", host.identity(), project.built).as_bytes());
    hasher.update(host.manifest());
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Removes what belongs to builds that nobody makes any more.
fn remove_forgotten(all: &Path, ours: &Path) {
    let Ok(entries) = fs::read_dir(all) else { return };
    for other in entries.flatten().map(|entry| entry.path()).filter(|path| path != ours) {
        let used = fs::metadata(other.join("used")).and_then(|it| it.modified());
        let Ok(used) = used else { continue };
        let long_ago = SystemTime::now().duration_since(used).is_ok_and(|age| age > FORGOTTEN);
        if long_ago {
            // What cannot be removed is tried again by the next lab.
            let _ = fs::remove_dir_all(other);
        }
    }
}
