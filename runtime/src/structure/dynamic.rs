//! The dynamic section: where the loader finds everything else.

use std::collections::BTreeMap;

use object::Endianness;
use object::elf::{self, Dyn64, DynamicTag, SectionType};
use object::read::ReadRef;
use object::read::elf::Dyn;

use super::segments::{Access, Section};
use super::{Image, Result, unsound};

/// The tables that the dynamic section points to, each of them whole and inside its segment.
pub(super) struct Tables<'a, 'data> {
    pub(super) strings: &'data [u8],
    pub(super) symbols: &'a Section<'data>,
    pub(super) gnu_hash: Option<&'a Section<'data>>,
    pub(super) hash: Option<&'a Section<'data>>,
    pub(super) versions: Option<&'a Section<'data>>,
    pub(super) needed_versions: Option<&'a Section<'data>>,
    pub(super) defined_versions: Option<&'a Section<'data>>,
    pub(super) relocations: Vec<&'a Section<'data>>,
    pub(super) packed: Option<&'a Section<'data>>,
    /// Slots for functions that the loader calls, each of which a relocation fills in.
    pub(super) called: Vec<&'a Section<'data>>,
    /// How many relocations come first that only add where the library is.
    pub(super) relative: u64,
    /// Libraries that it needs, by name.
    pub(super) needed: Vec<&'data [u8]>,
}

/// A tag for a place, that for its size, and the kind of section that is there.
const PLACES: &[(DynamicTag, Option<DynamicTag>, SectionType, &str)] = &[
    (elf::DT_SYMTAB, None, elf::SHT_DYNSYM, "symbols"),
    (elf::DT_HASH, None, elf::SHT_HASH, "hashes"),
    (elf::DT_GNU_HASH, None, elf::SHT_GNU_HASH, "hashes"),
    (elf::DT_VERSYM, None, elf::SHT_GNU_VERSYM, "versions of symbols"),
    (elf::DT_VERNEED, None, elf::SHT_GNU_VERNEED, "versions that it needs"),
    (elf::DT_VERDEF, None, elf::SHT_GNU_VERDEF, "versions that it has"),
    (elf::DT_INIT_ARRAY, Some(elf::DT_INIT_ARRAYSZ), elf::SHT_INIT_ARRAY, "initializers"),
    (elf::DT_FINI_ARRAY, Some(elf::DT_FINI_ARRAYSZ), elf::SHT_FINI_ARRAY, "finalizers"),
    (elf::DT_RELR, Some(elf::DT_RELRSZ), elf::SHT_RELR, "packed relocations"),
];

/// What must be said of the size of an entry, where it is said at all.
const SIZES: &[(DynamicTag, u64)] = &[
    (elf::DT_SYMENT, 24),
    (elf::DT_RELAENT, 24),
    (elf::DT_RELRENT, 8),
    (elf::DT_PLTREL, elf::DT_RELA.0 as u64),
];

/// Tags whose value is the place of a name.
const NAMES: &[DynamicTag] = &[
    elf::DT_NEEDED,
    elf::DT_SONAME,
    elf::DT_RPATH,
    elf::DT_RUNPATH,
    elf::DT_AUXILIARY,
    elf::DT_FILTER,
];

/// More than that, nobody needs.
const MOST_ENTRIES: usize = 1024;

/// Tags that may come more than once.
const REPEATED: &[DynamicTag] = &[elf::DT_NEEDED, elf::DT_AUXILIARY, elf::DT_FILTER];

/// Tags of tables that no 64-bit library has, or only programs.
const FOREIGN: &[DynamicTag] =
    &[elf::DT_REL, elf::DT_RELSZ, elf::DT_RELENT, elf::DT_PREINIT_ARRAY, elf::DT_PREINIT_ARRAYSZ];

