//! What to watch, as the tools themselves tell it: the compiler's lists of sources, the build
//! scripts' instructions, and the places where cargo and rustup look for configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use cargo_metadata::TargetKind;

use crate::cargo::{CargoRun, Workspace, is_local, package_name};
use crate::depinfo::DepInfo;
use crate::freshness::{InputRole, Looks, Watched};
use crate::project::Project;
use crate::recipe::Recipe;
use crate::record::Record;

/// The list of sources that the compiler wrote beside a library or an executable.
pub(crate) fn dep_info_of(output: &Path) -> Option<PathBuf> {
    let stem = output.file_stem()?.to_str()?;
    let is_library =
        output.extension().is_some_and(|it| it == "rlib" || it == "so" || it == "dylib");
    let name = if is_library { stem.strip_prefix("lib").unwrap_or(stem) } else { stem };
    Some(output.with_file_name(format!("{name}.d")))
}

/// The sources of a compiled file as they were compiled, and the variables that they read.
///
/// Relative paths are relative to where the compiler ran, which is one of `roots` when it was not
/// recorded. A source that is newer than the compiler's start was not compiled as it is now.
pub(crate) fn sources_of(
    output: &Path,
    roots: &[&Path],
    record: Option<&Record>,
) -> (Looks, Vec<String>) {
    let Some(path) = dep_info_of(output) else { return Default::default() };
    let written = fs::metadata(&path).and_then(|metadata| metadata.modified());
    let (Ok(text), Ok(written)) = (fs::read_to_string(&path), written) else {
        return Default::default();
    };
    let info = DepInfo::parse(&text);
    let absolute = |file: &PathBuf| {
        let recorded = record.map(|record| record.cwd.join(file));
        let mut places = recorded.into_iter().chain(roots.iter().map(|root| root.join(file)));
        let first = places.next().unwrap_or_else(|| file.clone());
        if first.exists() { first } else { places.find(|it| it.exists()).unwrap_or(first) }
    };
    let files: Vec<PathBuf> = info.files.iter().map(absolute).collect();
    let started = record.map_or(written, |record| record.started);
    let set_by_cargo = |name: &String| record.is_some_and(|it| it.env.contains_key(name));
    let variables = info.env.into_iter().map(|(name, _)| name).filter(|it| !set_by_cargo(it));
    (Looks::since(&files, started), variables.collect())
}

/// Everything that makes cargo call the compiler in another way.
pub(crate) fn collect(
    project: &Project,
    workspace: &Workspace,
    run: &CargoRun,
    recipe: &Recipe,
) -> Watched {
    let mut watched = Watched::default();
    watched.watch_cargo_variables();
    for artifact in run.artifacts.iter().filter(|artifact| is_local(&artifact.package_id)) {
        watched.watch(artifact.manifest_path.clone().into(), InputRole::Manifest);
    }
    watched.watch(workspace.root.join("Cargo.toml"), InputRole::Manifest);
    watched.watch(workspace.root.join("Cargo.lock"), InputRole::LockFile);
    configuration(project, &mut watched);
    watched.watch(recipe.toolchain.rustc.clone(), InputRole::Toolchain);
    for (path, role) in recipe.watched.paths().filter(|(_, role)| is_of_package(role)) {
        // Packages that this run of cargo did not come to.
        watched.watch(path.to_owned(), role.clone());
    }
    build_scripts(workspace, run, &mut watched);
    for unit in recipe.units.values() {
        unit.variables.iter().for_each(|name| watched.watch_variable(name));
    }
    watched
}

fn is_of_package(role: &InputRole) -> bool {
    matches!(role, InputRole::Manifest | InputRole::BuildScript { .. })
}

/// The places of configuration, whether there is a file or not.
fn configuration(project: &Project, watched: &mut Watched) {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let rustup_home = env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let home = |directory| env::home_dir().map(|home| home.join(directory));
    for directory in project.directory.ancestors() {
        for name in ["config.toml", "config"] {
            watched.watch(directory.join(".cargo").join(name), InputRole::CargoConfig);
        }
        for name in ["rust-toolchain.toml", "rust-toolchain"] {
            watched.watch(directory.join(name), InputRole::Toolchain);
        }
    }
    if let Some(home) = cargo_home.or_else(|| home(".cargo")) {
        watched.watch(home.join("config.toml"), InputRole::CargoConfig);
        watched.watch(home.join("config"), InputRole::CargoConfig);
    }
    if let Some(home) = rustup_home.or_else(|| home(".rustup")) {
        watched.watch(home.join("settings.toml"), InputRole::Toolchain);
    }
}

