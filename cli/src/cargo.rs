//! How cargo is asked to build, and what it answers.
//!
//! Host and artifact must be the same crate, or nothing fits: same features, same profile, same
//! `-C metadata`. So every build selects the host's package *and* the hot crates, because cargo
//! unifies features over what is selected, and passes the host's features by their full names with
//! `--no-default-features`, because to be selected must not give a hot crate default features that
//! the host does not ask for. A build of the artifacts alone differs from one of everything only in
//! leaving out `--bin`: the host is not linked, and the crates are the same.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Message;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};

use crate::args::What;
use crate::project::Project;

/// How much is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// The artifacts only.
    HotCrates,
    /// The artifacts and the program.
    Program,
}

/// Keeps hot functions replaceable where debug assertions may be off.
const ALWAYS: &str = "liveswap-abi/always";

/// The command that builds.
pub(crate) fn command(project: &Project, what: &What, scope: Scope) -> Command {
    let mut command = Command::new(program());
    command.args(arguments(project, what, scope)).current_dir(working_directory(project));
    for name in inherited() {
        command.env_remove(name);
    }
    command
}

/// The cargo that started this program, or the one on the path.
pub(crate) fn program() -> OsString {
    env::var_os("CARGO").filter(|path| !path.is_empty()).unwrap_or_else(|| "cargo".into())
}

/// What `cargo run` says of this tool's own package, which is not that of the host.
pub(crate) fn inherited() -> impl Iterator<Item = OsString> {
    env::vars_os().map(|(name, _)| name).filter(|name| {
        name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_")
                || ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_BIN_NAME"].contains(&name)
                || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"].contains(&name)
        })
    })
}

/// The directory of the dynamic standard library, for programs that were linked against that.
pub(crate) fn standard_library(what: &What) -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC").filter(|path| !path.is_empty());
    let mut command = Command::new(rustc.unwrap_or_else(|| "rustc".into()));
    command.args(["--print", "target-libdir"]);
    if let Some(target) = &what.target {
        command.args(["--target", target]);
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    let path = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(path.trim_end()))
}

/// Where cargo is started: its configuration is looked for from there upwards.
fn working_directory(project: &Project) -> PathBuf {
    env::current_dir().unwrap_or_else(|_| project.workspace.clone())
}

fn arguments(project: &Project, what: &What, scope: Scope) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["build".into()];
    let mut option = |name: &str, value: &std::ffi::OsStr| {
        arguments.push(name.into());
        arguments.push(value.into());
    };
    option("--manifest-path", project.host.manifest.as_os_str());
    option("--package", project.host.id.as_ref());
    for hot in &project.hot {
        option("--package", hot.id.as_ref());
    }
    if scope == Scope::Program {
        option("--bin", project.host.binary.as_ref());
    }
    let features = features(project, what);
    if !features.is_empty() {
        option("--features", features.join(",").as_ref());
    }
    if let Some(profile) = &what.profile {
        option("--profile", profile.as_ref());
    }
    if let Some(target) = &what.target {
        option("--target", target.as_ref());
    }
    if what.place.target_dir.is_some() {
        option("--target-dir", project.target_directory.as_os_str());
    }
    if let Some(jobs) = &what.jobs {
        option("--jobs", jobs.as_ref());
    }
    arguments.extend(["--lib", "--no-default-features"].map(OsString::from));
    if what.release {
        arguments.push("--release".into());
    }
    arguments.extend(what.lock_options().map(OsString::from));
    arguments
}

/// The host's features as a build of the host alone would have them.
fn features(project: &Project, what: &What) -> Vec<String> {
    let host = &project.host;
    let mut features: Vec<String> = Vec::new();
    if what.all_features {
        features.extend(host.features.iter().cloned());
    } else if !what.no_default_features && host.features.iter().any(|name| name == "default") {
        features.push("default".to_owned());
    }
    features.extend(what.feature_list().map(str::to_owned));
    for feature in &mut features {
        // One with a slash is named in full already.
        if !feature.contains('/') {
            *feature = format!("{}/{feature}", host.name);
        }
    }
    if what.may_lack_debug_assertions() {
        features.push(ALWAYS.to_owned());
    }
    features
}

