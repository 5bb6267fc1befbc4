//! What a builder remembers from build to build, and which dependencies it has built again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::build::Attempt;
use crate::freshness::{InputRole, Looks};
use crate::outcome::{BuildEvent, Outcome};
use crate::recipe::{Recipe, Unit, dependencies};
use crate::record::Record;
use crate::replay::{Rebuilt, Replay};

/// What a builder remembers from build to build.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub recipe: Option<Arc<Recipe>>,
    /// Dependencies that are not what the host has, by unit.
    rebuilt: BTreeMap<String, RebuiltUnit>,
    pub last: Option<Last>,
    /// The index of the host's exports, for when someone deletes the target directory.
    pub exports: Option<Vec<u8>>,
    /// Told apart from each other, so that a dependent sees that its dependency is a new one.
    versions: u64,
}

#[derive(Debug)]
struct RebuiltUnit {
    library: PathBuf,
    sources: Looks,
    version: u64,
    /// The versions of its own dependencies when it was built.
    made_of: BTreeMap<String, u64>,
}

/// The last artifact that was published.
#[derive(Debug)]
pub(crate) struct Last {
    pub recipe: Arc<Recipe>,
    pub sources: Looks,
    pub made_of: BTreeMap<String, u64>,
    pub outcome: Outcome,
}

impl Memory {
    pub(crate) fn new(recipe: Option<Arc<Recipe>>) -> Self {
        Self { recipe, ..Self::default() }
    }

    /// Files that the crates are made of by now, which can be more than when they were captured.
    pub(crate) fn sources(&self) -> Vec<(PathBuf, InputRole)> {
        let mut out = Vec::new();
        if let Some(last) = &self.last {
            let hot = last.sources.paths().map(|path| (path.to_owned(), InputRole::HotSource));
            out.extend(hot);
        }
        for (name, rebuilt) in &self.rebuilt {
            let unit = self.recipe.as_ref().and_then(|recipe| recipe.units.get(name));
            let package = unit.map_or_else(String::new, |unit| unit.package.clone());
            let role = InputRole::DependencySource { package };
            out.extend(rebuilt.sources.paths().map(|path| (path.to_owned(), role.clone())));
        }
        out
    }

    /// Builds a dependency again if it is neither what the host has nor what was built last.
    pub(crate) fn rebuild(
        &mut self,
        replay: &mut Replay<'_>,
        name: &str,
    ) -> Result<Rebuild, Attempt> {
        let unit: &Unit = &replay.recipe.units[name];
        let needs_cargo = || Attempt::NeedsCargo(unit.package.clone());
        let record = unit.record.as_ref().ok_or_else(needs_cargo)?;
        let made_of = self.versions(record);
        if made_of.is_empty() && unit.sources.first_change().is_none() {
            self.rebuilt.remove(name);
            return Ok(Rebuild::NotNeeded);
        }
        if let Some(last) = self.rebuilt.get(name)
            && last.made_of == made_of
            && last.sources.first_change().is_none()
            && last.library.is_file()
        {
            return Ok(Rebuild::NotNeeded);
        }
        (replay.events)(BuildEvent::Dependency { package: unit.package.clone() });
        let compiled = replay.dependency(unit, record, &self.libraries()).map_err(Attempt::of)?;
        let Some(compiled) = compiled else { return Ok(Rebuild::Cancelled) };
        self.versions += 1;
        self.rebuilt.insert(
            name.to_owned(),
            RebuiltUnit {
                library: compiled.output,
                sources: compiled.sources,
                version: self.versions,
                made_of,
            },
        );
        Ok(Rebuild::Done)
    }

    /// Forgets dependencies that are no longer the host's: another version, other features.
    pub(crate) fn keep_only(&mut self, recipe: &Recipe) {
        self.rebuilt.retain(|name, _| recipe.units.contains_key(name));
    }

    /// The dependencies that were built again, by unit.
    pub(crate) fn libraries(&self) -> Rebuilt {
        self.rebuilt.iter().map(|(name, it)| (name.clone(), it.library.clone())).collect()
    }

    /// Which of them a compiler call names.
    pub(crate) fn versions(&self, record: &Record) -> BTreeMap<String, u64> {
        let rebuilt = |name: String| Some((name.clone(), self.rebuilt.get(&name)?.version));
        dependencies(record).filter_map(rebuilt).collect()
    }
}

/// What became of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebuild {
    NotNeeded,
    Done,
    Cancelled,
}
