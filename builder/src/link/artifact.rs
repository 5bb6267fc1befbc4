//! The artifact's link: without what the host has, or with everything.

use std::path::{Path, PathBuf};
use std::{fs, io};

use object::{Object, ObjectSymbol};
use serde::{Deserialize, Serialize};

use super::direct::Direct;
use super::{Attempts, Linked, is_compiler_builtins, is_rlib, output_of};
use crate::imports::{Exports, missing_imports};
use crate::stamp::ArchiveStamp;

/// The object with the allocator's entry points is tiny; larger ones are not looked into.
const LARGEST_SHIM: u64 = 64 * 1024;

/// What the hot crate's own code may ask of the C library for a thread to run later: in a shared artifact it asks the
/// host, which counts it. The host's copy of abi exports each under the name that linkers give to a wrapped function.
const WRAPPED: &[&str] = &[
    "pthread_create",
    "__cxa_thread_atexit_impl",
    "pthread_key_create",
    "pthread_key_delete",
    "pthread_setspecific",
];

/// How an artifact is linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Links {
    /// Absent: only a standalone artifact is wanted.
    pub shared: Option<SharedLink>,
    /// Further arguments for a standalone artifact.
    pub standalone_args: Vec<String>,
    /// Absent: the linker that the compiler would have called is called as it would have been.
    pub direct: Option<Direct>,
}

/// What the host has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SharedLink {
    /// The archives inside the host, as they were when it was linked.
    pub archives: Vec<ArchiveStamp>,
    /// The index of the host's exports.
    pub exports: PathBuf,
    /// Further arguments for a shared artifact.
    pub args: Vec<String>,
}

pub(super) fn link(
    attempts: &mut Attempts<'_>,
    links: &Links,
    arguments: &[String],
) -> io::Result<(Linked, PathBuf, i32)> {
    let mut missing = Vec::new();
    if let Some(shared) = &links.shared {
        let (without, kept) = without_host(arguments, &shared.archives)?;
        let without = with(&with(&without, &wrapped()), &shared.args);
        if let Some(linker) = run(attempts, links, &without, true)? {
            missing = match output_of(&without) {
                Some(output) => {
                    missing_imports(output, &Exports::read(&shared.exports)?, &search(&without))?
                }
                None => Vec::new(),
            };
            if missing.is_empty() {
                return Ok((Linked::Shared { kept }, linker, 0));
            }
        }
    }
    let mut everything = with(arguments, &links.standalone_args);
    // A library may leave symbols open, and then fails when it is loaded; better to know it now.
    everything.push("-Wl,-z,defs".into());
    if let Some(direct) = &links.direct
        && let Some(translated) = direct.translate(&everything, false)
        && attempts.try_quietly(&direct.program, &translated)?
    {
        return Ok((Linked::Standalone { missing }, direct.program.clone(), 0));
    }
    let code = attempts.try_finally(&everything)?;
    let linked = if code == 0 { Linked::Standalone { missing } } else { Linked::Failed };
    Ok((linked, attempts.driver.to_owned(), code))
}

/// Runs the linker itself, or the driver where that does not work; the linker that did it.
fn run(
    attempts: &mut Attempts<'_>,
    links: &Links,
    arguments: &[String],
    small: bool,
) -> io::Result<Option<PathBuf>> {
    if let Some(direct) = &links.direct
        && let Some(translated) = direct.translate(arguments, small)
        && attempts.try_quietly(&direct.program, &translated)?
    {
        return Ok(Some(direct.program.clone()));
    }
    let driver = attempts.driver.to_owned();
    Ok(attempts.try_quietly(&driver, arguments)?.then_some(driver))
}

