//! What of a library runs while it is loaded, before anybody has called any of it.
//!
//! Every library has initializers that compiler, linker and standard library put there, which do nothing that could fail. Those of
//! somebody else's, as the crate `ctor` makes them, are ordinary code. Where one panics, nobody can catch it: the loader is
//! not made for being left by a panic, and a function that is `extern "C"` ends the process. So who they are is known
//! before the library is loaded.
//!
//! Functions that choose others (`STT_GNU_IFUNC`, `IRELATIVE`) run even earlier, before the library's addresses are all in
//! place. The compiler makes none; C code can have some. One bit makes one of any function.
//!
//! Only images in ELF's 64-bit format are looked into.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;

use object::elf::{
    DT_INIT, R_AARCH64_IRELATIVE, R_X86_64_IRELATIVE, SHT_INIT_ARRAY, STT_GNU_IFUNC,
};
use object::read::elf::{Dyn, ElfFile64, SectionHeader, Sym};
use object::read::{ReadCache, ReadRef, RelocationTarget};
use object::{
    Endianness, Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationFlags, SymbolKind,
};

/// Initializers that are in libraries of every kind, by their names or a part of them.
const USUAL: &[&str] = &[
    // Of the C compiler's start-up objects and support libraries.
    "frame_dummy",
    "__do_init",
    "init_have_lse_atomics",
    "__cpu_indicator_init",
    "__morestack_load_mmap",
    "__stack_split_initialize",
    // Of the standard library: it keeps the program's arguments.
    "::ARGV_INIT_ARRAY::",
];

/// More than these are not named.
const NAMED: usize = 3;

/// What runs while a library is loaded, by name, besides what is in every library.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Initializers {
    /// Functions that the loader calls when the library is in place.
    pub(crate) called: BTreeSet<String>,
    /// Functions that it calls before, to learn the addresses of others.
    pub(crate) choosing: BTreeSet<String>,
}

impl Initializers {
    /// Whether nothing runs but what is in every library.
    pub(crate) fn is_empty(&self) -> bool {
        self.called.is_empty() && self.choosing.is_empty()
    }