/// What cargo said while it built.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The program, and whether it was made anew.
    pub(crate) executable: Option<(PathBuf, bool)>,
    /// The libraries of the hot crates.
    pub(crate) libraries: Vec<Library>,
    /// Directories in which the program finds its dynamic libraries.
    pub(crate) library_paths: Vec<PathBuf>,
    /// The compiler's errors as it renders them, with colors.
    pub(crate) errors: String,
    /// The compiler's warnings as it renders them, with colors.
    pub(crate) warnings: String,
    /// How many warnings there are.
    pub(crate) warning_count: usize,
    /// Files that the compiler looked for and did not find.
    pub(crate) missing: Vec<PathBuf>,
}

/// The library of a hot crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Library {
    /// The crate's name, with underscores.
    pub(crate) hot_crate: String,
    /// The artifact, if its crate types include one.
    pub(crate) artifact: Option<PathBuf>,
    /// Whether it was made anew.
    pub(crate) built: bool,
}

impl Report {
    /// Takes in one message.
    pub(crate) fn hear(&mut self, message: Message, project: &Project) {
        match message {
            Message::CompilerArtifact(artifact) => {
                let built = !artifact.fresh;
                let files: Vec<PathBuf> = artifact.filenames.into_iter().map(Into::into).collect();
                let id = artifact.package_id.repr;
                if let Some(executable) = artifact.executable
                    && id == project.host.id
                {
                    self.executable = Some((executable.into(), built));
                } else if let Some(hot) = project.hot.iter().find(|hot| hot.id == id)
                    && artifact.target.name.replace('-', "_") == hot.name
                {
                    let artifact = files.into_iter().find(|file| is_dynamic(file));
                    let hot_crate = hot.name.clone();
                    self.libraries.push(Library { hot_crate, artifact, built });
                }
            }
            Message::CompilerMessage(message) => self.diagnose(&message.message, project),
            Message::BuildScriptExecuted(script) => {
                let paths = script.linked_paths.iter().map(|path| {
                    let path = path.as_str();
                    PathBuf::from(path.split_once('=').map_or(path, |(_, path)| path))
                });
                // As `cargo run`: only what the build itself made.
                let own = paths.filter(|path| path.starts_with(&project.target_directory));
                self.library_paths.extend(own);
            }
            _ => {}
        }
    }

    fn diagnose(&mut self, diagnostic: &Diagnostic, project: &Project) {
        let rendered = diagnostic.rendered.as_deref().unwrap_or(&diagnostic.message);
        match diagnostic.level {
            DiagnosticLevel::Error | DiagnosticLevel::Ice => {
                self.errors.push_str(rendered);
                missing(diagnostic, &project.workspace, &mut self.missing);
            }
            DiagnosticLevel::Warning if diagnostic.spans.is_empty() => {
                // "3 warnings emitted": counted here already.
            }
            DiagnosticLevel::Warning => {
                self.warnings.push_str(rendered);
                self.warning_count += 1;
            }
            _ => {}
        }
    }
}

/// Whether a file is a dynamic library, of whichever target.
fn is_dynamic(file: &Path) -> bool {
    let known = ["so", "dylib", "dll"];
    file.extension().is_some_and(|extension| known.iter().any(|known| extension == *known))
}

/// Collects the files that an error says it did not find, so that their appearing is noticed.
///
/// The compiler names them in its words: ``file not found for module `a` `` with the help `to create
/// the module `a`, create file "src/a.rs" or "src/a/mod.rs"`, and ``couldn't read `src/table.txt` ``.
fn missing(diagnostic: &Diagnostic, directory: &Path, found: &mut Vec<PathBuf>) {
    let texts = std::iter::once(&diagnostic.message)
        .chain(diagnostic.children.iter().map(|child| &child.message));
    for text in texts {
        for name in quoted(text) {
            let path = directory.join(name);
            let is_path = name.contains(['/', '\\']) || name.ends_with(".rs");
            if is_path && !name.contains("::") && !path.exists() && !found.contains(&path) {
                found.push(path);
            }
        }
    }
}

/// What stands between two quotes or two backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    ['"', '`'].into_iter().flat_map(move |quote| {
        let parts = text.split(quote).skip(1).step_by(2);
        parts.filter(|part| !part.is_empty() && !part.contains(char::is_whitespace))
    })
}

#[cfg(test)]
mod tests;
