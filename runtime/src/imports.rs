//! What a shared artifact needs of the program, read from its file before anything is loaded.
//!
//! The loader would find a missing symbol too, but names only the first one, mangled, and has run
//! nothing that could say what to do about it.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use object::elf::{FileHeader32, FileHeader64, STB_WEAK};
use object::read::elf::{ElfFile, FileHeader, Sym};
use object::read::{FileKind, ReadCache, ReadRef, RelocationTarget, SymbolIndex};
use object::{Endianness, Object};

use crate::symbol;
use crate::verify::ManifestError;

/// The symbols that the library at `path` needs and nobody gives it, demangled; those of the standard library, which say
/// least, last.
///
/// # Errors
///
/// [`ManifestError::Image`] where the file cannot be read as an image of this kind of system.
pub(crate) fn missing(
    path: &Path,
    is_exported: impl Fn(&[u8]) -> bool,
) -> Result<Vec<String>, ManifestError> {
    let file = File::open(path).map_err(|error| ManifestError::Image(error.to_string()))?;
    missing_of(&ReadCache::new(file), is_exported)
}

/// The symbols that the library in `bytes` needs of whoever loads it, demangled; those of the standard library last.
///
/// Takes no more memory than the bytes themselves, if [`structure`](crate::structure) found nothing wrong with them.
///
/// # Errors
///
/// [`ManifestError::Image`] where they cannot be read as an image of this kind of system.
///
/// # Examples
///
/// ```
/// assert!(liveswap::imports::of_bytes(b"no library at all").is_err());
/// ```
pub fn of_bytes(bytes: &[u8]) -> Result<Vec<String>, ManifestError> {
    missing_of(bytes, |_| false)
}

fn missing_of<'data, R: ReadRef<'data>>(
    data: R,
    is_exported: impl Fn(&[u8]) -> bool,
) -> Result<Vec<String>, ManifestError> {
    let needed = match FileKind::parse(data) {
        Ok(FileKind::Elf64) => needed::<FileHeader64<Endianness>, _>(data),
        Ok(FileKind::Elf32) => needed::<FileHeader32<Endianness>, _>(data),
        Ok(other) => return Err(ManifestError::Image(format!("no shared artifact: {other:?}"))),
        Err(error) => Err(error),
    };
    let needed = needed.map_err(|error| ManifestError::Image(error.to_string()))?;
    // Names may share their ends, and stand for longer ones: what they say together is bounded by the file.
    let mut room = data.len().map_or(0, |len| usize::try_from(len).unwrap_or(usize::MAX)) / 2;
    let mut missing: BTreeSet<(bool, String)> = BTreeSet::new();
    for name in needed.into_iter().filter(|name| !is_exported(name)) {
        let name = &name[..name.len().min(LONGEST)];
        let text = symbol::readable(&String::from_utf8_lossy(name)).text;
        // Twice the place in a set that grows, and the text.
        let takes = 2 * size_of::<(bool, String)>() + text.len();
        let Some(left) = room.checked_sub(takes) else { break };
        room = left;
        missing.insert((is_standard(&text), text.into_boxed_str().into_string()));
    }
    Ok(missing.into_iter().map(|(_, name)| name).collect())
}

/// What is longer is cut.
const LONGEST: usize = 8 * 1024;

fn is_standard(name: &str) -> bool {
    ["std::", "core::", "alloc::", "__rust"].iter().any(|standard| name.contains(standard))
}

/// The names that an image leaves open and that no versioned library has promised to the linker.
fn needed<'data, H, R>(data: R) -> object::read::Result<Vec<&'data [u8]>>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let file: ElfFile<'data, H, R> = ElfFile::parse(data)?;
    let endian = file.endian();
    let versions = file.elf_header().sections(endian, data)?.versions(endian, data)?;
    let symbols = file.elf_dynamic_symbol_table();
    // A linker may list symbols that nothing refers to; nobody looks for them at load either.
    let referred: BTreeSet<usize> = file
        .dynamic_relocations()
        .into_iter()
        .flatten()
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
    Ok(names)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::Command;

    const SOURCE: &str = "
extern \"C\" { fn liveswap_test_absent() -> i32; }
#[no_mangle]
pub extern \"C\" fn ask() -> usize { unsafe { liveswap_test_absent() as usize + ask as usize } }
";

    #[test]
    fn what_is_left_open_is_named_unless_somebody_gives_it() {
        let directory = tempfile::tempdir().unwrap();
        let (code, library) = (directory.path().join("open.rs"), directory.path().join("open.so"));
        std::fs::write(&code, SOURCE).unwrap();
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let status = Command::new(rustc)
            .args(["--edition=2021", "--crate-type=cdylib", "-Cpanic=abort", "-o"])
            .args([&library, &code])
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(missing(&library, |_| false).unwrap(), ["liveswap_test_absent"]);
        assert_eq!(missing(&library, |name| name == b"liveswap_test_absent").unwrap(), [""; 0]);
        assert!(matches!(missing(&code, |_| true), Err(ManifestError::Image(_))));
    }
}