pub(super) fn read<'a, 'data, R: ReadRef<'data>>(
    image: &'a Image<'data, R>,
) -> Result<Tables<'a, 'data>> {
    let section =
        image.section(elf::SHT_DYNAMIC)?.ok_or_else(|| unsound("it has no dynamic section"))?;
    let (values, names) = entries(image, section)?;
    let value = |tag: DynamicTag| values.get(&tag).copied();
    for (tag, expected) in SIZES {
        if value(*tag).is_some_and(|found| found != *expected) {
            return Err(unsound(format!(
                "entries of one of its tables have a wrong size (tag {tag:#x})"
            )));
        }
    }
    if let Some(tag) = FOREIGN.iter().find(|tag| values.contains_key(tag)) {
        return Err(unsound(format!(
            "its dynamic section has the tag {tag:#x}, which is for others"
        )));
    }
    for (place, size, kind, what) in PLACES {
        let section = image.section(*kind)?;
        let is_right = value(*place) == section.map(|one| one.address)
            && size.is_none_or(|size| value(size) == section.map(|one| one.size));
        // A table without entries may be named all the same.
        if !is_right && (section.is_some() || size.and_then(value) != Some(0)) {
            return Err(unsound(format!(
                "its dynamic section does not lead to its table of {what}"
            )));
        }
    }
    let symbols = image.section(elf::SHT_DYNSYM)?.ok_or_else(|| unsound("it has no symbols"))?;
    let strings =
        image.sections.get(symbols.link as usize).filter(|one| one.kind == elf::SHT_STRTAB);
    let strings = strings
        .filter(|one| {
            value(elf::DT_STRTAB) == Some(one.address) && value(elf::DT_STRSZ) == Some(one.size)
        })
        .ok_or_else(|| unsound("its dynamic section does not lead to its table of names"))?;
    let strings = image.bytes(strings)?;
    if strings.last() != Some(&0) {
        return Err(unsound("its table of names has no end"));
    }
    let mut needed = Vec::new();
    for (tag, at) in names {
        let name =
            name_at(strings, at).ok_or_else(|| unsound("a name is behind the table of names"))?;
        if tag == elf::DT_NEEDED {
            needed.push(name);
        }
    }
    for (tag, name) in [(elf::DT_INIT, b".init".as_slice()), (elf::DT_FINI, b".fini")] {
        let Some(address) = value(tag) else { continue };
        let is_right = image.named(name).is_none_or(|section| section.address == address)
            && image.segments.hold(address, 1, Access::Execute);
        if !is_right {
            return Err(unsound(format!(
                "what it calls first or last is no function (tag {tag:#x})"
            )));
        }
    }
    if value(elf::DT_PLTGOT).is_some_and(|at| !image.segments.hold(at, 24, Access::Read)) {
        return Err(unsound("its table of addresses is nowhere"));
    }
    let counts =
        [(elf::DT_VERNEEDNUM, elf::SHT_GNU_VERNEED), (elf::DT_VERDEFNUM, elf::SHT_GNU_VERDEF)];
    for (tag, kind) in counts {
        if value(tag) != image.section(kind)?.map(|section| section.info.into()) {
            return Err(unsound("it has another number of versions than it says"));
        }
    }
    let called = [elf::SHT_INIT_ARRAY, elf::SHT_FINI_ARRAY].map(|kind| image.section(kind));
    Ok(Tables {
        strings,
        symbols,
        gnu_hash: image.section(elf::SHT_GNU_HASH)?,
        hash: image.section(elf::SHT_HASH)?,
        versions: image.section(elf::SHT_GNU_VERSYM)?,
        needed_versions: image.section(elf::SHT_GNU_VERNEED)?,
        defined_versions: image.section(elf::SHT_GNU_VERDEF)?,
        relocations: relocations(image, &value)?,
        packed: image.section(elf::SHT_RELR)?,
        called: called.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect(),
        relative: value(elf::DT_RELACOUNT).unwrap_or(0),
        needed,
    })
}

type Entries = (BTreeMap<DynamicTag, u64>, Vec<(DynamicTag, u64)>);

/// The entries before the last, each tag once, and those that are names.
fn entries<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    section: &Section<'data>,
) -> Result<Entries> {
    let entries: &[Dyn64<Endianness>] = image.entries(section)?;
    if entries.len() > MOST_ENTRIES {
        return Err(unsound("its dynamic section is larger than any linker makes it"));
    }
    let (mut values, mut names) = (BTreeMap::new(), Vec::new());
    let mut is_closed = false;
    for entry in entries {
        let (tag, value) = (entry.d_tag(image.endian), entry.d_val(image.endian));
        if tag == elf::DT_NULL {
            is_closed = true;
            break;
        }
        if NAMES.contains(&tag) {
            names.push((tag, value));
        }
        if values.insert(tag, value).is_some() && !REPEATED.contains(&tag) {
            return Err(unsound(format!("its dynamic section has the tag {tag:#x} twice")));
        }
    }
    if is_closed { Ok((values, names)) } else { Err(unsound("its dynamic section has no end")) }
}

/// The sections with relocations, which are in the two tables that the loader works through, and all of them.
fn relocations<'a, 'data, R: ReadRef<'data>>(
    image: &'a Image<'data, R>,
    value: &impl Fn(DynamicTag) -> Option<u64>,
) -> Result<Vec<&'a Section<'data>>> {
    let mut tables = Vec::new();
    for (place, size) in [(elf::DT_RELA, elf::DT_RELASZ), (elf::DT_JMPREL, elf::DT_PLTRELSZ)] {
        match (value(place), value(size)) {
            (Some(start), Some(size)) => tables.push((start, start.saturating_add(size))),
            (None, None) | (None, Some(0)) => {}
            _ => return Err(unsound("a table of relocations has no place or no size")),
        }
    }
    let is_table =
        |one: &&Section<'data>| one.kind == elf::SHT_RELA && one.is_allocated() && one.size > 0;
    let sections: Vec<_> = image.sections.iter().filter(is_table).collect();
    let is_covered = |one: &&Section<'data>| {
        tables.iter().any(|(start, end)| *start <= one.address && one.end() <= *end)
    };
    let is_edge =
        |at: u64, edge: fn(&Section<'data>) -> u64| sections.iter().any(|one| edge(one) == at);
    let is_made_of_sections = tables
        .iter()
        .filter(|(start, end)| start != end)
        .all(|(start, end)| is_edge(*start, |one| one.address) && is_edge(*end, Section::end));
    if !is_made_of_sections || !sections.iter().all(is_covered) {
        return Err(unsound("its dynamic section does not lead to its relocations"));
    }
    Ok(sections)
}

/// The name that begins at `at`.
pub(super) fn name_at(strings: &[u8], at: u64) -> Option<&[u8]> {
    let rest = strings.get(usize::try_from(at).ok()?..)?;
    rest.split(|byte| *byte == 0).next().filter(|name| name.len() < rest.len())
}
