//! Relocations: where the loader writes, and what.

use object::elf::{self, Rela64, RelocationType};
use object::read::ReadRef;
use object::{Endianness, U64};

use super::dynamic::Tables;
use super::segments::{Access, Section};
use super::symbols::Symbols;
use super::{Image, Result, unsound};

/// What kinds of relocations do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Writes an address of the library.
    Relative,
    /// Calls a function of the library and writes what it returns.
    Call,
    /// Writes the address of a symbol.
    Symbol,
    /// Writes where a thread-local is.
    ThreadLocal,
    /// Nothing: space that a linker did not need.
    Nothing,
    /// Not known on this processor.
    Unknown,
}

fn does(kind: RelocationType) -> Does {
    let known: &[(RelocationType, Does)] = if cfg!(target_arch = "x86_64") {
        &[
            (elf::R_X86_64_NONE, Does::Nothing),
            (elf::R_X86_64_RELATIVE, Does::Relative),
            (elf::R_X86_64_IRELATIVE, Does::Call),
            (elf::R_X86_64_64, Does::Symbol),
            (elf::R_X86_64_GLOB_DAT, Does::Symbol),
            (elf::R_X86_64_JUMP_SLOT, Does::Symbol),
            (elf::R_X86_64_DTPMOD64, Does::ThreadLocal),
            (elf::R_X86_64_DTPOFF64, Does::ThreadLocal),
            (elf::R_X86_64_TPOFF64, Does::ThreadLocal),
            (elf::R_X86_64_TLSDESC, Does::ThreadLocal),
        ]
    } else if cfg!(target_arch = "aarch64") {
        &[
            (elf::R_AARCH64_NONE, Does::Nothing),
            (elf::R_AARCH64_RELATIVE, Does::Relative),
            (elf::R_AARCH64_IRELATIVE, Does::Call),
            (elf::R_AARCH64_ABS64, Does::Symbol),
            (elf::R_AARCH64_GLOB_DAT, Does::Symbol),
            (elf::R_AARCH64_JUMP_SLOT, Does::Symbol),
            (elf::R_AARCH64_TLS_DTPMOD, Does::ThreadLocal),
            (elf::R_AARCH64_TLS_DTPREL, Does::ThreadLocal),
            (elf::R_AARCH64_TLS_TPREL, Does::ThreadLocal),
            (elf::R_AARCH64_TLSDESC, Does::ThreadLocal),
        ]
    } else {
        // What relocations mean on other processors is not written down here; where they write is checked all the same.
        return Does::Unknown;
    };
    // Of kinds that are not listed, none belongs into a finished library.
    known.iter().find(|(known, _)| *known == kind).map_or(Does::Unknown, |(_, does)| *does)
}

const IS_LISTED: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

pub(super) fn check<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    tables: &Tables<'_, 'data>,
    symbols: &Symbols<'_>,
) -> Result<()> {
    let mut places = Vec::new();
    let (mut relative, mut number) = (0, 0);
    for section in &tables.relocations {
        let entries: &[Rela64<Endianness>] = image.entries(section)?;
        // Tables that share their bytes would say more than the file has room for.
        if (places.len() + entries.len()) as u64 > image.size / 24 {
            return Err(unsound("it has more relocations than it has room for"));
        }
        places.reserve_exact(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let wrong = |why: &str| unsound(format!("relocation {index} of {section} {why}"));
            let kind = entry.r_type(image.endian, false);
            let symbol = entry.r_sym(image.endian, false);
            let addend = entry.r_addend.get(image.endian);
            let place = entry.r_offset.get(image.endian);
            let does = does(kind);
            // The loader adds to the first so many without asking what they are.
            if number == relative && does == Does::Relative {
                relative += 1;
            }
            number += 1;
            if does == Does::Nothing && (symbol, addend, place) == (0, 0, 0) {
                continue;
            }
            if symbol as usize >= symbols.count() {
                return Err(wrong("is for what is no symbol"));
            }
            let target = u64::try_from(addend).ok();
            let is_right = match does {
                Does::Relative => {
                    symbol == 0 && target.is_some_and(|target| image.segments.span(target))
                }
                Does::Call => {
                    symbol == 0
                        && target.is_some_and(|at| image.segments.hold(at, 1, Access::Execute))
                }
                Does::Symbol => symbol != 0 && !symbols.is_thread_local(symbol),
                Does::ThreadLocal => {
                    let is_own = symbol == 0 || symbols.is_defined(symbol);
                    (symbol == 0 || symbols.is_thread_local(symbol))
                        && (!is_own || image.segments.thread_local_size() > 0)
                }
                Does::Nothing => false,
                Does::Unknown => !IS_LISTED,
            };
            if !is_right {
                return Err(wrong("asks for what cannot be"));
            }
            places.push(place);
        }
    }
    if tables.relative > relative {
        return Err(unsound("it says that more relocations are plain than are"));
    }
    let words = places.len();
    if let Some(section) = tables.packed {
        packed(image, section, &mut places)?;
    }
    // What is thread-local can take two words; it is enough to know where each begins.
    if places.iter().any(|place| !image.segments.hold(*place, 8, Access::Write)) {
        return Err(unsound("a relocation is for a place that the loader cannot write to"));
    }
    places.sort_unstable();
    if let Some(twice) = places.windows(2).find(|pair| pair[1] - pair[0] < 8) {
        return Err(unsound(format!(
            "two of its {words} relocations are for one place, {:#x}",
            twice[1]
        )));
    }
    for section in &tables.called {
        let filled = section.address..section.end();
        let count = places.iter().filter(|place| filled.contains(place)).count() as u64;
        if count * 8 != section.size {
            return Err(unsound(format!("{section} has functions that are nowhere")));
        }
    }
    Ok(())
}

/// Relocations of which only the places are listed; what is added to is in those places.
fn packed<'data, R: ReadRef<'data>>(
    image: &Image<'data, R>,
    section: &Section<'data>,
    places: &mut Vec<u64>,
) -> Result<()> {
    // Each bit is a place, and each place has a word in the file: a list that says more would fill the memory.
    let room = usize::try_from(image.size / 16).unwrap_or(usize::MAX);
    let words: &[U64<Endianness>] = image.entries(section)?;
    let mut next = 0_u64;
    for word in words {
        let word = word.get(image.endian);
        // An even word is a place; an odd one says which of the 63 behind it are as well.
        let (first, bits, step) =
            if word & 1 == 0 { (word, 1, 8) } else { (next, word >> 1, 63 * 8) };
        for bit in (0..63).filter(|bit| bits >> bit & 1 != 0) {
            if places.len() >= room {
                return Err(unsound(format!("{section} lists more places than there are")));
            }
            places.push(first.saturating_add(bit * 8));
        }
        next = first.saturating_add(step);
    }
    Ok(())
}
