//! The compiler, the libraries that cargo built, and the cache of what was compiled against them.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Artifact, Message};

use super::fixture::{Fixture, Output};
use crate::error::Error;
use crate::project::BuiltIn;

/// Hot functions of an optimized build are replaceable only on demand.
const OPTIMIZED: bool = !cfg!(debug_assertions);

/// What compiling fixtures needs; made once a run.
#[derive(Debug)]
pub struct Toolbox {
    externs: Vec<(String, PathBuf)>,
    deps: PathBuf,
    cache: PathBuf,
    /// Keeps other runs from removing the cache.
    _in_use: File,
}

impl Toolbox {
    /// Has cargo build these packages as it built this test, which mostly means finding them fresh, and opens the cache
    /// of what was compiled against exactly these files.
    ///
    /// In an optimized test, hot functions are made replaceable by `liveswap-abi`'s feature `always`; that package must be
    /// among them.
    ///
    /// # Errors
    ///
    /// [`Error::Tools`] with cargo's own words if they do not compile.
    pub fn new(workspace: &Path, packages: &[&str]) -> Result<Self, Error> {
        let executable = env::current_exe().map_err(Error::file("find", Path::new("itself")))?;
        let built = BuiltIn::of(&executable);
        let externs = build(workspace, packages, &built)?;
        let mut key = blake3::Hasher::new();
        let version = output(compiler().arg("-vV"))?;
        key.update(&version);
        for (_, path) in &externs {
            let metadata = fs::metadata(path).map_err(Error::file("look at", path))?;
            let modified = metadata.modified().map_err(Error::file("look at", path))?;
            key.update(format!("{path:?} {} {modified:?}\n", metadata.len()).as_bytes());
        }
        let root = built.target.join("liveswap").join("fixtures");
        let cache = root.join(&key.finalize().to_hex()[..16]);
        let in_use = occupy(&root, &cache)?;
        let profile = match &built.triple {
            Some(triple) => built.target.join(triple).join(&built.profile),
            None => built.target.join(&built.profile),
        };
        Ok(Self { externs, deps: profile.join("deps"), cache, _in_use: in_use })
    }

    /// The library of one of the packages, by its crate name.
    #[must_use]
    pub fn library(&self, crate_name: &str) -> Option<&Path> {
        let found = self.externs.iter().find(|(name, _)| name == crate_name);
        found.map(|(_, path)| path.as_path())
    }

    /// The artifact of a fixture, which is not to be changed; compiled unless somebody has done so.
    ///
    /// # Errors
    ///
    /// [`Error::Fixture`] with the compiler's words.
    pub fn artifact(&self, fixture: &Fixture) -> Result<PathBuf, Error> {
        Ok(self.compile(fixture)?.join(fixture.file_name()))
    }

    /// The directory with everything that a fixture is compiled to.
    ///
    /// # Errors
    ///
    /// [`Error::Fixture`] with the compiler's words.
    pub fn compile(&self, fixture: &Fixture) -> Result<PathBuf, Error> {
        let mut key = blake3::Hasher::new();
        let Fixture { crate_name, metadata, output, links, uses, codegen, .. } = fixture;
        let how = format!("{crate_name} {metadata} {output:?} {links:?} {uses:?} {codegen:?}\n");
        key.update(how.as_bytes());
        for (name, text) in &fixture.files {
            key.update(format!("{name} {}\n{text}", text.len()).as_bytes());
        }
        let name = format!("{}-{}", fixture.kind(), &key.finalize().to_hex()[..16]);
        let directory = self.cache.join(&name);
        let done = directory.join("done");
        if done.is_file() {
            return Ok(directory);
        }
        fs::create_dir_all(&directory).map_err(Error::file("create", &directory))?;
        let lock = directory.join("lock");
        let lock = lock_file(&lock)?;
        lock.lock().map_err(Error::file("lock", &directory))?;
        if !done.is_file() {
            let mut command = self.command(fixture, &directory)?;
            let output = command.output().map_err(Error::file("start", Path::new("rustc")))?;
            if !output.status.success() {
                let words = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(Error::Fixture { name, words });
            }
            fs::write(&done, "").map_err(Error::file("write", &done))?;
        }
        Ok(directory)
    }

