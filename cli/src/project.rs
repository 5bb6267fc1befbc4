//! What is to be run: the host's package, its binary, and the crates it keeps hot.

mod graph;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package, PackageId, TargetKind};

use self::graph::Graph;
use crate::args::{Place, What};
use crate::error::Error;

/// A program and its hot crates.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) workspace: PathBuf,
    pub(crate) target_directory: PathBuf,
    pub(crate) host: Host,
    pub(crate) hot: Vec<HotCrate>,
    /// Packages of which the program itself uses nothing but through hot crates, which are among
    /// them: what changes in these can be swapped.
    pub(crate) only_hot: BTreeSet<String>,
}

/// The package that is run.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) binary: String,
    pub(crate) manifest: PathBuf,
    /// What cargo tells a program of its package in the environment.
    pub(crate) environment: Vec<(String, String)>,
}

/// A crate to keep hot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HotCrate {
    pub(crate) package: String,
    /// The name of its library, with underscores.
    pub(crate) name: String,
    /// Packages that are made of it: in no other source can anything of it be named.
    pub(crate) users: BTreeSet<String>,
}

impl Project {
    /// Asks cargo what the workspace is made of, and picks the program and its hot crates.
    ///
    /// # Errors
    ///
    /// What was asked for is not there, or cannot be run, or has nothing hot in it.
    pub(crate) fn load(what: &What) -> Result<Project, Error> {
        let mut options: Vec<String> = what.lock_options().map(str::to_owned).collect();
        // An optional dependency can be the hot one, and features do not matter for finding it.
        options.push("--all-features".to_owned());
        let metadata = metadata(&what.place, options)?;
        select(&metadata, what)
    }

    /// The directory for what this tool keeps.
    pub(crate) fn own_directory(&self) -> PathBuf {
        self.target_directory.join("liveswap")
    }
}

/// The target directory that cargo uses for the workspace at `place`.
pub(crate) fn target_directory(place: &Place) -> Result<PathBuf, Error> {
    match &place.target_dir {
        Some(directory) => Ok(absolute(directory)),
        None => metadata(place, vec!["--no-deps".to_owned()])
            .map(|metadata| metadata.target_directory.into_std_path_buf()),
    }
}

fn metadata(place: &Place, options: Vec<String>) -> Result<Metadata, Error> {
    let mut command = MetadataCommand::new();
    command.other_options(options);
    if let Some(manifest) = &place.manifest_path {
        command.manifest_path(manifest);
    }
    command.exec().map_err(|error| Error::Metadata {
        said: match error {
            cargo_metadata::Error::CargoMetadata { stderr } => stderr.trim().to_owned(),
            other => crate::error::chain(&other),
        },
    })
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn select(metadata: &Metadata, what: &What) -> Result<Project, Error> {
    let graph = Graph::new(metadata);
    let host = host(metadata, &graph, what)?;
    let binary = binary(host, what.bin.as_deref())?;
    let reachable = graph.reachable(&host.id);
    let packages = hot_packages(&graph, host, &reachable, what)?;
    let hot = packages
        .iter()
        .map(|package| hot_crate(package, users(&graph, &reachable, &package.id)))
        .collect::<Result<_, _>>()?;
    let barrier: Vec<&PackageId> = packages.iter().map(|package| &package.id).collect();
    let itself = graph.reachable_without(&host.id, &barrier);
    let only_hot = reachable
        .iter()
        .filter(|id| !itself.contains(id))
        .filter_map(|id| graph.package(id))
        .map(|package| package.name.to_string())
        .collect();
    let target_directory = match &what.place.target_dir {
        Some(directory) => absolute(directory),
        None => metadata.target_directory.clone().into_std_path_buf(),
    };
    Ok(Project {
        workspace: metadata.workspace_root.clone().into_std_path_buf(),
        target_directory,
        host: Host {
            name: host.name.to_string(),
            binary,
            manifest: manifest(host),
            environment: environment(host),
        },
        hot,
        only_hot,
    })
}

fn host<'a>(metadata: &'a Metadata, graph: &Graph<'a>, what: &What) -> Result<&'a Package, Error> {
    let members = metadata.workspace_packages();
    if let Some(asked) = &what.package {
        return members
            .iter()
            .copied()
            .find(|package| package.name.as_str() == asked)
            .ok_or_else(|| Error::UnknownPackage { asked: asked.clone(), known: names(&members) });
    }
    let runnable = |package: &&Package| !binaries(package).is_empty() && graph.has_hot(&package.id);
    if let Some(root) = metadata.root_package()
        && runnable(&root)
    {
        return Ok(root);
    }
    let candidates: Vec<&Package> = members.iter().copied().filter(runnable).collect();
    match candidates.as_slice() {
        [one] => Ok(one),
        [] => {
            let found = "no package of this workspace has both a binary and a hot crate".to_owned();
            Err(Error::NoHost { found })
        }
        several => Err(Error::NoHost { found: format!("several fit: {}", names(several)) }),
    }
}

fn hot_packages<'a>(
    graph: &Graph<'a>,
    host: &Package,
    reachable: &[PackageId],
    what: &What,
) -> Result<Vec<&'a Package>, Error> {
    let local = |id: &&PackageId| {
        **id != host.id && graph.package(id).is_some_and(|package| package.source.is_none())
    };
    let mut found: Vec<&'a Package> = if what.hot.is_empty() {
        let hot = reachable.iter().filter(local).filter(|id| graph.is_hot(id));
        hot.filter_map(|id| graph.package(id)).collect()
    } else {
        let candidates: Vec<&'a Package> =
            reachable.iter().filter(local).filter_map(|id| graph.package(id)).collect();
        let find = |asked: &String| {
            candidates.iter().copied().find(|package| package.name.as_str() == asked).ok_or_else(
                || Error::UnknownHotCrate {
                    asked: asked.clone(),
                    package: host.name.to_string(),
                    known: names(&candidates),
                },
            )
        };
        what.hot.iter().map(find).collect::<Result<_, _>>()?
    };
    found.sort_by_key(|package| package.name.clone());
    found.dedup_by_key(|package| package.id.clone());
    if found.is_empty() {
        return Err(Error::NoHotCrate { package: host.name.to_string() });
    }
    Ok(found)
}

