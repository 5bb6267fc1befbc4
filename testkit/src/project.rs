//! Which program runs, which hot crate is in it, and how cargo may have been asked to build it.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};
use liveswap_builder::{CargoFlags, Host, HostTarget};

use crate::error::Error;

/// Test binary, workspace and hot crate, as far as they are known without building anything.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// The workspace's root directory.
    pub root: PathBuf,
    /// The running program.
    pub executable: PathBuf,
    /// The running program as a target of the workspace.
    pub host: Host,
    /// Where the host's package is, below the root.
    pub host_directory: PathBuf,
    /// The hot crate's package.
    pub hot_package: String,
    /// The directories of the hot crate and of the workspace packages it is made of, below the root; its own first.
    pub closure: Vec<PathBuf>,
    /// The names of the workspace packages that the hot crate is made of, its own among them.
    pub made_of: Vec<String>,
    /// The packages that cargo builds when none is named.
    pub default_members: Vec<String>,
    /// Where cargo built the program.
    pub built: BuiltIn,
}

/// A target directory and what in it the program was built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuiltIn {
    pub target: PathBuf,
    /// The profile's directory: `debug`, `release`, or a profile's name.
    pub profile: String,
    pub triple: Option<String>,
}

impl Project {
    /// Looks at the running program and asks cargo about its workspace.
    pub(crate) fn of_this_program(hot_crate: &str, manifest: Option<&Path>) -> Result<Self, Error> {
        let executable = env::current_exe().map_err(Error::file("find", Path::new("itself")))?;
        let directory = match manifest.map(Path::to_owned) {
            Some(directory) => directory,
            // Cargo and its test runners set it for the programs that they start.
            None => match env::var_os("CARGO_MANIFEST_DIR") {
                Some(directory) => directory.into(),
                None => env::current_dir().map_err(Error::file("find", Path::new(".")))?,
            },
        };
        let mut command = MetadataCommand::new();
        if let Some(cargo) = env::var_os("CARGO") {
            command.cargo_path(cargo);
        }
        let metadata = command.current_dir(&directory).no_deps().exec();
        let metadata =
            metadata.map_err(|source| Error::Workspace { directory, source: Box::new(source) })?;
        Self::of(&metadata, hot_crate, executable)
    }

    fn of(metadata: &Metadata, hot_crate: &str, executable: PathBuf) -> Result<Self, Error> {
        let root = metadata.workspace_root.as_std_path().to_owned();
        let hot =
            metadata.packages.iter().find(|package| library(package).as_deref() == Some(hot_crate));
        let Some(hot) = hot else {
            return Err(Error::NoPackage { hot_crate: hot_crate.to_owned(), root });
        };
        let Some((package, target)) = target_of(metadata, &executable) else {
            return Err(Error::NoTarget { executable, root });
        };
        let (closure, made_of) = closure(metadata, &root, hot)?;
        let is_default =
            |package: &&Package| metadata.workspace_default_members.contains(&package.id);
        let defaults = metadata.packages.iter().filter(is_default);
        Ok(Self {
            host: Host { package: package.name.to_string(), target },
            host_directory: below(&root, package)?,
            hot_package: hot.name.to_string(),
            closure,
            made_of,
            default_members: defaults.map(|package| package.name.to_string()).collect(),
            built: BuiltIn::of(&executable),
            executable,
            root,
        })
    }

    /// The flags that cargo may have been given, likeliest first.
    pub(crate) fn flags(&self, given: &[String]) -> Vec<Vec<String>> {
        if !given.is_empty() {
            return vec![given.to_vec()];
        }
        let defaults = self.default_members.iter();
        let defaults = defaults.flat_map(|it| ["-p".to_owned(), it.clone()]).collect();
        let all = [
            crate::caller::flags().unwrap_or_default(),
            Vec::new(),
            vec!["--workspace".to_owned()],
            defaults,
        ];
        let mut out: Vec<Vec<String>> = Vec::new();
        for flags in all {
            if !out.contains(&flags) {
                out.push(flags);
            }
        }
        out
    }

