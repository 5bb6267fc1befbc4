//! Making artifacts: from the cache, else by the builder, which first finds out how cargo built the program.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use liveswap_builder::{
    BuildEvent, Builder, InputRole, KindPolicy, Missing, Project as BuilderProject, Settings, Task,
};

use crate::cache::{Cache, Kept};
use crate::error::Error;
use crate::outcome::{BuildFailure, Built};
use crate::place::Place;
use crate::project::Project;

/// Files of the workspace's root that decide about every build.
const OF_WORKSPACE: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "rust-toolchain",
    ".cargo/config.toml",
    ".cargo/config",
];

/// Parts of a package that its library is not made of, unless it names them, and then they are noted.
const NOT_OF_LIBRARY: &[&str] = &["benches", "examples", "target", "tests"];

/// Makes artifacts of the sources in a place.
#[derive(Debug)]
pub(crate) struct Maker {
    project: Project,
    cache: Cache,
    /// The flags that lead to this program, once they are known.
    flags: RefCell<Option<Vec<String>>>,
    builder: RefCell<Option<Builder>>,
}

/// What became of one way in which cargo may have been asked.
enum Attempt {
    Fits,
    /// Why not.
    No(String),
}

impl Maker {
    pub(crate) fn new(project: Project, cache: Cache) -> Self {
        Self { project, cache, flags: RefCell::default(), builder: RefCell::default() }
    }

    /// Makes sure that an artifact can be built that is the same crate as the host's, which `fits` is asked.
    ///
    /// Done once for a program and a place; the sources must be those of the program.
    pub(crate) fn prepare(
        &self,
        place: &Place,
        given: &[String],
        fits: &dyn Fn(&Path) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let known = place.root().join(format!("flags-{}.json", self.program()));
        if let Ok(text) = fs::read(&known)
            && let Ok(flags) = serde_json::from_slice::<Vec<String>>(&text)
            && place.is_seeded()
            && (given.is_empty() || given == flags)
        {
            *self.flags.borrow_mut() = Some(flags);
            return Ok(());
        }
        let candidates = self.project.flags(given);
        let mut tried = BTreeMap::new();
        // First without compiling anything, with what was taken over before and then with what is there now. What is
        // missing even then is compiled, which takes as long as it takes.
        for (missing, seed) in
            [(Missing::IsError, false), (Missing::IsError, true), (Missing::IsBuilt, false)]
        {
            if seed {
                *self.builder.borrow_mut() = None;
                place.seed(&self.project)?;
            } else if !place.is_seeded() {
                continue;
            }
            for flags in &candidates {
                match self.attempt(place, flags, missing, fits)? {
                    Attempt::Fits => {
                        let text = serde_json::to_vec(flags).unwrap_or_default();
                        fs::write(&known, text).map_err(Error::file("write", &known))?;
                        *self.flags.borrow_mut() = Some(flags.clone());
                        return Ok(());
                    }
                    Attempt::No(why) => drop(tried.insert(flags.join(" "), why)),
                }
            }
        }
        Err(Error::NotCaptured { tried: tried.into_iter().collect() })
    }

    fn attempt(
        &self,
        place: &Place,
        flags: &[String],
        missing: Missing,
        fits: &dyn Fn(&Path) -> Result<bool, Error>,
    ) -> Result<Attempt, Error> {
        let builder = self.open(place, flags)?;
        let task = builder.adopt_host(&self.project.executable, missing).map_err(Error::Builder)?;
        let adopted = finish(task);
        let adopted =
            adopted.and_then(|_| finish(builder.start().map_err(|it| (it, String::new()))?));
        match adopted {
            Ok(outcome) => {
                let digest = hex(outcome.artifact.digest);
                let kept = Kept { artifact: outcome.artifact.path, digest };
                if !fits(&kept.artifact)? {
                    return Ok(Attempt::No("the hot crate would be another one".to_owned()));
                }
                let (key, outside) = (self.key(place)?, self.outside(place, &builder));
                self.cache.keep(&key, &kept.artifact, kept.digest, outside.into_iter())?;
                *self.builder.borrow_mut() = Some(builder);
                Ok(Attempt::Fits)
            }
            Err((error, words)) => match missing {
                Missing::IsError => Ok(Attempt::No(error.to_string())),
                Missing::IsBuilt => Ok(Attempt::No(BuildFailure::new(&error, words).to_string())),
            },
        }
    }

    fn open(&self, place: &Place, flags: &[String]) -> Result<Builder, Error> {
        let project = BuilderProject {
            directory: place.sources().join(&self.project.host_directory),
            host: self.project.host.clone(),
            hot_package: self.project.hot_package.clone(),
            flags: self.project.cargo_flags(flags, &place.target()),
        };
        let settings =
            Settings { kind: KindPolicy::Standalone, color: false, ..Settings::default() };
        Builder::open(project, settings).map_err(Error::Builder)
    }