    /// The functions in words, or the first of them.
    pub(crate) fn names(&self) -> String {
        let all: Vec<&String> = self.called.union(&self.choosing).collect();
        let named: Vec<String> = all.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
        match all.len().saturating_sub(NAMED) {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }
}

/// How loading a library in a copy of the process ended.
#[derive(Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no copy is made"))]
pub(crate) enum Trial {
    /// It can be loaded, or the loader itself will say why not.
    Passed,
    /// It panicked: where, and the message.
    Panicked(String),
    /// It ended the process: how, and what it said last.
    Ended(String),
    /// It did not come to an end.
    Late,
    /// There was no copy to try it in.
    Impossible(io::Error),
}

/// Looks for them in a library whose structure is sound.
///
/// # Errors
///
/// In `object`'s words, where its tables cannot be read.
pub(crate) fn of_file(file: &File) -> object::read::Result<Initializers> {
    let cache = ReadCache::new(file);
    match object::FileKind::parse(&cache)? {
        object::FileKind::Elf64 => of(&cache),
        _ => Ok(Initializers::default()),
    }
}

fn of<'data, R: ReadRef<'data>>(data: R) -> object::read::Result<Initializers> {
    let file: ElfFile64<'data, Endianness, R> = ElfFile64::parse(data)?;
    let mut found = Initializers::default();
    let mut called = in_arrays(&file)?;
    called.extend(before_arrays(&file)?);
    let choosing = choosing(&file);
    if called.is_empty() && choosing.is_empty() {
        return Ok(found);
    }
    let names = names(&file, &called.iter().chain(&choosing).copied().collect());
    let name = |address: u64| match names.get(&address) {
        Some(name) => name.clone(),
        None => format!("the function at {address:#x}"),
    };
    let is_usual = |name: &String| USUAL.iter().any(|usual| name.contains(usual));
    found.called = called.into_iter().map(&name).filter(|name| !is_usual(name)).collect();
    found.choosing = choosing.into_iter().map(name).collect();
    Ok(found)
}

/// The functions in the tables that the loader works through.
fn in_arrays<'data, R: ReadRef<'data>>(
    file: &ElfFile64<'data, Endianness, R>,
) -> object::read::Result<Vec<u64>> {
    let endian = file.endian();
    let arrays: Vec<_> = file
        .sections()
        .filter(|section| section.elf_section_header().sh_type(endian) == SHT_INIT_ARRAY)
        .collect();
    let mut at_places = BTreeMap::new();
    for (place, relocation) in file.dynamic_relocations().into_iter().flatten() {
        if !arrays.iter().any(|one| (one.address()..one.address() + one.size()).contains(&place)) {
            continue;
        }
        let base = match relocation.target() {
            RelocationTarget::Symbol(index) => {
                let table = file.dynamic_symbol_table();
                table
                    .and_then(|table| table.symbol_by_index(index).ok())
                    .map_or(0, |it| it.address())
            }
            _ => 0,
        };
        at_places.insert(place, base.wrapping_add_signed(relocation.addend()));
    }
    let mut functions = Vec::new();
    for array in &arrays {
        let words = array.data()?.chunks_exact(8);
        for (index, word) in (0_u64..).zip(words) {
            // Where relocations are packed, what is added to stands in the place itself.
            let packed = u64::from_ne_bytes(word.try_into().unwrap_or_default());
            let place = array.address() + index * 8;
            functions.push(at_places.get(&place).copied().unwrap_or(packed));
        }
    }
    Ok(functions)
}

/// The function that is called before those, unless it is the one that every library has.
fn before_arrays<'data, R: ReadRef<'data>>(
    file: &ElfFile64<'data, Endianness, R>,
) -> object::read::Result<Option<u64>> {
    let endian = file.endian();
    let table = file.elf_section_table().dynamic(endian, file.data())?;
    let entries = table.into_iter().flat_map(|(entries, _)| entries);
    let first = entries.into_iter().find(|entry| entry.d_tag(endian) == DT_INIT);
    let usual = file.section_by_name(".init").map(|section| section.address());
    Ok(first.map(|entry| entry.d_val(endian)).filter(|address| Some(*address) != usual))
}

/// What is chosen at load, which few libraries have anything of.
fn choosing<'data, R: ReadRef<'data>>(file: &ElfFile64<'data, Endianness, R>) -> BTreeSet<u64> {
    let endian = file.endian();
    let symbols = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition() && symbol.elf_symbol().st_type() == STT_GNU_IFUNC);
    let relocations = file.dynamic_relocations().into_iter().flatten();
    let relocations = relocations.filter(|(_, relocation)| {
        let RelocationFlags::Elf { r_type } = relocation.flags() else { return false };
        (cfg!(target_arch = "x86_64") && r_type == R_X86_64_IRELATIVE)
            || (cfg!(target_arch = "aarch64") && r_type == R_AARCH64_IRELATIVE)
    });
    let symbols: Vec<u64> = symbols.map(|symbol| symbol.elf_symbol().st_value(endian)).collect();
    let relocations = relocations.map(|(_, relocation)| relocation.addend().cast_unsigned());
    symbols.into_iter().chain(relocations).collect()
}

/// The functions at these addresses, with their names as a person writes them. A library has thousands of others, whose names
/// would take longer than all the rest of its verification.
fn names<'data, R: ReadRef<'data>>(
    file: &ElfFile64<'data, Endianness, R>,
    wanted: &BTreeSet<u64>,
) -> BTreeMap<u64, String> {
    let symbols = file.dynamic_symbols().chain(file.symbols());
    symbols
        .filter(|symbol| wanted.contains(&symbol.address()))
        .filter(|symbol| symbol.is_definition() && symbol.kind() == SymbolKind::Text)
        .filter_map(|symbol| {
            let name = symbol.name().ok()?;
            Some((symbol.address(), format!("{:#}", rustc_demangle::demangle(name))))
        })
        .collect()
}

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests;