/// The arguments without what the host has, and the archives that stay.
fn without_host(
    arguments: &[String],
    archives: &[ArchiveStamp],
) -> io::Result<(Vec<String>, Vec<PathBuf>)> {
    let shim = allocator_shim(arguments);
    let mut kept = Vec::new();
    let mut out = Vec::with_capacity(arguments.len());
    let mut from_archives = false;
    for (at, argument) in arguments.iter().enumerate() {
        match argument.as_str() {
            "-Wl,-Bstatic" => from_archives = true,
            "-Wl,-Bdynamic" => from_archives = false,
            _ => {}
        }
        // The list of exports names symbols of crates that are now left out.
        if Some(at) == shim || argument == "-Wl,--no-undefined-version" {
            continue;
        }
        // The host has its foreign code already, with its globals. What it lacks shows as missing.
        if is_foreign_archive(argument, from_archives) {
            continue;
        }
        if is_rlib(argument) && !is_compiler_builtins(argument) {
            let path = Path::new(argument);
            if archives.iter().any(|archive| archive.path() == path && archive.still_holds()) {
                continue;
            }
            kept.push(path.to_owned());
        }
        out.push(argument.clone());
    }
    Ok((out, kept))
}

fn is_foreign_archive(argument: &str, from_archives: bool) -> bool {
    let library = argument.starts_with("-l") && argument.len() > 2;
    (from_archives && library) || (!argument.starts_with('-') && argument.ends_with(".a"))
}

/// The position of the object that defines the allocator's entry points: with it, the artifact
/// would have an allocator of its own.
fn allocator_shim(arguments: &[String]) -> Option<usize> {
    // The compiler puts it after the objects of the crate's own code.
    let objects = arguments
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, argument)| !argument.starts_with('-') && argument.ends_with(".o"));
    objects
        .into_iter()
        .find(|(_, argument)| defines_allocator(Path::new(argument)))
        .map(|(at, _)| at)
}

fn defines_allocator(path: &Path) -> bool {
    if fs::metadata(path).map_or(true, |metadata| metadata.len() > LARGEST_SHIM) {
        return false;
    }
    let Ok(bytes) = fs::read(path) else { return false };
    let Ok(file) = object::File::parse(&*bytes) else { return false };
    file.symbols().any(|symbol| {
        symbol.is_definition()
            && symbol.name().is_ok_and(|name| name.contains("__rust_no_alloc_shim"))
    })
}

fn wrapped() -> Vec<String> {
    WRAPPED.iter().map(|function| format!("-Wl,--wrap={function}")).collect()
}

/// Adds arguments before the libraries, where the linker has not yet looked for anything.
fn with(arguments: &[String], further: &[String]) -> Vec<String> {
    let mut out = Vec::with_capacity(arguments.len() + further.len());
    out.extend_from_slice(arguments);
    out.extend_from_slice(further);
    out
}

/// The directories in which these arguments look for libraries.
fn search(arguments: &[String]) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "-L" {
            out.extend(arguments.next().map(PathBuf::from));
        } else if let Some(directory) = argument.strip_prefix("-L") {
            out.push(PathBuf::from(directory));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(arguments: &[&str]) -> Vec<String> {
        arguments.iter().map(|&argument| argument.to_owned()).collect()
    }

    #[test]
    fn only_archives_that_look_as_in_the_host_are_left_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| {
            let path = directory.path().join(name);
            fs::write(&path, name).expect("written");
            path.to_str().expect("text").to_owned()
        };
        let same = path("libsame-1.rlib");
        let changed = path("libchanged-2.rlib");
        let added = path("libadded-3.rlib");
        let builtins = path("libcompiler_builtins-4.rlib");
        let archives = [&same, &changed, &builtins]
            .map(|path| ArchiveStamp::of(path.as_ref()).expect("there"));
        fs::write(&changed, "other bytes").expect("written");

        let arguments = list(&[
            "a.o",
            "-Wl,-Bstatic",
            &same,
            &changed,
            "-lz",
            "/t/libssl.a",
            &added,
            &builtins,
            "-Wl,-Bdynamic",
            "-Wl,--no-undefined-version",
            "-lc",
        ]);
        let (without, kept) = without_host(&arguments, &archives).expect("read");
        assert_eq!(
            without,
            list(&["a.o", "-Wl,-Bstatic", &changed, &added, &builtins, "-Wl,-Bdynamic", "-lc"])
        );
        assert_eq!(kept, [PathBuf::from(changed), PathBuf::from(added)]);
    }

    #[test]
    fn library_directories_are_found_in_both_spellings() {
        assert_eq!(
            search(&list(&["-L", "/a", "-lz", "-L/b"])),
            [PathBuf::from("/a"), PathBuf::from("/b")]
        );
    }
}
