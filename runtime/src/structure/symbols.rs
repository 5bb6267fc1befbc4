//! Symbols, and the tables by which the loader finds them: hashes of their names, and versions.

use std::collections::BTreeSet;

use object::Endianness;
use object::elf::{self, GnuHashHeader, Sym64, Verdaux, Verdef, Vernaux, Verneed};
use object::pod::{self, Pod};
use object::read::ReadRef;
use object::read::elf::Sym;

use super::dynamic::{Tables, name_at};
use super::segments::Section;
use super::{Image, Result, unsound};

/// More versions than that, no library has and none needs.
const MOST_VERSIONS: usize = 4096;

/// How far the number of a version may be beyond how many there are; linkers count them without a gap.
const VERSION_GAP: u16 = 64;

/// The bits of a version that number it.
const VERSION: u16 = elf::VERSYM_VERSION;

/// The symbols, each of which was followed.
pub(super) struct Symbols<'data> {
    all: &'data [Sym64<Endianness>],
    endian: Endianness,
}

impl Symbols<'_> {
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn is_thread_local(&self, index: u32) -> bool {
        self.all.get(index as usize).is_some_and(|symbol| symbol.st_type() == elf::STT_TLS)
    }

    pub(super) fn is_defined(&self, index: u32) -> bool {
        let symbol = self.all.get(index as usize);
        symbol.is_some_and(|symbol| symbol.st_shndx(self.endian) != elf::SHN_UNDEF)
    }
}

pub(super) fn read<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    tables: &Tables<'_, 'data>,
) -> Result<Symbols<'data>> {
    let symbols = Symbols { all: image.entries(tables.symbols)?, endian: image.endian };
    for (index, symbol) in symbols.all.iter().enumerate().skip(1) {
        check(image, tables, symbol).map_err(|why| unsound(format!("symbol {index} {why}")))?;
    }
    if let Some(section) = tables.gnu_hash {
        gnu_hash(image, tables, &symbols, section)?;
    }
    if let Some(section) = tables.hash {
        hash(image, &symbols, section)?;
    }
    versions(image, tables, &symbols)?;
    Ok(symbols)
}

fn check<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    tables: &Tables<'_, 'data>,
    symbol: &Sym64<Endianness>,
) -> std::result::Result<(), &'static str> {
    let endian = image.endian;
    // The table ends with the end of a name.
    if symbol.st_name(endian) as usize >= tables.strings.len() {
        return Err("has its name behind the table of names");
    }
    let (kind, value) = (symbol.st_type(), symbol.st_value(endian));
    let section = symbol.st_shndx(endian);
    if section == elf::SHN_UNDEF {
        // Anything else would be taken for its own definition.
        let is_open = matches!(symbol.st_bind(), elf::STB_GLOBAL | elf::STB_WEAK)
            && symbol.st_visibility() == elf::STV_DEFAULT
            && value == 0;
        return if is_open { Ok(()) } else { Err("is nowhere and can be nobody else's") };
    }
    if section == elf::SHN_ABS {
        return Ok(());
    }
    let section = image.sections.get(usize::from(section.0)).ok_or("is in no section")?;
    if !section.is_allocated() {
        // The compiler's own metadata, which nobody asks the loader for.
        return if kind == elf::STT_OBJECT {
            Ok(())
        } else {
            Err("is in a section that is not mapped")
        };
    }
    let is_inside = (section.address..=section.end()).contains(&value);
    match kind {
        elf::STT_TLS if value <= image.segments.thread_local_size() => Ok(()),
        elf::STT_FUNC | elf::STT_GNU_IFUNC if is_inside && section.has(elf::SHF_EXECINSTR) => {
            Ok(())
        }
        elf::STT_OBJECT | elf::STT_SECTION if is_inside => Ok(()),
        // Names of the linker's own for where things begin and end.
        elf::STT_NOTYPE if image.segments.span(value) => Ok(()),
        _ => Err("is not where its section is"),
    }
}

/// Words of a section, as many as there are.
fn words<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    section: &Section<'data>,
) -> Result<impl Fn(u64) -> Option<u32> + use<'data, R>> {
    let bytes = image.bytes(section)?;
    let is_big = cfg!(target_endian = "big");
    Ok(move |index: u64| {
        let at = usize::try_from(index.checked_mul(4)?).ok()?;
        let word = bytes.get(at..)?.first_chunk::<4>()?;
        Some(if is_big { u32::from_be_bytes(*word) } else { u32::from_le_bytes(*word) })
    })
}