    /// Makes an artifact of the sources as they are.
    pub(crate) fn make(&self, place: &Place) -> Result<Built, Error> {
        let clock = Instant::now();
        let key = self.key(place)?;
        if let Some(Kept { artifact, digest }) = self.cache.find(&key) {
            return Ok(Built::kept(artifact, digest, clock.elapsed()));
        }
        if self.builder.borrow().is_none() {
            let flags = self.flags.borrow().clone().unwrap_or_default();
            *self.builder.borrow_mut() = Some(self.open(place, &flags)?);
        }
        let builder = self.builder.borrow();
        let Some(builder) = builder.as_ref() else { unreachable!("it was just opened") };
        let task = builder.start().map_err(Error::Builder)?;
        let outcome = finish(task).map_err(|(error, words)| match &error {
            liveswap_builder::Error::Compile { .. }
            | liveswap_builder::Error::Link { .. }
            | liveswap_builder::Error::Cargo { .. } => {
                Error::Build(BuildFailure::new(&error, words))
            }
            _ => Error::Builder(error),
        })?;
        let digest = hex(outcome.artifact.digest);
        let outside = self.outside(place, builder);
        let kept = self.cache.keep(&key, &outcome.artifact.path, digest, outside.into_iter())?;
        Ok(Built {
            artifact: kept.artifact,
            digest: kept.digest,
            cached: false,
            took: clock.elapsed(),
            builder: Some(outcome),
        })
    }

    /// What decides about an artifact, as one hash.
    fn key(&self, place: &Place) -> Result<String, Error> {
        let sources = place.sources();
        let mut hasher = blake3::Hasher::new();
        let mut add = |name: &str, value: &[u8]| {
            hasher.update(format!("{name} {}\n", value.len()).as_bytes()).update(value);
        };
        for name in OF_WORKSPACE {
            let there =
                fs::read(sources.join(name)).or_else(|_| fs::read(self.project.root.join(name)));
            add(name, &there.unwrap_or_default());
        }
        for (name, value) in env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if decides(&name) {
                add(&name, value.as_encoded_bytes());
            }
        }
        let mut files = BTreeMap::new();
        for package in &self.project.closure {
            collect(&sources, package, true, &mut files)?;
        }
        for (path, absolute) in files {
            let bytes = fs::read(&absolute).map_err(Error::file("read", &absolute))?;
            add(&path.to_string_lossy(), &bytes);
        }
        Ok(hasher.finalize().to_hex()[..32].to_owned())
    }

    /// The files that an artifact was made of and that are not in its key.
    fn outside(&self, place: &Place, builder: &Builder) -> Vec<PathBuf> {
        let sources = place.sources();
        let in_key = |path: &Path| {
            let Ok(below) = path.strip_prefix(&sources) else { return false };
            let of_package = |package: &PathBuf| {
                let Ok(inside) = below.strip_prefix(package) else { return false };
                let first = inside.components().next().map(|it| it.as_os_str().to_owned());
                !first.is_some_and(|first| NOT_OF_LIBRARY.iter().any(|name| first == **name))
            };
            self.project.closure.iter().any(of_package)
        };
        let decides = |role: &InputRole| {
            matches!(
                role,
                InputRole::HotSource
                    | InputRole::DependencySource { .. }
                    | InputRole::BuildScript { .. }
                    | InputRole::CargoConfig
            )
        };
        let inputs = builder.inputs().into_iter();
        let inputs = inputs.filter(|input| decides(&input.role) && !in_key(&input.path));
        // A directory has no digest; build scripts that watch one are asked again by cargo.
        inputs.map(|input| input.path).filter(|path| !path.is_dir()).collect()
    }

    fn program(&self) -> String {
        let text = format!("{:?}", self.project.host);
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }
}

/// Waits for a task; on failure, with what the tools said beside their diagnostics.
fn finish<T>(task: Task<T>) -> Result<T, (liveswap_builder::Error, String)> {
    let mut words = String::new();
    for event in task.events() {
        if let BuildEvent::Cargo(line) = event {
            words.push_str(&line);
            words.push('\n');
        }
    }
    task.wait().map_err(|error| {
        let further = match &error {
            liveswap_builder::Error::Compile { words, .. }
            | liveswap_builder::Error::Link { words, .. } => words.as_str(),
            _ => "",
        };
        let words = if words.contains(further) { words } else { words + further };
        (error, words)
    })
}

/// Variables that change what the compiler is told.
fn decides(name: &str) -> bool {
    ["RUSTFLAGS", "RUSTC", "CARGO_ENCODED_RUSTFLAGS", "RUSTUP_TOOLCHAIN"].contains(&name)
        || ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_", "RUSTC_"].iter().any(|prefix| {
            name.starts_with(prefix) && name != "CARGO_TARGET_DIR" && name != "CARGO_TARGET_TMPDIR"
        })
}

/// The files of a package, by their path below the copy.
fn collect(
    root: &Path,
    below: &Path,
    is_package: bool,
    files: &mut BTreeMap<PathBuf, PathBuf>,
) -> Result<(), Error> {
    let directory = root.join(below);
    for entry in fs::read_dir(&directory).map_err(Error::file("read", &directory))? {
        let entry = entry.map_err(Error::file("read", &directory))?;
        let name = entry.file_name();
        let inside = below.join(&name);
        if is_package && NOT_OF_LIBRARY.iter().any(|other| name == **other) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            // Another package inside this one counts on its own.
            if !path.join("Cargo.toml").is_file() {
                collect(root, &inside, false, files)?;
            }
        } else {
            files.insert(inside, path);
        }
    }
    Ok(())
}

pub(crate) fn hex(digest: [u8; 32]) -> String {
    blake3::Hash::from_bytes(digest).to_hex().to_string()
}
