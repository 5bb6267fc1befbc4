//! What can fail in a lab, one variant a failed step, each with everything that the tools said.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::outcome::{BuildFailure, Refused};

/// Why a lab could not do what it was asked.
///
/// Its `Debug` is its `Display`: a test that returns it shows the compiler's words, not a structure.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No hot crate of that name is in this program.
    #[error(
        "no hot crate `{name}` is linked into this program ({}); make it a dependency, use something of it in the \
         test, and build with debug assertions or liveswap-abi's feature `always`",
        names(linked)
    )]
    NotLinked {
        /// The name that was asked for.
        name: String,
        /// The hot crates that are linked.
        linked: Vec<String>,
    },
    /// The thread has a lab of this crate already, and would wait for itself.
    #[error("this thread has a lab for `{hot_crate}` already; end it first, or use that one")]
    InUse {
        /// The hot crate.
        hot_crate: String,
    },
    /// Cargo cannot describe the workspace.
    #[error("cargo cannot read the workspace at {}: {source}", directory.display())]
    Workspace {
        /// Where cargo was run.
        directory: PathBuf,
        /// What cargo said.
        source: Box<cargo_metadata::Error>,
    },
    /// The workspace has no package with this library.
    #[error("no package of the workspace at {} has the library `{hot_crate}`", root.display())]
    NoPackage {
        /// The hot crate.
        hot_crate: String,
        /// The workspace's root.
        root: PathBuf,
    },
    /// The program is none of the workspace's test programs.
    #[error(
        "{} is no integration test, example, benchmark or program of the workspace at {}; tests inside the hot crate \
         itself (`#[cfg(test)]`) link another crate than its users do: write the test in `tests/`",
        executable.display(), root.display()
    )]
    NoTarget {
        /// The running program.
        executable: PathBuf,
        /// The workspace's root.
        root: PathBuf,
    },
    /// The hot crate is made of a package that is not copied.
    #[error(
        "`{package}` depends on {}, which is outside the workspace; a lab copies the workspace only",
        path.display()
    )]
    Outside {
        /// The package that depends on it.
        package: String,
        /// Where it is.
        path: PathBuf,
    },
    /// None of the ways in which cargo may have built this program leads to its hot crate.
    #[error("it was not found out how cargo built this program:{}", attempts(tried))]
    NotCaptured {
        /// The flags that were tried, and what came of each.
        tried: Vec<(String, String)>,
    },
    /// The builder failed before it compiled anything.
    #[error("the lab cannot build: {0}")]
    Builder(#[source] liveswap_builder::Error),
    /// Cargo or the compiler could not do what fixtures need.
    #[error("what fixtures are compiled against cannot be built:\n{words}")]
    Tools {
        /// What the tool said.
        words: String,
    },
    /// A fixture does not compile.
    #[error("{name} does not compile:\n{words}")]
    Fixture {
        /// Its name in the cache.
        name: String,
        /// What the compiler said.
        words: String,
    },
    /// A file of the lab could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// An edit left the file as it was.
    #[error("the edit of {file} changes nothing; what it looks for is not there")]
    NoEffect {
        /// The file.
        file: String,
    },
    /// The path leads out of the lab's copy.
    #[error("{file} is not inside the lab's copy")]
    NotInside {
        /// The file.
        file: String,
    },
    /// The sources do not compile.
    #[error("{0}")]
    Build(BuildFailure),
    /// The runtime refused the artifact.
    #[error("{0}")]
    Refused(Refused),
    /// The edit does not change the artifact.
    #[error("nothing to swap: the artifact is the one that runs, generation {generation}")]
    Unchanged {
        /// The current generation.
        generation: u64,
    },
    /// Something else happened than what the test expects.
    #[error("expected {expected}, but {found}")]
    Unexpected {
        /// What the test expects.
        expected: &'static str,
        /// What happened.
        found: String,
    },
    /// The runtime did not say what became of an artifact.
    #[error("no answer for the artifact {digest} within {seconds} s; the runtime says: {status}")]
    NoAnswer {
        /// The artifact's digest.
        digest: String,
        /// How long was waited.
        seconds: u64,
        /// The runtime's status.
        status: String,
    },
    /// A call did not come to the point where it was to wait.
    #[error("no call came to the point `{point}` within {seconds} s")]
    NotReached {
        /// The point's name.
        point: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The runtime itself failed.
    #[error(transparent)]
    Runtime(#[from] liveswap::Error),
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "none is".to_owned() } else { format!("linked: {}", names.join(", ")) }
}

fn attempts(tried: &[(String, String)]) -> String {
    let one = |(flags, why): &(String, String)| {
        let flags = if flags.is_empty() { "no further flags" } else { flags };
        format!("\n  with {flags}: {why}")
    };
    let mut text: String = tried.iter().map(one).collect();
    text.push_str("\nname the flags that cargo was given: `Lab::builder(..).cargo_flags([..])`");
    text
}
