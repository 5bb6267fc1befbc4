//! One builder a hot crate, and how a project and a command line become what they are told.

use std::env;
use std::path::{Path, PathBuf};

use liveswap_builder::{
    Builder, CargoFlags, Host, HostTarget, Input, InputRole, KindPolicy, Project as Built, Settings,
};

use crate::args::What;
use crate::error::Error;
use crate::project::Project;

/// Files that make cargo behave in another way in the directory where they are.
const CONFIGURATION: [&str; 4] =
    [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"];

/// The builders of a project's hot crates, in the order of [`Project::hot`].
#[derive(Debug)]
pub(crate) struct Builders {
    all: Vec<(Built, Builder)>,
    settings: Settings,
}

impl Builders {
    /// Opens a builder for each hot crate.
    ///
    /// # Errors
    ///
    /// Cargo cannot read the workspace, or the target directory cannot be written.
    pub(crate) fn open(
        project: &Project,
        what: &What,
        kind: KindPolicy,
        color: bool,
    ) -> Result<Builders, Error> {
        let settings = Settings { kind, color, ..Settings::default() };
        let mut builders = Builders { all: Vec::new(), settings };
        builders.follow(project, what)?;
        Ok(builders)
    }

    /// Takes up what the manifests say by now: a hot crate more, or one less.
    ///
    /// # Errors
    ///
    /// As for [`Builders::open`].
    pub(crate) fn follow(&mut self, project: &Project, what: &What) -> Result<(), Error> {
        let wanted: Vec<Built> =
            project.hot.iter().map(|hot| described(project, what, &hot.package)).collect();
        let mut older = std::mem::take(&mut self.all);
        for built in wanted {
            let known = older.iter().position(|(other, _)| *other == built);
            let builder = match known {
                Some(at) => older.swap_remove(at).1,
                None => Builder::open(built.clone(), self.settings.clone())?,
            };
            self.all.push((built, builder));
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The builder of a hot crate.
    pub(crate) fn get(&self, index: usize) -> Option<&Builder> {
        self.all.get(index).map(|(_, builder)| builder)
    }

    /// The builders of the hot crates that are made of one of `files`; all when none is known to.
    pub(crate) fn concerned<'a>(&self, files: impl Iterator<Item = &'a PathBuf>) -> Vec<usize> {
        let everything: Vec<usize> = (0..self.all.len()).collect();
        if everything.len() < 2 {
            return everything;
        }
        let files: Vec<&PathBuf> = files.collect();
        let made_of = |index: usize, counts: fn(&InputRole) -> bool| {
            let inputs = self.all[index].1.inputs();
            inputs.iter().any(|input| counts(&input.role) && files.contains(&&input.path))
        };
        // What is hot by itself is not rebuilt as a part of another hot crate.
        let own = |role: &InputRole| matches!(role, InputRole::HotSource);
        let also = |role: &InputRole| !matches!(role, InputRole::HostSource { .. });
        for counts in [own as fn(&InputRole) -> bool, also] {
            let some: Vec<usize> =
                everything.iter().copied().filter(|index| made_of(*index, counts)).collect();
            if !some.is_empty() {
                return some;
            }
        }
        everything
    }

    /// The files that decide about builds.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = Input> {
        self.all.iter().flat_map(|(_, builder)| builder.inputs())
    }

    /// Where artifacts are published; known once something was built.
    pub(crate) fn artifact_directories(&self) -> Vec<PathBuf> {
        let paths = self.all.iter().filter_map(|(_, builder)| builder.artifact_path());
        paths.filter_map(|path| path.parent().map(Path::to_owned)).collect()
    }
}

/// What a builder is told of a project.
fn described(project: &Project, what: &What, hot: &str) -> Built {
    let profile = if what.release { Some("release".to_owned()) } else { what.profile.clone() };
    let mut other: Vec<String> = what.lock_options().map(str::to_owned).collect();
    if let Some(jobs) = &what.jobs {
        other.extend(["--jobs".to_owned(), jobs.clone()]);
    }
    Built {
        directory: working_directory(project),
        host: Host {
            package: project.host.name.clone(),
            target: HostTarget::Bin(project.host.binary.clone()),
        },
        hot_package: hot.to_owned(),
        flags: CargoFlags {
            config: what.may_lack_debug_assertions().then(|| always(what)).into_iter().collect(),
            profile,
            features: what.feature_list().map(str::to_owned).collect(),
            all_features: what.all_features,
            no_default_features: what.no_default_features,
            target: what.target.clone(),
            target_dir: what.place.target_dir.as_ref().map(|_| project.target_directory.clone()),
            manifest_path: what.place.manifest_path.as_ref().map(|_| project.host.manifest.clone()),
            other,
        },
    }
}

/// Keeps hot functions replaceable where debug assertions may be off.
///
/// `#[hot]` asks how `liveswap-abi` was compiled. Its feature `always` says the same, but cargo lets
/// only direct dependents of a crate switch its features on, and the program need not be one.
fn always(what: &What) -> String {
    let profile = if what.release { "release" } else { what.profile.as_deref().unwrap_or("dev") };
    format!("profile.{profile}.package.liveswap-abi.debug-assertions=true")
}

/// Where cargo is started: its configuration is looked for from there upwards.
///
/// One directory for all of a workspace in which cargo behaves in the same way, so that what was
/// captured is found again from wherever the next session is started.
fn working_directory(project: &Project) -> PathBuf {
    let Ok(here) = env::current_dir() else { return project.workspace.clone() };
    if !here.starts_with(&project.workspace) {
        return here;
    }
    let configured = |directory: &&Path| {
        *directory == project.workspace
            || CONFIGURATION.iter().any(|name| directory.join(name).exists())
    };
    here.ancestors().find(configured).unwrap_or(&project.workspace).to_owned()
}

#[cfg(test)]
mod tests;
