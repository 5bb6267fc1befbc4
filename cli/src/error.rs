//! What can go wrong, one variant a failed step, each with the item, both values and the remedy.

use std::io;
use std::path::PathBuf;

/// A failed step of `cargo liveswap`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("metadata: cargo could not describe the workspace: {said}")]
    Metadata { said: String },

    #[error(
        "select: no package was named, and {found}; name the program's package with `-p PACKAGE`"
    )]
    NoHost { found: String },

    #[error("select: the workspace has no package `{asked}`; it has {known}")]
    UnknownPackage { asked: String, known: String },

    #[error(
        "select: package `{package}` has {found}, but a program is needed; {}",
        if *several { "choose one with `--bin NAME`" } else { "name the package of the program with `-p PACKAGE`" }
    )]
    NoBinary { package: String, found: String, several: bool },

    #[error(
        "select: package `{package}` depends on no hot crate: none of its dependencies in this \
         workspace depends on `liveswap-abi`; add that dependency and `liveswap_abi::hot_crate!();` \
         to the crate that you want to edit, or name it with `--hot CRATE`"
    )]
    NoHotCrate { package: String },

    #[error(
        "select: `{asked}` is no dependency of package `{package}` inside this workspace; \
         expected one of: {known}"
    )]
    UnknownHotCrate { asked: String, package: String, known: String },

    #[error("select: package `{package}` has no library, so nothing of it can be swapped")]
    NotALibrary { package: String },

    #[error("build: cargo failed, see above")]
    FirstBuild,

    #[error("build: {0}")]
    Build(#[from] liveswap_builder::Error),

    #[error("run: `{}` could not be started", path.display())]
    ProgramStart { path: PathBuf, source: io::Error },

    #[error("run: {what} `{}` could not be {verb}; {}", path.display(), remedy(source))]
    File { what: &'static str, verb: &'static str, path: PathBuf, source: io::Error },

    #[error("control: nothing can listen at `{}`; {}", path.display(), remedy(source))]
    Listen { path: PathBuf, source: io::Error },

    #[error("control: the system gave no random bytes for a token: {why}")]
    Random { why: String },

    #[error("run: the signals that end a program could not be listened to")]
    Signals(#[source] io::Error),

    #[error("run: the thread `{name}` could not be started; raise the limit on threads")]
    ThreadStart { name: &'static str, source: io::Error },

    #[error("watch: the sources cannot be watched")]
    Watch(#[source] liveswap::Error),

    #[error("inspect: `{}` is no artifact: {why}; give the library of a hot crate", path.display())]
    NoArtifact { path: PathBuf, why: liveswap::verify::ManifestError },

    #[error(
        "status: nothing runs under `{}`; start it with `cargo liveswap run`, or name its target \
         directory with `--target-dir`",
        path.display()
    )]
    NoSession { path: PathBuf },

    #[error("status: process {pid} did not answer within {seconds} s; is it stopped?")]
    NoAnswer { pid: u32, seconds: u64 },

    #[error("print: standard output could not be written")]
    Print(#[source] io::Error),
}

/// What a person can do about a failed call to the system.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => "free space on that disk",
        io::ErrorKind::PermissionDenied => {
            "give this user access to it, or choose another target directory with `--target-dir`"
        }
        io::ErrorKind::ReadOnlyFilesystem => "choose a writable target directory",
        io::ErrorKind::NotFound => "it, or the directory it is in, was removed: start again",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "remove what stands in its place"
        }
        io::ErrorKind::AddrInUse => "end the process that listens there",
        _ => "see the cause",
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_item_what_was_found_and_the_remedy() {
        let error = Error::UnknownPackage { asked: "game".to_owned(), known: "app".to_owned() };
        assert_eq!(chain(&error), "select: the workspace has no package `game`; it has app");
    }

    #[test]
    fn causes_are_told_once() {
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        let path = PathBuf::from("/w/target/liveswap");
        let error = Error::File { what: "the directory", verb: "made", path, source };
        assert_eq!(
            chain(&error),
            "run: the directory `/w/target/liveswap` could not be made; give this user access to \
             it, or choose another target directory with `--target-dir`: permission denied"
        );
    }
}
