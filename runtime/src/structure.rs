//! Whether the system's loader can read a library without stumbling: every table, offset and index that it will follow.
//!
//! A loader trusts what it loads. An offset behind the end of a table, a chain of hashes without an end or a relocation
//! into nowhere is no error to it but a crash of the whole program. So at *verify*, before it sees the file, everything it
//! will follow in an ELF library is followed here:
//!
//! 1. The header is one of this processor's, and of a library, not of a program.
//! 2. Segments and sections, which say the same thing twice, say the same thing (`segments`).
//! 3. The dynamic section points to whole tables, to those that the sections name, and to all of them (`dynamic`).
//! 4. Symbols, their names, hashes and versions are inside those tables, and hashes are those of the names (`symbols`).
//! 5. Relocations write where the loader may write, no place twice, and what they write is an address of this library
//!    or of a symbol that is one (`relocations`).
//!
//! What is left is a pointer that was changed into another valid one, and what code and data say: no structure tells that
//! from what a linker wrote. For those an artifact can have a seal.
//!
//! Images of other formats than ELF, and of 32 bits, are only looked at as far as [`extent`](crate::watch::extent) does.

mod dynamic;
mod relocations;
mod segments;
mod symbols;

use std::fs::File;

use object::elf::{self, FileHeader64, Machine, SectionType};
use object::read::elf::FileHeader;
use object::read::{FileKind, ReadCache, ReadRef};
use object::{Endianness, pod::Pod};

use segments::{Section, Segments};

/// Why a loader would stumble over a library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsound(String);

/// More would let a small file ask for much memory.
const MOST_SEGMENTS: u16 = 64;
const MOST_SECTIONS: usize = 1024;

type Result<T> = std::result::Result<T, Unsound>;

/// Follows everything that the loader will follow in the library in `bytes`.
///
/// # Errors
///
/// [`Unsound`], which names the first thing that leads nowhere.
///
/// # Examples
///
/// ```
/// let error = liveswap::structure::of_bytes(b"no library at all").unwrap_err();
/// assert!(error.to_string().contains("cannot be read"));
/// ```
pub fn of_bytes(bytes: &[u8]) -> std::result::Result<(), Unsound> {
    of(bytes)
}

/// Like [`of_bytes`], for an open file, of which only tables are read.
///
/// # Errors
///
/// As [`of_bytes`].
pub fn of_file(file: &File) -> std::result::Result<(), Unsound> {
    of(&ReadCache::new(file))
}

fn of<'data, R: ReadRef<'data>>(data: R) -> Result<()> {
    let kind =
        FileKind::parse(data).map_err(|error| unsound(format!("it cannot be read: {error}")))?;
    let bits = usize::BITS;
    match (kind, bits) {
        (FileKind::Elf32, 64) | (FileKind::Elf64, 32) => Err(unsound(format!(
            "it is for another processor: it is a {}-bit image, this program is a {bits}-bit one",
            96 - bits
        ))),
        (FileKind::Elf64, _) => Image::parse(data)?.follow(),
        _ => Ok(()),
    }
}

/// A library's file, with what its headers say.
struct Image<'data, R> {
    data: R,
    /// How many bytes it has.
    size: u64,
    endian: Endianness,
    segments: Segments,
    sections: Vec<Section<'data>>,
}

impl<'data, R: ReadRef<'data>> Image<'data, R> {
    fn parse(data: R) -> Result<Self> {
        let malformed = |error| unsound(format!("its headers cannot be read: {error}"));
        let header = FileHeader64::<Endianness>::parse(data).map_err(malformed)?;
        let endian = header.endian().map_err(malformed)?;
        let machine = header.e_machine(endian);
        if let Some(own) = own_machine()
            && machine != own
        {
            return Err(unsound(format!(
                "it is for another processor: its machine is {machine}, this program's is {own}"
            )));
        }
        if endian != Endianness::default() {
            return Err(unsound("it is for a processor of the other byte order"));
        }
        if header.e_type(endian) != elf::ET_DYN {
            return Err(unsound("it is not a dynamic library by its own header"));
        }
        if usize::from(header.e_phentsize(endian)) != size_of::<elf::ProgramHeader64<Endianness>>()
        {
            return Err(unsound("its program headers have another size than they must have"));
        }
        if header.e_phnum(endian) > MOST_SEGMENTS {
            return Err(unsound("it has more segments than any linker makes"));
        }
        let segments =
            segments::read(header.program_headers(endian, data).map_err(malformed)?, endian)?;
        let table = header.sections(endian, data).map_err(malformed)?;
        if table.len() > MOST_SECTIONS {
            return Err(unsound("it has more sections than any linker makes"));
        }
        let sections = segments::sections(&table, endian);
        let size = data.len().map_err(|()| unsound("its length cannot be read"))?;
        Ok(Image { data, size, endian, segments, sections })
    }

    fn follow(&self) -> Result<()> {
        self.segments.check(&self.sections)?;
        let tables = dynamic::read(self)?;
        let symbols = symbols::read(self, &tables)?;
        relocations::check(self, &tables, &symbols)
    }

    /// The one section of a kind, unless it is empty.
    fn section(&self, kind: SectionType) -> Result<Option<&Section<'data>>> {
        let mut found =
            self.sections.iter().filter(|section| section.kind == kind && section.is_allocated());
        let first = found.next();
        match (first, found.next()) {
            (Some(first), Some(second)) => {
                Err(unsound(format!("{first} and {second} are of a kind that there is one of")))
            }
            _ => Ok(first.filter(|section| section.size > 0)),
        }
    }

    fn named(&self, name: &[u8]) -> Option<&Section<'data>> {
        self.sections.iter().find(|section| section.name == name && section.is_allocated())
    }

    /// The bytes of a section.
    fn bytes(&self, section: &Section<'_>) -> Result<&'data [u8]> {
        let bytes = self.data.read_bytes_at(section.offset, section.size);
        bytes.map_err(|()| unsound(format!("{section} is not in the file")))
    }

    /// The entries of a section, which are all of one size.
    fn entries<T: Pod>(&self, section: &Section<'_>) -> Result<&'data [T]> {
        let size = size_of::<T>() as u64;
        if !section.size.is_multiple_of(size) {
            return Err(unsound(format!("{section} does not end with the end of an entry")));
        }
        let count = usize::try_from(section.size / size).unwrap_or(usize::MAX);
        let entries = self.data.read_slice_at(section.offset, count);
        entries.map_err(|()| unsound(format!("{section} is not in the file")))
    }
}

fn unsound(words: impl Into<String>) -> Unsound {
    Unsound(words.into())
}

/// The number of the processor that this program runs on, where it is known.
fn own_machine() -> Option<Machine> {
    Some(if cfg!(target_arch = "x86_64") {
        elf::EM_X86_64
    } else if cfg!(target_arch = "aarch64") {
        elf::EM_AARCH64
    } else if cfg!(target_arch = "riscv64") {
        elf::EM_RISCV
    } else if cfg!(target_arch = "powerpc64") {
        elf::EM_PPC64
    } else if cfg!(target_arch = "s390x") {
        elf::EM_S390
    } else if cfg!(target_arch = "loongarch64") {
        elf::EM_LOONGARCH
    } else {
        return None;
    })
}

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests;
