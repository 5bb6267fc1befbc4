//! Asking cargo, and understanding its answers.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use cargo_metadata::diagnostic::DiagnosticLevel;
use cargo_metadata::{Artifact, BuildScript, Message, MetadataCommand, PackageId, TargetKind};

use crate::diagnostics::{Diagnostic, Level, Span, is_summary};
use crate::error::Error;
use crate::outcome::BuildEvent;
use crate::process::Cancel;
use crate::project::{Project, cargo_program};

/// Where a workspace is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub root: PathBuf,
    pub target_directory: PathBuf,
}

impl Workspace {
    /// Asks cargo where the workspace and its target directory are.
    pub(crate) fn find(project: &Project) -> Result<Self, Error> {
        let mut command = MetadataCommand::new();
        command.cargo_path(cargo_program()).current_dir(&project.directory).no_deps();
        if let Some(manifest) = project.manifest_path() {
            command.manifest_path(project.directory.join(manifest));
        }
        let config = project.flags.config.iter();
        command.other_options(
            config.flat_map(|it| ["--config".to_owned(), it.clone()]).collect::<Vec<_>>(),
        );
        let metadata = command.exec().map_err(|source| Error::Workspace {
            directory: project.directory.clone(),
            source: Box::new(source),
        })?;
        let target_directory = match &project.flags.target_dir {
            Some(directory) => project.directory.join(directory),
            None => metadata.target_directory.into_std_path_buf(),
        };
        Ok(Self { root: metadata.workspace_root.into_std_path_buf(), target_directory })
    }
}

/// What one run of cargo told.
#[derive(Debug, Default)]
pub(crate) struct CargoRun {
    pub artifacts: Vec<Artifact>,
    pub scripts: Vec<BuildScript>,
    pub diagnostics: Vec<Diagnostic>,
    /// The package whose crate had the first error.
    pub failed_package: Option<String>,
    /// What cargo printed for people.
    pub words: String,
    pub succeeded: bool,
}

impl CargoRun {
    /// Runs cargo to its end; `None` when it was cancelled.
    pub(crate) fn run(
        command: Command,
        cancel: &Cancel,
        events: &mut (dyn FnMut(BuildEvent) + Send),
    ) -> Result<Option<Self>, Error> {
        let program = PathBuf::from(command.get_program());
        let (sender, lines) = crossbeam_channel::unbounded();
        let mut run = Self::default();
        let mut to_lines = {
            let sender = sender.clone();
            move |line| drop(sender.send(Line::Out(line)))
        };
        // Both streams end up in one channel, so that they are told in the order of their arrival.
        let status = std::thread::scope(|scope| {
            let worker = std::thread::Builder::new().name("liveswap-cargo".into()).spawn_scoped(
                scope,
                move || {
                    let mut to_words = |line| drop(sender.send(Line::Err(line)));
                    cancel.run(command, Some(&mut to_lines), &mut to_words)
                },
            );
            for line in lines {
                run.take(line, events);
            }
            match worker {
                Ok(worker) => worker.join().unwrap_or(Ok(None::<ExitStatus>)),
                Err(error) => Err(error),
            }
        })
        .map_err(|source| Error::Start { program, source })?;
        let Some(status) = status else { return Ok(None) };
        run.succeeded = status.success();
        Ok(Some(run))
    }

    fn take(&mut self, line: Line, events: &mut (dyn FnMut(BuildEvent) + Send)) {
        let line = match line {
            Line::Err(line) => {
                self.words.push_str(&line);
                self.words.push('\n');
                return events(BuildEvent::Cargo(line));
            }
            Line::Out(line) => line,
        };
        // What a procedural macro prints comes between cargo's messages.
        match serde_json::from_str::<Message>(&line) {
            Ok(Message::CompilerArtifact(artifact)) => self.artifacts.push(artifact),
            Ok(Message::BuildScriptExecuted(script)) => self.scripts.push(script),
            Ok(Message::CompilerMessage(found)) => {
                let Some(diagnostic) = convert(found.message) else { return };
                if diagnostic.level == Level::Error && self.failed_package.is_none() {
                    self.failed_package = Some(package_name(&found.package_id));
                }
                self.diagnostics.push(diagnostic.clone());
                events(BuildEvent::Diagnostic(diagnostic));
            }
            _ => {}
        }
    }

