//! What the host exports, and what an artifact needs of it.
//!
//! A shared artifact is only good when every symbol that it leaves open is there in the host or in
//! a library that both use. The exports are tens of thousands of long names; they are kept as
//! sorted hashes, which a process that looks up three hundred of them reads in no time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use object::elf::{DT_NEEDED, FileHeader64, STB_WEAK};
use object::read::elf::{Dyn, ElfFile, FileHeader, Sym};
use object::{Endianness, Object, ObjectSymbol, ReadCache, ReadRef, RelocationTarget, SymbolIndex};

/// Where libraries are when the linker's arguments do not say it.
const LIBRARY_DIRECTORIES: &[&str] = &[
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
    "/usr/local/lib",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
];

/// The names that an executable or library exports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exports(Vec<u64>);

impl Exports {
    /// Reads the exports of an executable or library.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let cache = ReadCache::new(File::open(path)?);
        let file = object::File::parse(&cache).map_err(|error| unreadable(path, &error))?;
        let mut hashes: Vec<u64> = file
            .dynamic_symbols()
            // Thread-locals are no definitions to `object`.
            .filter(|symbol| !symbol.is_undefined())
            .filter_map(|symbol| symbol.name_bytes().ok().map(hash))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        Ok(Self(hashes))
    }

    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        self.0.binary_search(&hash(name)).is_ok()
    }

    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        crate::record::write_whole(path, &bytes)
    }

    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        let (hashes, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(io::Error::other(format!("{} is cut off", path.display())));
        }
        Ok(Self(hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect()))
    }
}

/// The symbols that an artifact needs and that neither the host nor a library provides.
pub(crate) fn missing_imports(
    artifact: &Path,
    host: &Exports,
    search: &[PathBuf],
) -> io::Result<Vec<String>> {
    let bytes = fs::read(artifact)?;
    let imports = Imports::parse(&*bytes).map_err(|error| unreadable(artifact, &error))?;
    let mut open: Vec<&[u8]> =
        imports.names.into_iter().filter(|name| !host.contains(name)).collect();
    if !open.is_empty() {
        // Rare: a library without symbol versions, or a symbol that is missing in truth.
        for library in imports.libraries.iter().filter_map(|name| find_library(name, search)) {
            let exports = Exports::of(&library)?;
            open.retain(|name| !exports.contains(name));
        }
    }
    let names = open.into_iter().map(|name| String::from_utf8_lossy(name).into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// What a library leaves open.
struct Imports<'data> {
    /// Symbols without a version: those with one are promised by a library that the linker saw.
    names: Vec<&'data [u8]>,
    /// The libraries that the system loads with it.
    libraries: Vec<&'data str>,
}

impl<'data> Imports<'data> {
    fn parse<R: ReadRef<'data>>(data: R) -> object::read::Result<Self> {
        let file: ElfFile<'data, FileHeader64<Endianness>, R> = ElfFile::parse(data)?;
        let endian = file.endian();
        let sections = file.elf_header().sections(endian, data)?;
        let versions = sections.versions(endian, data)?;
        let symbols = file.elf_dynamic_symbol_table();
        // A linker may list symbols that nothing refers to; nobody looks for them at load either.
        let referred = file.dynamic_relocations().into_iter().flatten();
        let referred: BTreeSet<usize> = referred
            .filter_map(|(_, relocation)| match relocation.target() {
                RelocationTarget::Symbol(index) => Some(index.0),
                _ => None,
            })
            .collect();
        let mut names = Vec::with_capacity(referred.len());
        for index in referred.into_iter().map(SymbolIndex) {
            let symbol = symbols.symbol(index)?;
            if !symbol.is_undefined(endian) || symbol.st_bind() == STB_WEAK {
                continue;
            }
            let versioned = match &versions {
                Some(versions) => {
                    versions.version(versions.version_index(endian, index).index())?.is_some()
                }
                None => false,
            };
            let name = symbols.symbol_name(endian, symbol)?;
            if !versioned && !name.is_empty() {
                names.push(name);
            }
        }
        let mut libraries = Vec::new();
        if let Some((entries, strings)) = sections.dynamic(endian, data)? {
            let strings = sections.strings(endian, data, strings)?;
            for entry in entries.iter().filter(|entry| entry.tag(endian) == DT_NEEDED) {
                let name = entry.string(endian, strings)?;
                libraries.extend(std::str::from_utf8(name));
            }
        }
        Ok(Self { names, libraries })
    }
}

fn find_library(name: &str, search: &[PathBuf]) -> Option<PathBuf> {
    let configured = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let configured: Vec<PathBuf> = std::env::split_paths(&configured).collect();
    search
        .iter()
        .map(PathBuf::as_path)
        .chain(configured.iter().map(PathBuf::as_path))
        .chain(LIBRARY_DIRECTORIES.iter().map(Path::new))
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

fn hash(name: &[u8]) -> u64 {
    let digest = blake3::hash(name);
    let (first, _) = digest.as_bytes().split_first_chunk().unwrap_or((&[0; 8], &[]));
    u64::from_le_bytes(*first)
}

fn unreadable(path: &Path, error: &object::read::Error) -> io::Error {
    io::Error::other(format!("{} is not a library that can be read: {error}", path.display()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_index_survives_the_disk() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("exports");
        let mut exports = Exports(["a", "bb", "ccc"].map(|name| hash(name.as_bytes())).to_vec());
        exports.0.sort_unstable();
        exports.write(&path).expect("written");
        let read = Exports::read(&path).expect("read");
        assert_eq!(read, exports);
        assert!(read.contains(b"bb") && !read.contains(b"b"));
        fs::write(&path, [1, 2, 3]).expect("written");
        assert!(Exports::read(&path).is_err(), "a cut file is not an empty index");
    }

    #[test]
    fn the_c_library_exports_what_everyone_calls() {
        let path = find_library("libc.so.6", &[]).expect("a C library");
        let exports = Exports::of(&path).expect("readable");
        assert!(exports.contains(b"malloc"));
        assert!(!exports.contains(b"liveswap_no_such_function"));
    }
}