    fn command(&self, fixture: &Fixture, directory: &Path) -> Result<Command, Error> {
        let sources = directory.join("src");
        fs::create_dir_all(&sources).map_err(Error::file("create", &sources))?;
        for (name, text) in &fixture.files {
            let path = sources.join(name);
            fs::write(&path, text).map_err(Error::file("write", &path))?;
        }
        let mut command = compiler();
        // Relative, so that places in the source are the same wherever it is compiled.
        command.current_dir(directory).arg(fixture.root());
        command.args(["--edition", "2024", "-C", "debuginfo=0", "-C", "strip=debuginfo"]);
        if OPTIMIZED {
            command.args(["-C", "opt-level=3"]);
        }
        command.args(fixture.codegen.iter().flat_map(|option| ["-C", option]));
        command.arg("-L").arg(format!("dependency={}", self.deps.display()));
        // A linked crate leads to others, which are searched for only here.
        for directory in fixture.links.iter().filter_map(|(_, library)| library.parent()) {
            command.arg("-L").arg(format!("dependency={}", directory.display()));
        }
        command.args(["--out-dir", ".", "--crate-name", &fixture.crate_name, "--crate-type"]);
        command.arg(match fixture.output {
            Output::LibraryAndArtifact => "rlib,cdylib",
            Output::Artifact => "cdylib",
            Output::Program => "bin",
        });
        // An edit leaves unused code behind, and is no less an edit for it.
        let is_edit = fixture.output == Output::Artifact;
        command.args(if is_edit { ["--cap-lints", "allow"] } else { ["-D", "warnings"] });
        if fixture.output != Output::Program {
            command.args(["-C", &format!("metadata={}", fixture.metadata)]);
            command.env("CARGO_CRATE_NAME", &fixture.crate_name).env("CARGO_PKG_VERSION", "0.1.0");
        }
        let used = self.externs.iter().filter(|(name, _)| fixture.uses.contains(name));
        for (name, path) in used.chain(&fixture.links) {
            command.arg("--extern").arg(format!("{name}={}", path.display()));
        }
        Ok(command)
    }
}

/// The libraries of packages as cargo builds them for this target directory.
fn build(
    workspace: &Path,
    packages: &[&str],
    built: &BuiltIn,
) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--message-format=json-render-diagnostics", "--quiet"]);
    cargo.args(packages.iter().flat_map(|package| ["-p", package]));
    let profile = if built.profile == "debug" { "dev" } else { &built.profile };
    cargo.args(["--profile", profile]).arg("--target-dir").arg(&built.target);
    if let Some(triple) = &built.triple {
        cargo.args(["--target", triple]);
    }
    if OPTIMIZED {
        cargo.args(["--features", "liveswap-abi/always"]);
    }
    let messages = output(cargo.current_dir(workspace))?;
    let messages = Message::parse_stream(messages.as_slice()).flatten();
    let artifacts = messages.filter_map(|message| match message {
        Message::CompilerArtifact(artifact) => Some(artifact),
        _ => None,
    });
    let libraries: Vec<_> = artifacts.filter_map(library).collect();
    let name = |package: &&str| package.replace('-', "_");
    let found = packages.iter().map(|package| {
        let found = libraries.iter().rev().find(|(built, _)| *built == name(package));
        found
            .cloned()
            .ok_or_else(|| Error::Tools { words: format!("cargo did not build {package}") })
    });
    found.collect()
}

/// Name and file of a library, by the name that the next build does not reuse.
fn library(artifact: Artifact) -> Option<(String, PathBuf)> {
    let name = artifact.target.name.replace('-', "_");
    let files: Vec<PathBuf> = artifact.filenames.into_iter().map(PathBuf::from).collect();
    let is = |path: &Path, extension| path.extension().is_some_and(|it| it == extension);
    let metadata = files.iter().find(|path| is(path, "rmeta"));
    let unique = metadata.map(|path| path.with_extension("rlib")).filter(|path| path.is_file());
    let library = ["rlib", "so", "dylib", "dll"]
        .iter()
        .find_map(|extension| files.iter().find(|path| is(path, *extension)).cloned());
    Some((name, unique.or(library)?))
}

fn output(command: &mut Command) -> Result<Vec<u8>, Error> {
    let program = OsString::from(command.get_program());
    let output = command.output().map_err(Error::file("start", Path::new(&program)))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Error::Tools { words: String::from_utf8_lossy(&output.stderr).into_owned() })
}

/// The compiler that cargo uses here.
fn compiler() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Takes the cache into use and removes those that nobody uses and whose libraries are gone.
fn occupy(root: &Path, cache: &Path) -> Result<File, Error> {
    fs::create_dir_all(cache).map_err(Error::file("create", cache))?;
    let entrance = lock_file(&root.join("lock"))?;
    entrance.lock().map_err(Error::file("lock", root))?;
    for other in super::directories(root) {
        let free = || lock_file(&other.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if other != cache && free() {
            // What cannot be removed is tried again by the next run.
            let _ = fs::remove_dir_all(&other);
        }
    }
    fs::create_dir_all(cache).map_err(Error::file("create", cache))?;
    let in_use = lock_file(&cache.join("lock"))?;
    in_use.lock_shared().map_err(Error::file("lock", cache))?;
    Ok(in_use)
}

/// A file to lock; what is in it does not matter.
fn lock_file(path: &Path) -> Result<File, Error> {
    let mut options = File::options();
    let options = options.create(true).truncate(false).write(true);
    options.open(path).map_err(Error::file("open", path))
}
