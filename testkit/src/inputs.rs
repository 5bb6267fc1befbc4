//! What decides about an artifact, as far as it can be known before it is built.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use liveswap_builder::{Builder, InputRole};

use crate::error::Error;
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

/// What decides about an artifact, as one hash.
pub(crate) fn key(project: &Project, sources: &Path) -> Result<String, Error> {
    let mut hasher = blake3::Hasher::new();
    let mut add = |name: &str, value: &[u8]| {
        hasher.update(format!("{name} {}\n", value.len()).as_bytes()).update(value);
    };
    for name in OF_WORKSPACE {
        let there = fs::read(sources.join(name)).or_else(|_| fs::read(project.root.join(name)));
        add(name, &there.unwrap_or_default());
    }
    for (name, value) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if decides(&name) {
            add(&name, value.as_encoded_bytes());
        }
    }
    let mut files = BTreeMap::new();
    for package in &project.closure {
        collect(sources, package, true, &mut files)?;
    }
    for (path, absolute) in files {
        let bytes = fs::read(&absolute).map_err(Error::file("read", &absolute))?;
        add(&path.to_string_lossy(), &bytes);
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

/// What the hot crate is made of besides itself, as the program was built from it, as one word.
pub(crate) fn dependencies(project: &Project, originals: &Path) -> Result<String, Error> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&fs::read(originals.join("Cargo.lock")).unwrap_or_default());
    let mut files = BTreeMap::new();
    for package in project.closure.iter().skip(1) {
        collect(originals, package, true, &mut files)?;
    }
    for (path, absolute) in files {
        let bytes = fs::read(&absolute).map_err(Error::file("read", &absolute))?;
        let name = path.to_string_lossy();
        hasher.update(format!("{name} {}\n", bytes.len()).as_bytes()).update(&bytes);
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

/// The files that an artifact was made of and that are not in its key.
pub(crate) fn outside(project: &Project, sources: &Path, builder: &Builder) -> Vec<PathBuf> {
    let in_key = |path: &Path| {
        let Ok(below) = path.strip_prefix(sources) else { return false };
        let of_package = |package: &PathBuf| {
            let Ok(inside) = below.strip_prefix(package) else { return false };
            let first = inside.components().next().map(|it| it.as_os_str().to_owned());
            !first.is_some_and(|first| NOT_OF_LIBRARY.iter().any(|name| first == **name))
        };
        project.closure.iter().any(of_package)
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
