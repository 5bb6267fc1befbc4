//! What files say of who calls whom: the symbols that an artifact leaves open, and the variables of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use object::elf::{FileHeader64, STB_WEAK};
use object::read::elf::{ElfFile, FileHeader, Sym};
use object::read::{ReadCache, ReadRef, RelocationTarget, SymbolIndex};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};
use tracing::callsite::DefaultCallsite;

/// What the macros of `tracing` call the static of a callsite.
const CALLSITE: &[u8] = b"__CALLSITE";

/// A symbol that an artifact leaves open.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    pub(super) name: String,
    /// The library that promised it to the linker.
    pub(super) library: Option<String>,
}

/// One writable variable of each crate that has any.
pub(super) type Variables = BTreeMap<String, String>;

pub(super) fn read<T>(
    path: &Path,
    parse: impl FnOnce(&ReadCache<File>) -> Result<T, String>,
) -> Result<T, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    parse(&ReadCache::new(file))
}

pub(super) fn of_artifact<'data, R: ReadRef<'data>>(
    data: R,
) -> Result<(BTreeSet<Import>, usize), String> {
    let callsites = callsites(data).map_err(|error| error.to_string())?;
    Ok((imports(data)?, callsites))
}

pub(super) fn imports<'data, R: ReadRef<'data>>(data: R) -> Result<BTreeSet<Import>, String> {
    // Names may share their ends, but those of a linker are not longer together than the file.
    let mut room = data.len().map_or(0, |len| usize::try_from(len).unwrap_or(usize::MAX)) / 2;
    let mut imports = BTreeSet::new();
    for import in open_symbols(data).map_err(|error| error.to_string())? {
        let (name, library) = import.map_err(|error| error.to_string())?;
        // Twice the place in a set that grows, and the texts, in which a byte may become three.
        let texts = name.len() + library.map_or(0, <[u8]>::len);
        room = room
            .checked_sub(2 * size_of::<Import>() + texts)
            .ok_or("the names of what it calls are longer than the file")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        imports.insert(Import { name: text(name), library: library.map(text) });
    }
    Ok(imports)
}

/// A name, and the library that promised it to the linker.
type Open<'data> = (&'data [u8], Option<&'data [u8]>);

/// The symbols that somebody else has to give, each once.
fn open_symbols<'data, R: ReadRef<'data>>(
    data: R,
) -> object::read::Result<impl Iterator<Item = object::read::Result<Open<'data>>>> {
    let file: ElfFile<'_, FileHeader64<Endianness>, _> = ElfFile::parse(data)?;
    let endian = file.endian();
    let versions = file.elf_header().sections(endian, data)?.versions(endian, data)?;
    let referred = file.dynamic_relocations().into_iter().flatten();
    let referred: BTreeSet<usize> = referred
        .filter_map(|(_, relocation)| match relocation.target() {
            RelocationTarget::Symbol(index) => Some(index.0),
            _ => None,
        })
        .collect();
    let open = move |index| {
        let symbols = file.elf_dynamic_symbol_table();
        let symbol = symbols.symbol(index)?;
        let name = symbols.symbol_name(endian, symbol)?;
        // Weak and absent are the hooks of profilers and transactions.
        let weak = symbol.st_bind() == STB_WEAK
            && (name.starts_with(b"_ITM_") || name == b"__cxa_finalize");
        if !symbol.is_undefined(endian) || name.is_empty() || weak {
            return Ok(None);
        }
        let version = match &versions {
            Some(versions) => versions.version(versions.version_index(endian, index).index())?,
            None => None,
        };
        Ok(Some((name, version.and_then(|version| version.file()))))
    };
    Ok(referred.into_iter().map(SymbolIndex).filter_map(move |index| open(index).transpose()))
}

/// How many statics of the artifact are called as the macros of `tracing` call a callsite.
fn callsites<'data, R: ReadRef<'data>>(data: R) -> object::read::Result<usize> {
    let file: ElfFile<'_, FileHeader64<Endianness>, _> = ElfFile::parse(data)?;
    let named = |name: &[u8]| name.windows(CALLSITE.len()).any(|part| part == CALLSITE);
    let callsites = file.symbols().filter(|symbol| {
        symbol.is_definition()
            && symbol.kind() == SymbolKind::Data
            && symbol.name_bytes().is_ok_and(named)
            && symbol.size() == size_of::<DefaultCallsite>() as u64
    });
    Ok(callsites.count())
}

pub(super) fn of_program(data: &ReadCache<File>) -> Result<Variables, String> {
    variables(data).map_err(|error| error.to_string())
}

fn variables(data: &ReadCache<File>) -> object::read::Result<Variables> {
    let file: ElfFile<'_, FileHeader64<Endianness>, _> = ElfFile::parse(data)?;
    let writable: BTreeSet<usize> = file
        .sections()
        .filter(|section| {
            let constant = section.name().is_ok_and(|name| name.starts_with(".data.rel.ro"));
            !constant
                && matches!(
                    section.kind(),
                    SectionKind::Data
                        | SectionKind::UninitializedData
                        | SectionKind::Tls
                        | SectionKind::UninitializedTls
                )
        })
        .map(|section| section.index().0)
        .collect();
    let mut variables = Variables::new();
    for symbol in file.symbols() {
        if !symbol.section_index().is_some_and(|section| writable.contains(&section.0)) {
            continue;
        }
        let Ok(Ok(path)) = symbol.name().map(rustc_demangle::try_demangle) else { continue };
        let path = format!("{path:#}");
        for root in super::roots(&path) {
            variables.entry(root.to_owned()).or_insert_with(|| path.clone());
        }
    }
    Ok(variables)
}