/// Those of `all` that are made of `of`, without itself.
fn users(graph: &Graph<'_>, all: &[PackageId], of: &PackageId) -> BTreeSet<String> {
    all.iter()
        .filter(|id| *id != of && graph.reachable(id).contains(of))
        .filter_map(|id| graph.package(id))
        .map(|package| package.name.to_string())
        .collect()
}

fn hot_crate(package: &Package, users: BTreeSet<String>) -> Result<HotCrate, Error> {
    let library = package
        .targets
        .iter()
        .find(|target| {
            let library =
                [TargetKind::Lib, TargetKind::RLib, TargetKind::CDyLib, TargetKind::DyLib];
            target.kind.iter().any(|kind| library.contains(kind))
        })
        .ok_or_else(|| Error::NotALibrary { package: package.name.to_string() })?;
    let name = library.name.replace('-', "_");
    Ok(HotCrate { package: package.name.to_string(), name, users })
}

fn binary(package: &Package, asked: Option<&str>) -> Result<String, Error> {
    let names = binaries(package);
    let error = |found: String, several| Error::NoBinary {
        package: package.name.to_string(),
        found,
        several,
    };
    match (asked, names.as_slice()) {
        (Some(asked), _) if names.contains(&asked) => Ok(asked.to_owned()),
        (Some(asked), []) => Err(error(format!("no binary, so none called `{asked}`"), false)),
        (Some(asked), _) => {
            Err(error(format!("no binary `{asked}`, only {}", names.join(", ")), true))
        }
        (None, [one]) => Ok((*one).to_owned()),
        (None, []) => Err(error("no binary".to_owned(), false)),
        (None, several) => match package.default_run.as_deref() {
            Some(default) => Ok(default.to_owned()),
            None => Err(error(format!("the binaries {}", several.join(", ")), true)),
        },
    }
}

fn binaries(package: &Package) -> Vec<&str> {
    let binaries = package.targets.iter().filter(|target| target.kind.contains(&TargetKind::Bin));
    binaries.map(|target| target.name.as_str()).collect()
}

/// As `cargo run` does it; programs find their assets by it.
fn environment(package: &Package) -> Vec<(String, String)> {
    let version = &package.version;
    let directory = package.manifest_path.parent().map_or("", |directory| directory.as_str());
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        ("CARGO_MANIFEST_DIR", directory.to_owned()),
        ("CARGO_MANIFEST_PATH", package.manifest_path.to_string()),
        ("CARGO_PKG_NAME", package.name.to_string()),
        ("CARGO_PKG_VERSION", version.to_string()),
        ("CARGO_PKG_VERSION_MAJOR", version.major.to_string()),
        ("CARGO_PKG_VERSION_MINOR", version.minor.to_string()),
        ("CARGO_PKG_VERSION_PATCH", version.patch.to_string()),
        ("CARGO_PKG_VERSION_PRE", version.pre.to_string()),
        ("CARGO_PKG_AUTHORS", package.authors.join(":")),
        ("CARGO_PKG_DESCRIPTION", optional(&package.description)),
        ("CARGO_PKG_HOMEPAGE", optional(&package.homepage)),
        ("CARGO_PKG_REPOSITORY", optional(&package.repository)),
        ("CARGO_PKG_LICENSE", optional(&package.license)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn manifest(package: &Package) -> PathBuf {
    package.manifest_path.clone().into_std_path_buf()
}

fn names(packages: &[&Package]) -> String {
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests;