/// Every chain has an end, leads only to symbols, and to symbols whose names have these hashes.
fn gnu_hash<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    tables: &Tables<'_, 'data>,
    symbols: &Symbols<'_>,
    section: &Section<'data>,
) -> Result<()> {
    let wrong = |why: &str| unsound(format!("{section} {why}"));
    let cut = || wrong("is too short");
    let bytes = image.bytes(section)?;
    let (header, _) = pod::from_bytes::<GnuHashHeader<Endianness>>(bytes).map_err(|()| cut())?;
    let endian = image.endian;
    let (buckets, base) = (header.bucket_count.get(endian), header.symbol_base.get(endian));
    let (blooms, shift) = (header.bloom_count.get(endian), header.bloom_shift.get(endian));
    if !blooms.is_power_of_two() || shift >= 32 {
        return Err(wrong("has a filter that the loader does not understand"));
    }
    let count = symbols.count() as u64;
    let exported =
        count.checked_sub(base.into()).ok_or_else(|| wrong("begins behind the symbols"))?;
    let word = words(image, section)?;
    let first_bucket = 4 + u64::from(blooms) * 2;
    let first_chain = first_bucket + u64::from(buckets);
    if (first_chain + exported) * 4 > section.size || exported > 0 && buckets == 0 {
        return Err(cut());
    }
    for index in 0..count {
        let is_found = index >= base.into();
        let number = index as usize;
        let is_local = symbols.all[number].st_bind() == elf::STB_LOCAL;
        if index > 0 && !is_local && is_found != symbols.is_defined(index as u32) {
            return Err(wrong("has symbols that are nowhere, or lacks some that are there"));
        }
    }
    let mut seen = 0;
    // Names may share their ends, but not so many that hashing them takes for ever.
    let mut left = tables.strings.len().saturating_mul(16);
    for bucket in 0..u64::from(buckets) {
        let start = u64::from(word(first_bucket + bucket).ok_or_else(cut)?);
        if start == 0 {
            continue;
        }
        let mut index = start;
        loop {
            let chain = index.checked_sub(base.into()).filter(|_| index < count);
            let chain = chain.ok_or_else(|| wrong("leads to what is no symbol"))?;
            let stored = word(first_chain + chain).ok_or_else(cut)?;
            let symbol = &symbols.all[index as usize];
            let name = name_at(tables.strings, symbol.st_name(endian).into()).unwrap_or_default();
            let shared = || wrong("has names that share too much");
            left = left.checked_sub(name.len()).ok_or_else(shared)?;
            let hash = elf::gnu_hash(name);
            if hash | 1 != stored | 1 || u64::from(hash % buckets) != bucket {
                return Err(wrong("has another hash than that of a symbol's name"));
            }
            let filter = u64::from((hash / 64) & (blooms - 1)) * 2 + 4;
            let low = u64::from(word(filter).ok_or_else(cut)?);
            let high = u64::from(word(filter + 1).ok_or_else(cut)?);
            let bits =
                if cfg!(target_endian = "big") { low << 32 | high } else { high << 32 | low };
            if bits >> (hash % 64) & bits >> ((hash >> shift) % 64) & 1 == 0 {
                return Err(wrong("filters a symbol out"));
            }
            seen += 1;
            index += 1;
            if stored & 1 != 0 {
                break;
            }
            if seen > exported {
                return Err(wrong("leads to one symbol twice"));
            }
        }
    }
    if seen == exported { Ok(()) } else { Err(wrong("does not lead to every symbol once")) }
}

/// The old table, whose chains could go round for ever.
fn hash<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    symbols: &Symbols<'_>,
    section: &Section<'data>,
) -> Result<()> {
    let word = words(image, section)?;
    let wrong = || unsound(format!("{section} leads to what is no symbol, or never ends"));
    let (buckets, chains) = (word(0).ok_or_else(wrong)?, word(1).ok_or_else(wrong)?);
    let (buckets, chains) = (u64::from(buckets), u64::from(chains));
    if buckets == 0 || chains != symbols.count() as u64 || (2 + buckets + chains) * 4 > section.size
    {
        return Err(wrong());
    }
    let mut steps = 0;
    for bucket in 0..buckets {
        let mut index = u64::from(word(2 + bucket).ok_or_else(wrong)?);
        while index != 0 {
            steps += 1;
            if index >= chains || steps > chains {
                return Err(wrong());
            }
            index = word(2 + buckets + index).ok_or_else(wrong)?.into();
        }
    }
    Ok(())
}

