//! One build: what changed, what has to be built again for it, and what comes out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::error::Error;
use crate::freshness::Stale;
use crate::kind::mark_shared;
use crate::layout::Layout;
use crate::memory::{Last, Memory, Rebuild};
use crate::outcome::{Artifact, ArtifactKind, BuildEvent, Change, Outcome, Timings};
use crate::process::Cancel;
use crate::project::Project;
use crate::recipe::{Closure, Recipe, Unit, Whole, stem_of};
use crate::record::{Record, write_whole};
use crate::replay::{Linking, Replay};
use crate::seal::seal;
use crate::settings::Settings;

/// One build.
pub(crate) struct Run<'a> {
    pub project: &'a Project,
    pub settings: &'a Settings,
    pub layout: &'a Layout,
    pub wrapper: &'a Path,
    pub cancel: &'a Cancel,
    pub events: &'a mut (dyn FnMut(BuildEvent) + Send),
    pub number: u64,
    /// When the build was asked for.
    pub asked: Instant,
}

type CaptureAgain<'c> = dyn FnMut(&Stale, &Memory, &mut Run<'_>) -> Result<Arc<Recipe>, Error> + 'c;

impl Run<'_> {
    /// Builds the artifact.
    pub(crate) fn build(
        &mut self,
        memory: &mut Memory,
        capture: &mut CaptureAgain<'_>,
    ) -> Result<Outcome, Error> {
        let mut timings = Timings { waited: self.asked.elapsed(), ..Timings::default() };
        let clock = Instant::now();
        let mut stale = match &memory.recipe {
            Some(recipe) => recipe.watched.first_change(),
            None => Some(Stale::Never),
        };
        timings.checked_freshness = clock.elapsed();
        loop {
            if let Some(why) = &stale {
                let clock = Instant::now();
                memory.recipe = Some(capture(why, memory, self)?);
                timings.captured += clock.elapsed();
            }
            let Some(recipe) = memory.recipe.clone() else {
                return Err(self.cancelled());
            };
            match self.replay(memory, &recipe, &mut timings) {
                // The compiler itself says that it needs what only cargo can give.
                Err(Attempt::NeedsCargo(package)) if stale.is_none() => {
                    stale = Some(Stale::Dependency { package });
                }
                Err(Attempt::NeedsCargo(package)) => {
                    let words = format!("{package} is not built by cargo for this host");
                    return Err(Error::Cargo { words });
                }
                Err(Attempt::Failed(error)) => return Err(error),
                Ok(mut outcome) => {
                    outcome.recaptured = stale;
                    return Ok(outcome);
                }
            }
        }
    }

    fn replay(
        &mut self,
        memory: &mut Memory,
        recipe: &Arc<Recipe>,
        timings: &mut Timings,
    ) -> Result<Outcome, Attempt> {
        let needs_cargo = || Attempt::NeedsCargo(self.project.hot_package.clone());
        let unit = recipe.units.get(&recipe.hot).ok_or_else(needs_cargo)?;
        let record = unit.record.as_ref().ok_or_else(needs_cargo)?;
        let closure = recipe.closure();
        let outside: Vec<&Unit> = recipe
            .units
            .iter()
            .filter(|(name, _)| !closure.order.contains(name))
            .map(|(_, unit)| unit)
            .filter(|unit| unit.sources.first_change().is_some())
            .collect();
        if let (Some(changed), false) = (outside.first(), closure.complete) {
            // It may be what the hot crate is made of; cargo knows.
            return Err(Attempt::NeedsCargo(changed.package.clone()));
        }
        if let Some(gone) = missing_dependency(recipe, &closure) {
            return Err(Attempt::NeedsCargo(gone));
        }
        memory.keep_only(recipe);
        self.keep_exports(memory).map_err(Attempt::Failed)?;
        let mut replay = Replay {
            recipe,
            settings: self.settings,
            layout: self.layout,
            wrapper: self.wrapper,
            cancel: self.cancel,
            events: self.events,
            clock: self.asked,
            first_diagnostic: None,
        };
        let clock = Instant::now();
        let mut names = Vec::new();
        for name in closure.order.iter().filter(|name| **name != recipe.hot) {
            let built = memory.rebuild(&mut replay, name)?;
            if built == Rebuild::Cancelled {
                return Err(Attempt::Failed(Error::Cancelled { number: self.number }));
            }
            if built == Rebuild::Done {
                names.push(recipe.units[name].package.clone());
            }
        }
        timings.dependencies += clock.elapsed();
        let made_of = memory.versions(record);
        if let Some(last) = &memory.last
            && Arc::ptr_eq(&last.recipe, recipe)
            && last.made_of == made_of
            && last.sources.first_change().is_none()
            && last.outcome.artifact.path.is_file()
        {
            timings.total = self.asked.elapsed();
            let change = Change::Unchanged;
            let number = self.number;
            return Ok(Outcome { number, change, timings: *timings, ..last.outcome.clone() });
        }
        let rebuilt = memory.libraries();
        (replay.events)(BuildEvent::Compiling { package: unit.package.clone() });
        let linking = replay.artifact(unit, record, &rebuilt).map_err(Attempt::of)?;
        timings.first_diagnostic = replay.first_diagnostic;
        let linking = linking.ok_or_else(|| Attempt::Failed(self.cancelled()))?;
        let outside = outside.into_iter().map(|unit| unit.package.clone()).collect();
        self.publish(memory, recipe, record, Built { made_of, names, linking, outside }, timings)
            .map_err(Attempt::Failed)
    }

    /// The running host does not change when the target directory is deleted.
    fn keep_exports(&self, memory: &mut Memory) -> Result<(), Error> {
        let path = self.layout.exports();
        match &memory.exports {
            Some(exports) if !path.exists() => {
                write_whole(&path, exports).map_err(Error::file("write", &path))?;
            }
            Some(_) => {}
            None => memory.exports = fs::read(&path).ok(),
        }
        Ok(())
    }

    fn publish(
        &self,
        memory: &mut Memory,
        recipe: &Arc<Recipe>,
        record: &Record,
        built: Built,
        timings: &mut Timings,
    ) -> Result<Outcome, Error> {
        let clock = Instant::now();
        let host_behind = behind(recipe, memory, &built);
        let linking = built.linking;
        let output = &linking.compiled.output;
        if linking.kind == ArtifactKind::Shared {
            mark_shared(output).map_err(Error::file("write the kind into", output))?;
        }
        seal(output).map_err(Error::file("seal", output))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_mmap(output).map_err(Error::file("read", output))?;
        let (digest, size): ([u8; 32], u64) = (hasher.finalize().into(), hasher.count());
        let crate_name = record.args.crate_name().unwrap_or_default();
        let path = self.layout.artifact(crate_name);
        let same = memory.last.as_ref().is_some_and(|last| {
            last.outcome.artifact.digest == digest && last.outcome.artifact.path.is_file()
        });
        // The last look before the only step that others see.
        if self.cancel.is_cancelled() {
            return Err(self.cancelled());
        }
        if let Some(last) = &memory.last
            && last.outcome.number > self.number
        {
            return Err(Error::Superseded { number: self.number, by: last.outcome.number });
        }
        if !same {
            fs::rename(output, &path).map_err(Error::file("publish", &path))?;
        }
        timings.compiled = linking.compiled.took;
        timings.linked = linking.link_took;
        timings.published = clock.elapsed();
        timings.total = self.asked.elapsed();
        let outcome = Outcome {
            number: self.number,
            artifact: Artifact {
                path,
                size,
                digest,
                kind: linking.kind,
                not_shared: linking.not_shared,
            },
            change: if same { Change::Unchanged } else { Change::Built },
            linker: linking.linker,
            recaptured: None,
            rebuilt: built.names,
            host_behind,
            warnings: linking.compiled.warnings,
            timings: *timings,
        };
        memory.last = Some(Last {
            recipe: recipe.clone(),
            sources: linking.compiled.sources,
            made_of: built.made_of,
            outcome: outcome.clone(),
        });
        Ok(outcome)
    }

    fn cancelled(&self) -> Error {
        Error::Cancelled { number: self.number }
    }
}