    /// How cargo builds this program with these flags.
    pub(crate) fn cargo_flags(&self, flags: &[String], target_dir: &Path) -> CargoFlags {
        CargoFlags {
            profile: Some(match self.built.profile.as_str() {
                // What `cargo test` asks for; it leaves it in the directory of the profile `dev`.
                "debug" => "test".to_owned(),
                profile => profile.to_owned(),
            }),
            target: self.built.triple.clone(),
            target_dir: Some(target_dir.to_owned()),
            other: flags.to_vec(),
            ..CargoFlags::default()
        }
    }
}

impl BuiltIn {
    /// A program is in `TARGET_DIR[/TRIPLE]/PROFILE[/deps or /examples]`.
    pub(crate) fn of(executable: &Path) -> Self {
        let mut directory = executable.parent().unwrap_or(Path::new("."));
        if directory.file_name().is_some_and(|name| name == "deps" || name == "examples") {
            directory = directory.parent().unwrap_or(directory);
        }
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let above = directory.parent().unwrap_or(directory);
        // Cargo marks the target directories that it made itself; one that was there before has no mark.
        let plain = above.join("CACHEDIR.TAG").is_file() || name(above).matches('-').count() < 2;
        let (target, triple) = match (plain, above.parent()) {
            (false, Some(target)) => (target, Some(name(above))),
            _ => (above, None),
        };
        Self { target: target.to_owned(), profile: name(directory), triple }
    }
}

/// The crate name of a package's library.
fn library(package: &Package) -> Option<String> {
    use TargetKind::{CDyLib, DyLib, Lib, RLib};
    let is_library = |kind: &TargetKind| matches!(kind, Lib | RLib | CDyLib | DyLib);
    let target = package.targets.iter().find(|target| target.kind.iter().any(is_library))?;
    Some(target.name.replace('-', "_"))
}

/// The target that cargo compiled to this file: its name is the crate's, mostly followed by a hash.
fn target_of<'m>(metadata: &'m Metadata, executable: &Path) -> Option<(&'m Package, HostTarget)> {
    let stem = executable.file_stem()?.to_str()?;
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|it| it.is_ascii_hexdigit());
    let name = match stem.rsplit_once('-') {
        Some((name, hash)) if is_hash(hash) => name,
        _ => stem,
    };
    let mut found = Vec::new();
    for package in &metadata.packages {
        for target in &package.targets {
            let host = match target.kind.first()? {
                TargetKind::Test => HostTarget::Test(target.name.clone()),
                TargetKind::Example => HostTarget::Example(target.name.clone()),
                TargetKind::Bench => HostTarget::Bench(target.name.clone()),
                TargetKind::Bin => HostTarget::Bin(target.name.clone()),
                _ => continue,
            };
            if target.name == name || host.crate_name() == name {
                found.push((package, host));
            }
        }
    }
    let ours = env::var("CARGO_PKG_NAME").ok();
    let of_ours = |(package, _): &&(&Package, HostTarget)| ours.as_ref() == Some(&package.name);
    found.iter().find(of_ours).or(found.first()).cloned()
}

/// The directories and the names of the workspace packages that a package is made of, its own first.
fn closure(
    metadata: &Metadata,
    root: &Path,
    hot: &Package,
) -> Result<(Vec<PathBuf>, Vec<String>), Error> {
    let (mut out, mut names) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let mut next = vec![hot];
    while let Some(package) = next.pop() {
        if !seen.insert(&package.id) {
            continue;
        }
        out.push(below(root, package)?);
        names.push(package.name.to_string());
        for dependency in &package.dependencies {
            let Some(path) = &dependency.path else { continue };
            if dependency.kind == cargo_metadata::DependencyKind::Development {
                continue;
            }
            let at = |other: &&Package| other.manifest_path.parent() == Some(path.as_path());
            match metadata.packages.iter().find(at) {
                Some(package) => next.push(package),
                None if path.starts_with(root) => out.push(relative(root, path.as_std_path())),
                None => {
                    let (package, path) = (package.name.to_string(), path.as_std_path().to_owned());
                    return Err(Error::Outside { package, path });
                }
            }
        }
    }
    Ok((out, names))
}

fn below(root: &Path, package: &Package) -> Result<PathBuf, Error> {
    let directory = package.manifest_path.parent().map(|it| it.as_std_path()).unwrap_or(root);
    if directory.starts_with(root) {
        return Ok(relative(root, directory));
    }
    let (package, path) = (package.name.to_string(), directory.to_owned());
    Err(Error::Outside { package, path })
}

fn relative(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_owned()
}