/// Every version that a symbol has is one that is declared, by a library that is needed.
fn versions<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    tables: &Tables<'_, 'data>,
    symbols: &Symbols<'_>,
) -> Result<()> {
    let endian = image.endian;
    let mut known = BTreeSet::from([0, 1]);
    let mut left = MOST_VERSIONS;
    let name = |at: u32| {
        name_at(tables.strings, at.into()).ok_or_else(|| unsound("a version has no name"))
    };
    let wrong = |section: &Section<'_>| unsound(format!("{section} leads to what is no version"));
    if let Some(section) = tables.needed_versions {
        let bytes = image.bytes(section)?;
        let mut at = 0;
        for number in 0..section.info {
            left = left.checked_sub(1).ok_or_else(|| wrong(section))?;
            let need: &Verneed<Endianness> = read_at(bytes, at).ok_or_else(|| wrong(section))?;
            let library = name(need.vn_file.get(endian))?;
            if need.vn_version.get(endian) != elf::VER_NEED_CURRENT
                || !tables.needed.contains(&library)
            {
                return Err(wrong(section));
            }
            let mut inner = step(at, need.vn_aux.get(endian)).ok_or_else(|| wrong(section))?;
            let count = need.vn_cnt.get(endian);
            for version in 0..count {
                left = left.checked_sub(1).ok_or_else(|| wrong(section))?;
                let one: &Vernaux<Endianness> =
                    read_at(bytes, inner).ok_or_else(|| wrong(section))?;
                let text = name(one.vna_name.get(endian))?;
                if elf::hash(text) != one.vna_hash.get(endian) {
                    return Err(wrong(section));
                }
                known.insert(one.vna_other.get(endian).0 & VERSION);
                inner = follow(inner, one.vna_next.get(endian), version + 1 == count)
                    .ok_or_else(|| wrong(section))?;
            }
            at = follow(at, need.vn_next.get(endian), number + 1 == section.info)
                .ok_or_else(|| wrong(section))?;
        }
    }
    if let Some(section) = tables.defined_versions {
        let bytes = image.bytes(section)?;
        let mut at = 0;
        for number in 0..section.info {
            left = left.checked_sub(1).ok_or_else(|| wrong(section))?;
            let def: &Verdef<Endianness> = read_at(bytes, at).ok_or_else(|| wrong(section))?;
            if def.vd_version.get(endian) != elf::VER_DEF_CURRENT || def.vd_cnt.get(endian) == 0 {
                return Err(wrong(section));
            }
            let inner = step(at, def.vd_aux.get(endian)).ok_or_else(|| wrong(section))?;
            let aux: &Verdaux<Endianness> = read_at(bytes, inner).ok_or_else(|| wrong(section))?;
            if elf::hash(name(aux.vda_name.get(endian))?) != def.vd_hash.get(endian) {
                return Err(wrong(section));
            }
            known.insert(def.vd_ndx.get(endian).0 & VERSION);
            at = follow(at, def.vd_next.get(endian), number + 1 == section.info)
                .ok_or_else(|| wrong(section))?;
        }
    }
    // Whoever keeps them by number needs room for the highest.
    let highest = known.last().copied().unwrap_or_default();
    if usize::from(highest.saturating_sub(VERSION_GAP)) > known.len() {
        return Err(unsound(format!("version {highest} is one of only {}", known.len())));
    }
    let Some(section) = tables.versions else {
        return if known.len() == 2 {
            Ok(())
        } else {
            Err(unsound("its symbols have no versions"))
        };
    };
    let of_symbols: &[elf::Versym<Endianness>] = image.entries(section)?;
    let is_known = |one: &elf::Versym<Endianness>| known.contains(&(one.0.get(endian).index().0));
    if of_symbols.len() != symbols.count() || !of_symbols.iter().all(is_known) {
        return Err(wrong(section));
    }
    Ok(())
}

fn read_at<T: Pod>(bytes: &[u8], at: usize) -> Option<&T> {
    Some(pod::from_bytes(bytes.get(at..)?).ok()?.0)
}

fn step(at: usize, by: u32) -> Option<usize> {
    at.checked_add(usize::try_from(by).ok()?)
}

/// The next entry of a list, which has a next one until the last.
fn follow(at: usize, by: u32, is_last: bool) -> Option<usize> {
    if is_last == (by == 0) { step(at, by) } else { None }
}