/// What a replay made.
struct Built {
    made_of: BTreeMap<String, u64>,
    /// Packages of rebuilt dependencies.
    names: Vec<String>,
    linking: Linking,
    /// Packages of the host, not of the hot crate, that were edited.
    outside: Vec<String>,
}

/// How a replay ended without an artifact.
pub(crate) enum Attempt {
    /// Only cargo can build what is needed; the package that shows it.
    NeedsCargo(String),
    Failed(Error),
}

impl Attempt {
    pub(crate) fn of(error: Error) -> Self {
        // E0460 and its neighbors: a crate was found, but not the one that another was built with.
        let mismatch = |code: &Option<String>| {
            matches!(code.as_deref(), Some("E0460" | "E0461" | "E0462" | "E0463" | "E0514"))
        };
        match &error {
            Error::Compile { package, diagnostics, .. }
                if diagnostics.iter().any(|found| mismatch(&found.code)) =>
            {
                Self::NeedsCargo(package.clone())
            }
            _ => Self::Failed(error),
        }
    }
}

/// A dependency whose compiled file is gone, because someone cleaned the target directory.
fn missing_dependency(recipe: &Recipe, closure: &Closure) -> Option<String> {
    let units = closure.order.iter().filter_map(|name| recipe.units.get(name));
    let records = units.filter_map(|unit| unit.record.as_ref());
    let mut externs = records.flat_map(|record| record.args.externs());
    let gone = |path: &Path| !path.exists() && !path.with_extension("rlib").exists();
    externs.find(|it| it.path.as_deref().is_some_and(gone)).map(|it| it.name)
}

/// In what the running host is behind the artifact.
fn behind(recipe: &Recipe, memory: &Memory, built: &Built) -> Vec<String> {
    let mut out = recipe.host_behind.clone();
    let edited = |package: &String| format!("{package} was edited after the host was built");
    out.extend(built.outside.iter().map(edited));
    if recipe.host.sources.first_change().is_some() {
        out.push("the host's own crate was edited after it was built".to_owned());
    }
    let mut named: Vec<String> = Vec::new();
    for name in memory.libraries().keys() {
        if let Some(unit) = recipe.units.get(name) {
            named.push(name.clone());
            out.push(edited(&unit.package));
        }
    }
    let archives = match &recipe.host.whole {
        Whole::Yes { archives } => archives.as_slice(),
        Whole::No(_) => &[],
    };
    for kept in &built.linking.kept {
        let Some(stem) = stem_of(kept) else { continue };
        if named.contains(&stem) {
            continue;
        }
        let crate_name = stem.rsplit_once('-').map_or(stem.as_str(), |(name, _)| name).to_owned();
        let older = archives.iter().any(|archive| archive.path() == kept);
        out.push(if older {
            format!("{crate_name} was rebuilt after the host was linked")
        } else {
            format!("{crate_name} is not in the host, or in another version")
        });
    }
    out
}