/// The sources of build scripts, and what the scripts told cargo to watch.
fn build_scripts(workspace: &Workspace, run: &CargoRun, watched: &mut Watched) {
    for artifact in &run.artifacts {
        let script = artifact.target.kind.contains(&TargetKind::CustomBuild);
        if !script || !is_local(&artifact.package_id) {
            continue;
        }
        let package = package_name(&artifact.package_id);
        let root = artifact.manifest_path.parent().map(|it| it.as_std_path().to_owned());
        let root = root.unwrap_or_else(|| workspace.root.clone());
        for file in artifact.filenames.iter().flat_map(|file| dep_infos_beside(file.as_std_path()))
        {
            let (sources, _) = sources_of(&file, &[&workspace.root, &root], None);
            for path in sources.paths() {
                let role = InputRole::BuildScript { package: package.clone() };
                watched.watch(path.to_owned(), role);
            }
        }
    }
    for script in &run.scripts {
        let output = script.out_dir.as_std_path().with_file_name("output");
        let Ok(text) = fs::read_to_string(&output) else { continue };
        let asked = Instructions::parse(&text);
        asked.variables.iter().for_each(|name| watched.watch_variable(name));
        if !is_local(&script.package_id) {
            // The files of a published package do not change.
            continue;
        }
        let of_package = run.artifacts.iter().find(|it| it.package_id == script.package_id);
        let Some(root) = of_package.and_then(|it| it.manifest_path.parent()) else { continue };
        let package = package_name(&script.package_id);
        let role = || InputRole::BuildScript { package: package.clone() };
        if asked.files.is_empty() && asked.variables.is_empty() {
            // Cargo then runs the script again after any change in its package.
            watched.watch(root.as_std_path().to_owned(), role());
        }
        for file in asked.files {
            watched.watch(root.as_std_path().join(file), role());
        }
    }
}

/// The lists of sources in the directory of a build script's executable, which cargo links to a
/// name without the hash that the list has.
fn dep_infos_beside(executable: &Path) -> Vec<PathBuf> {
    let entries = executable.parent().and_then(|parent| fs::read_dir(parent).ok());
    let entries = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "d")).collect()
}

/// What a build script told cargo to watch.
#[derive(Debug, Default, PartialEq, Eq)]
struct Instructions {
    files: BTreeSet<String>,
    variables: BTreeSet<String>,
}

impl Instructions {
    fn parse(output: &str) -> Self {
        let mut out = Self::default();
        for line in output.lines() {
            let Some(instruction) = line.strip_prefix("cargo:") else { continue };
            let instruction = instruction.strip_prefix(':').unwrap_or(instruction);
            match instruction.split_once('=') {
                Some(("rerun-if-changed", file)) => drop(out.files.insert(file.trim().to_owned())),
                Some(("rerun-if-env-changed", name)) => {
                    out.variables.insert(name.trim().to_owned());
                }
                _ => {}
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_instructions_are_read() {
        let text = "cargo:rerun-if-changed=a.txt\ncargo::rerun-if-changed=b.txt\nnoise\n\
                    cargo::rerun-if-env-changed=GREETING\ncargo::rustc-cfg=x\n";
        let asked = Instructions::parse(text);
        assert_eq!(asked.files.iter().collect::<Vec<_>>(), ["a.txt", "b.txt"]);
        assert_eq!(asked.variables.iter().collect::<Vec<_>>(), ["GREETING"]);
    }

    #[test]
    fn the_list_of_sources_is_beside_the_output() {
        let of = |path: &str| dep_info_of(Path::new(path)).expect("a name");
        assert_eq!(of("/t/deps/libhot-1a.rlib"), Path::new("/t/deps/hot-1a.d"));
        assert_eq!(of("/t/deps/libmacros-1a.so"), Path::new("/t/deps/macros-1a.d"));
        assert_eq!(of("/t/deps/libre-2b"), Path::new("/t/deps/libre-2b.d"));
        assert_eq!(of("/t/deps/host-3c.d"), Path::new("/t/deps/host-3c.d"));
    }
}
