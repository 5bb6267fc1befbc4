//! What can fail in a build, one variant a failed step.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostics::{Diagnostic, Level};

/// Why a build brought no artifact.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Cargo could not describe the workspace.
    #[error("cargo cannot read the workspace at {}: {source}", directory.display())]
    Workspace {
        /// Where cargo was run.
        directory: PathBuf,
        /// What cargo said.
        source: Box<cargo_metadata::Error>,
    },
    /// A tool could not be started.
    #[error("{} cannot be started: {source}", program.display())]
    Start {
        /// The tool.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Cargo stopped before it compiled anything: a manifest, a feature, the network.
    #[error("cargo failed: {}", first_line(words))]
    Cargo {
        /// What cargo printed.
        words: String,
    },
    /// A crate does not compile.
    #[error("{package} does not compile: {}", summary(diagnostics, words))]
    Compile {
        /// The package.
        package: String,
        /// What the compiler reported, warnings included.
        diagnostics: Vec<Diagnostic>,
        /// What the compiler printed besides, such as the trace of a crash.
        words: String,
    },
    /// The artifact does not link.
    #[error("{package} does not link: {}", summary(diagnostics, words))]
    Link {
        /// The package.
        package: String,
        /// What the compiler reported, the linker's words among them.
        diagnostics: Vec<Diagnostic>,
        /// What the linker printed in attempts that failed before.
        words: String,
    },
    /// The program that should stand in for compiler and linker did not.
    #[error(
        "{} did not stand in for the compiler: it must call `maybe_run_as_wrapper` first thing in \
         its main",
        program.display()
    )]
    WrapperSilent {
        /// The program.
        program: PathBuf,
    },
    /// The host does not contain the hot crate.
    #[error("{host} does not link {hot}: make it a dependency of the host, and use it there")]
    HotNotLinked {
        /// The hot crate's package.
        hot: String,
        /// The host.
        host: String,
    },
    /// Two builds of the hot crate are in one host, and it is not known which is meant.
    #[error("{host} contains {hot} more than once, with different features or for build scripts")]
    HotAmbiguous {
        /// The hot crate's package.
        hot: String,
        /// The host.
        host: String,
    },
    /// What the hot crate is made of was to be there, and is not.
    #[error("not compiled yet for this host: {}", packages.join(", "))]
    NotBuilt {
        /// The packages that cargo would have compiled.
        packages: Vec<String>,
    },
    /// A file of the builder could not be read or written.
    #[error("cannot {action} {}{}: {source}", path.display(), remedy(source))]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The build was cancelled, by a later one or by its owner.
    #[error("build {number} was cancelled")]
    Cancelled {
        /// The number of the cancelled build.
        number: u64,
    },
    /// A later build was done first; this one's artifact was not published.
    #[error("build {number} was overtaken by build {by}")]
    Superseded {
        /// The number of this build.
        number: u64,
        /// The number of the build whose artifact counts.
        by: u64,
    },
}

impl Error {
    /// The compiler's diagnostics, where it got so far.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Compile { diagnostics, .. } | Self::Link { diagnostics, .. } => diagnostics,
            _ => &[],
        }
    }

    /// Whether nothing is wrong: a later build does the work of this one.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Cancelled { .. } | Self::Superseded { .. })
    }

    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }
}

/// What a person can do about a failed call to the system, where that is known.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; give this user access to it, or choose another target directory"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; choose a target directory that can be written to",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free space on that disk",
        io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::DirectoryNotEmpty => "; remove what stands in its place",
        _ => "",
    }
}

fn summary(diagnostics: &[Diagnostic], words: &str) -> String {
    let mut errors = diagnostics.iter().filter(|found| found.level == Level::Error);
    let Some(first) = errors.next() else { return first_line(words).to_owned() };
    let place = first.spans.iter().find(|span| span.primary);
    let place = place.map_or(String::new(), |span| {
        format!(" at {}:{}:{}", span.file.display(), span.line, span.column)
    });
    let more = match errors.count() {
        0 => String::new(),
        1 => " (and 1 more error)".to_owned(),
        more => format!(" (and {more} more errors)"),
    };
    format!("{}{place}{more}", first_line(&first.message))
}

fn first_line(text: &str) -> &str {
    let error = text.lines().find(|line| line.starts_with("error"));
    error.or_else(|| text.lines().find(|line| !line.trim().is_empty())).unwrap_or("no reason given")
}