    /// The error that this run ended with.
    pub(crate) fn into_error(self) -> Error {
        match self.failed_package {
            Some(package) => {
                let linking = self.diagnostics.iter().any(is_link_failure);
                let (diagnostics, words) = (self.diagnostics, self.words);
                if linking {
                    Error::Link { package, diagnostics, words }
                } else {
                    Error::Compile { package, diagnostics, words }
                }
            }
            None => Error::Cargo { words: self.words },
        }
    }

    /// Directories with dynamic libraries that build scripts made. Others belong to the system.
    pub(crate) fn library_paths(&self, target_directory: &Path) -> Vec<PathBuf> {
        let paths = self.scripts.iter().flat_map(|script| &script.linked_paths);
        let plain = |path: &str| path.split_once('=').map_or(path, |(_, path)| path).to_owned();
        let paths = paths.map(|path| PathBuf::from(plain(path.as_str())));
        paths.filter(|path| path.starts_with(target_directory)).collect()
    }

    /// The crates of the workspace (and of other directories) that others are compiled against.
    pub(crate) fn local_libraries(&self) -> impl Iterator<Item = &Artifact> {
        self.artifacts
            .iter()
            .filter(|artifact| is_local(&artifact.package_id) && is_library(artifact))
    }
}

enum Line {
    Out(String),
    Err(String),
}

/// Whether a diagnostic is the compiler's report of a failed linker.
pub(crate) fn is_link_failure(diagnostic: &Diagnostic) -> bool {
    diagnostic.level == Level::Error && diagnostic.message.starts_with("linking with ")
}

/// Whether a package is in a directory of the person's own.
pub(crate) fn is_local(package: &PackageId) -> bool {
    package.repr.starts_with("path+")
}

/// The name in a package's identifier: `path+file:///a/hot#0.1.0`, `path+file:///a#hot@0.1.0`.
pub(crate) fn package_name(package: &PackageId) -> String {
    let text = &package.repr;
    let (url, fragment) = text.rsplit_once('#').unwrap_or((text, ""));
    match fragment.rsplit_once('@') {
        Some((name, _)) => name.to_owned(),
        None => url.rsplit('/').next().unwrap_or(url).to_owned(),
    }
}

fn is_library(artifact: &Artifact) -> bool {
    artifact.target.kind.iter().any(|kind| {
        matches!(
            kind,
            TargetKind::Lib
                | TargetKind::RLib
                | TargetKind::DyLib
                | TargetKind::CDyLib
                | TargetKind::StaticLib
                | TargetKind::ProcMacro
        )
    })
}

/// The file that other crates are compiled against.
pub(crate) fn library_file(artifact: &Artifact) -> Option<&Path> {
    let is = |extension: &str| {
        artifact.filenames.iter().find(|file| file.extension() == Some(extension))
    };
    let dylib = std::env::consts::DLL_EXTENSION;
    is("rlib").or_else(|| is(dylib)).map(|file| file.as_std_path())
}

fn convert(found: cargo_metadata::diagnostic::Diagnostic) -> Option<Diagnostic> {
    if is_summary(&found.message, found.spans.len()) {
        return None;
    }
    let level = match found.level {
        DiagnosticLevel::Error | DiagnosticLevel::Ice => Level::Error,
        DiagnosticLevel::Warning => Level::Warning,
        _ => Level::Note,
    };
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let spans = found.spans.into_iter().map(|span| Span {
        file: span.file_name.into(),
        line: number(span.line_start),
        column: number(span.column_start),
        primary: span.is_primary,
        label: span.label,
    });
    Some(Diagnostic {
        level,
        code: found.code.map(|code| code.code),
        spans: spans.collect(),
        rendered: found.rendered.unwrap_or_else(|| format!("{}\n", found.message)),
        message: found.message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_identifiers_are_read_in_all_their_forms() {
        let name = |repr: &str| package_name(&PackageId { repr: repr.to_owned() });
        assert_eq!(name("path+file:///w/hot-logic#0.1.0"), "hot-logic");
        assert_eq!(name("path+file:///w/dir#hot-logic@0.1.0"), "hot-logic");
        assert_eq!(name("registry+https://r.example/index#serde@1.0.0"), "serde");
        assert!(is_local(&PackageId { repr: "path+file:///w/a#0.1.0".to_owned() }));
        assert!(!is_local(&PackageId { repr: "registry+https://r.example#a@0.1.0".to_owned() }));
    }
}
