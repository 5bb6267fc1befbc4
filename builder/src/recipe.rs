//! What was captured: everything that is needed to build an artifact without cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::freshness::{InputRole, Looks, Watched};
use crate::linker::Linker;
use crate::record::{Record, read_json, write_json};
use crate::stamp::{ArchiveStamp, FileStamp};
use crate::toolchain::Toolchain;

/// Changes with the layout of the file; another format is as good as no file.
const FORMAT: u32 = 2;

/// What was captured: everything that is needed to build an artifact without cargo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    format: u32,
    /// The unit that is the hot crate; a unit is named by its output: crate name and cargo's hash.
    pub hot: String,
    /// Crates of the workspace, by unit.
    pub units: BTreeMap<String, Unit>,
    /// Whether the host's build has the hot crate more than once: for build scripts, with other
    /// features. Then only a whole build shows which of them is the host's.
    pub several: bool,
    /// What makes the hot crate's types in the host what they are: its `-C metadata`.
    pub identity: Option<String>,
    pub host: HostImage,
    pub toolchain: Toolchain,
    pub linker: Linker,
    /// What must be the same for all of this to hold.
    pub watched: Watched,
    /// What the host does not have, though the manifests say so by now: sentences.
    pub host_behind: Vec<String>,
    /// The packages that the hot crate is made of, where they are known: others are not looked at.
    #[serde(default)]
    pub made_of: Option<Vec<String>>,
}

/// A crate of the workspace that the host is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unit {
    pub package: String,
    /// What cargo compiled it to.
    pub library: PathBuf,
    /// Its sources as cargo compiled them.
    pub sources: Looks,
    /// Variables of the environment that its sources read.
    pub variables: Vec<String>,
    /// How it is compiled; absent while cargo had no reason to compile it.
    pub record: Option<Record>,
}

/// The host as it was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostImage {
    pub executable: PathBuf,
    /// The file that the linker wrote; cargo links the executable to it.
    pub linked: Option<FileStamp>,
    /// What is inside: with it, a shared artifact can do without.
    pub whole: Whole,
    /// Sources of the host's own crate.
    pub sources: Looks,
    /// Directories with dynamic libraries that build scripts made.
    pub library_paths: Vec<PathBuf>,
}

/// Whether the host has everything in it and exports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Whole {
    Yes { archives: Vec<ArchiveStamp> },
    No(crate::outcome::NotShared),
}

impl Recipe {
    pub(crate) fn new(
        hot: String,
        host: HostImage,
        toolchain: Toolchain,
        linker: Linker,
        watched: Watched,
    ) -> Self {
        Self {
            format: FORMAT,
            hot,
            units: BTreeMap::new(),
            several: false,
            identity: None,
            host,
            toolchain,
            linker,
            watched,
            host_behind: Vec::new(),
            made_of: None,
        }
    }

    pub(crate) fn read(path: &Path) -> Option<Self> {
        read_json(path).ok().filter(|recipe: &Self| recipe.format == FORMAT)
    }

    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        write_json(path, self)
    }

    /// The crates of the workspace that the hot crate is made of.
    pub(crate) fn closure(&self) -> Closure {
        let mut closure = Closure::default();
        self.visit(&self.hot, &mut BTreeSet::new(), &mut closure);
        closure
    }

    fn visit(&self, name: &str, seen: &mut BTreeSet<String>, closure: &mut Closure) {
        let Some(unit) = self.units.get(name) else { return };
        if !seen.insert(name.to_owned()) {
            return;
        }
        match &unit.record {
            Some(record) => {
                dependencies(record).for_each(|it| self.visit(&it, seen, closure));
                closure.order.push(name.to_owned());
            }
            None => closure.complete = false,
        }
    }

    /// Everything that is worth watching, with its meaning for the build.
    pub(crate) fn inputs(&self) -> BTreeMap<PathBuf, InputRole> {
        let closure = self.closure();
        let mut inputs: BTreeMap<PathBuf, InputRole> = BTreeMap::new();
        let mut add = |path: &Path, role: InputRole| {
            // A file of several crates counts as what reaches furthest into the running program.
            let entry = inputs.entry(path.to_owned()).or_insert_with(|| role.clone());
            *entry = role.min(entry.clone());
        };
        for (name, unit) in &self.units {
            let package = unit.package.clone();
            let role = if *name == self.hot {
                InputRole::HotSource
            } else if !closure.complete || closure.order.contains(name) {
                InputRole::DependencySource { package }
            } else {
                InputRole::HostSource { package }
            };
            unit.sources.paths().for_each(|path| add(path, role.clone()));
        }
        let host = InputRole::HostSource { package: self.host_name() };
        self.host.sources.paths().for_each(|path| add(path, host.clone()));
        self.watched.paths().for_each(|(path, role)| add(path, role.clone()));
        inputs
    }

    fn host_name(&self) -> String {
        let name = self.host.executable.file_stem().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// The crates of the workspace that the hot crate is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closure {
    /// In the order in which they are built, the hot crate last.
    pub order: Vec<String>,
    /// Whether it is all of them: cargo only shows how a crate is built when it builds it.
    pub complete: bool,
}

impl Default for Closure {
    fn default() -> Self {
        Self { order: Vec::new(), complete: true }
    }
}

/// The units that a compiler call names as dependencies.
pub(crate) fn dependencies(record: &Record) -> impl Iterator<Item = String> {
    record.args.externs().filter_map(|found| stem_of(found.path.as_deref()?))
}

/// The unit that a compiled file belongs to.
pub(crate) fn stem_of(library: &Path) -> Option<String> {
    let stem = library.file_stem()?.to_str()?;
    Some(stem.strip_prefix("lib").unwrap_or(stem).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_named_by_its_output() {
        for path in ["/t/libserde-1a.rlib", "/t/libserde-1a.rmeta", "/t/libserde-1a.so"] {
            assert_eq!(stem_of(path.as_ref()).as_deref(), Some("serde-1a"));
        }
        assert_eq!(stem_of("/t/serde-1a.dll".as_ref()).as_deref(), Some("serde-1a"));
    }
}
