//! Segments are what the loader maps, sections what the linker made: both say where everything is, so one that is wrong is
//! found by the other.

use std::fmt;

use object::Endianness;
use object::elf::{self, ProgramFlags, ProgramHeader64, ProgramType, SectionFlags, SectionType};
use object::read::ReadRef;
use object::read::elf::{ProgramHeader, SectionHeader, SectionTable};

use super::{Result, unsound};

/// What processors and linkers agree on where pages are larger too.
const PAGE: u64 = 4096;

/// Where sections are, or may be, that nothing writes to once the library is loaded.
const READ_ONLY_AFTER_LOAD: &[&[u8]] = &[
    b".data.rel.ro",
    b".bss.rel.ro",
    b".init_array",
    b".fini_array",
    b".preinit_array",
    b".ctors",
    b".dtors",
    b".jcr",
    b".dynamic",
    b".got",
    b".plt",
    b".tdata",
    b".tbss",
    b".eh_frame",
    b".gcc_except_table",
    b".exception_ranges",
    b".relro_padding",
    b".toc",
    b".opd",
    b".branch_lt",
];

/// A part of the file that is mapped, or means something to the loader.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    kind: ProgramType,
    flags: ProgramFlags,
    offset: u64,
    address: u64,
    in_file: u64,
    in_memory: u64,
    align: u64,
}

/// A section as its header describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'data> {
    pub(super) name: &'data [u8],
    pub(super) kind: SectionType,
    pub(super) flags: SectionFlags,
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) link: u32,
    pub(super) info: u32,
    align: u64,
}

/// All segments.
#[derive(Debug)]
pub(super) struct Segments {
    loads: Vec<Segment>,
    others: Vec<Segment>,
}

/// What a place in memory must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    Execute,
}

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A damaged name may go on for long.
        let name = &self.name[..self.name.len().min(64)];
        write!(f, "section `{}`", String::from_utf8_lossy(name))
    }
}

impl Section<'_> {
    pub(super) fn is_allocated(&self) -> bool {
        self.has(elf::SHF_ALLOC)
    }

    pub(super) fn has(&self, flag: SectionFlags) -> bool {
        self.flags.contains(flag)
    }

    /// Where it ends; never before where it begins.
    pub(super) fn end(&self) -> u64 {
        self.address.saturating_add(self.size)
    }

    fn has_bytes(&self) -> bool {
        self.kind != elf::SHT_NOBITS
    }
}

impl Segment {
    fn end(&self) -> u64 {
        self.address.saturating_add(self.in_memory)
    }

    fn holds(&self, address: u64, size: u64) -> bool {
        address >= self.address && address.checked_add(size).is_some_and(|end| end <= self.end())
    }

    fn allows(&self, access: Access) -> bool {
        self.flags.contains(match access {
            Access::Read => elf::PF_R,
            Access::Write => elf::PF_W,
            Access::Execute => elf::PF_X,
        })
    }
}

/// What the program headers say.
pub(super) fn read(
    headers: &[ProgramHeader64<Endianness>],
    endian: Endianness,
) -> Result<Segments> {
    let all = headers.iter().map(|header| Segment {
        kind: header.p_type(endian),
        flags: header.p_flags(endian),
        offset: header.p_offset(endian),
        address: header.p_vaddr(endian),
        in_file: header.p_filesz(endian),
        in_memory: header.p_memsz(endian),
        align: header.p_align(endian),
    });
    let (loads, others): (Vec<_>, Vec<_>) = all.partition(|one| one.kind == elf::PT_LOAD);
    if others.iter().any(|one| one.kind == elf::PT_INTERP) {
        return Err(unsound("it is a program, which names an interpreter"));
    }
    let mut end = 0;
    for (index, load) in loads.iter().enumerate() {
        let wrong = |why: &str| Err(unsound(format!("segment {index} of those to map {why}")));
        if load.in_file > load.in_memory || load.address.checked_add(load.in_memory).is_none() {
            return wrong("has more bytes than it has room for");
        }
        if load.address < end {
            return wrong("begins before the one before it ends");
        }
        end = load.end();
        let aligned = load.align.max(PAGE);
        if !aligned.is_power_of_two() || aligned > 1 << 32 {
            return wrong("is aligned to what is no size of a page");
        }
        if load.address % aligned != load.offset % aligned {
            return wrong("is not where pages of the file could be mapped");
        }
    }
    if loads.is_empty() {
        return Err(unsound("it has no segment to map"));
    }
    Ok(Segments { loads, others })
}

/// What the section headers say.
pub(super) fn sections<'data, R: ReadRef<'data>>(
    table: &SectionTable<'data, elf::FileHeader64<Endianness>, R>,
    endian: Endianness,
) -> Vec<Section<'data>> {
    let read = |header: &'data elf::SectionHeader64<Endianness>| Section {
        name: table.section_name(endian, header).unwrap_or(b"?"),
        kind: header.sh_type(endian),
        flags: header.sh_flags(endian),
        address: header.sh_addr(endian),
        offset: header.sh_offset(endian),
        size: header.sh_size(endian),
        link: header.sh_link(endian),
        info: header.sh_info(endian),
        align: header.sh_addralign(endian),
    };
    table.iter().map(read).collect()
}

impl Segments {
    /// Whether all these bytes of memory are in one segment that allows this.
    pub(super) fn hold(&self, address: u64, size: u64, access: Access) -> bool {
        self.loads.iter().any(|load| load.allows(access) && load.holds(address, size))
    }

    /// Whether an address is in what is mapped, or right behind it, where the ends of things are.
    pub(super) fn span(&self, address: u64) -> bool {
        let [first, .., last] = self.loads.as_slice() else {
            return self.loads.iter().any(|load| (load.address..=load.end()).contains(&address));
        };
        (first.address..=last.end()).contains(&address)
    }

    /// How much thread-local storage each thread gets.
    pub(super) fn thread_local_size(&self) -> u64 {
        self.other(elf::PT_TLS).map_or(0, |segment| segment.in_memory)
    }

    fn other(&self, kind: ProgramType) -> Option<&Segment> {
        self.others.iter().find(|segment| segment.kind == kind)
    }

    /// Compares segments with sections.
    pub(super) fn check(&self, sections: &[Section<'_>]) -> Result<()> {
        let allocated = || sections.iter().filter(|one| one.is_allocated() && one.size > 0);
        for section in allocated() {
            // What is zero in thread-local storage has no place of its own.
            if section.has_bytes() || !section.has(elf::SHF_TLS) {
                self.map(section)?;
            }
        }
        for segment in &self.others {
            let means_memory = matches!(
                segment.kind,
                elf::PT_DYNAMIC
                    | elf::PT_NOTE
                    | elf::PT_PHDR
                    | elf::PT_TLS
                    | elf::PT_GNU_EH_FRAME
                    | elf::PT_GNU_RELRO
                    | elf::PT_GNU_PROPERTY
            );
            // Of thread-local storage, only what has bytes has a place.
            let size =
                if segment.kind == elf::PT_TLS { segment.in_file } else { segment.in_memory };
            if means_memory && !self.hold(segment.address, size, Access::Read) {
                let kind = segment.kind;
                return Err(unsound(format!(
                    "a segment of kind {kind:#x} is not in what is mapped"
                )));
            }
            if means_memory
                && self.others.iter().filter(|one| one.kind == segment.kind).count() > 1
                && segment.kind != elf::PT_NOTE
            {
                return Err(unsound(format!("there are two segments of kind {:#x}", segment.kind)));
            }
        }
        let place = |found: Option<(u64, u64)>| {
            found.map_or("nowhere".to_owned(), |(at, size)| format!("at {at:#x}, {size:#x} bytes"))
        };
        let same = |what: &str, kind: ProgramType, wanted: &dyn Fn(&Section<'_>) -> bool| {
            let segment = self.other(kind).map(|one| (one.address, one.in_memory));
            let section = allocated().find(|one| wanted(one)).map(|one| (one.address, one.size));
            if segment == section {
                return Ok(());
            }
            let (segment, section) = (place(segment), place(section));
            Err(unsound(format!("{what} is {segment} by its segment and {section} by its section")))
        };
        same("the dynamic section", elf::PT_DYNAMIC, &|one| one.kind == elf::SHT_DYNAMIC)?;
        same("the index of unwind tables", elf::PT_GNU_EH_FRAME, &|one| {
            one.name == b".eh_frame_hdr"
        })?;
        self.thread_locals(allocated().filter(|one| one.has(elf::SHF_TLS)))?;
        self.read_only(allocated())
    }

    /// A section is where its segment puts it.
    fn map(&self, section: &Section<'_>) -> Result<()> {
        let wrong = |why: &str| Err(unsound(format!("{section} {why}")));
        let Some(load) = self.loads.iter().find(|load| load.holds(section.address, section.size))
        else {
            return wrong("is in no segment");
        };
        let before = section.address - load.address;
        if section.has_bytes() {
            let is_mapped = section.offset.checked_sub(load.offset) == Some(before)
                && before.checked_add(section.size).is_some_and(|end| end <= load.in_file);
            if !is_mapped {
                return wrong("is at another place in the file than its segment");
            }
        } else if before < load.in_file {
            return wrong("should begin as zeros, and its segment has bytes of the file there");
        }
        for (flag, access) in [
            (elf::SHF_ALLOC, Access::Read),
            (elf::SHF_WRITE, Access::Write),
            (elf::SHF_EXECINSTR, Access::Execute),
        ] {
            if section.has(flag) && !load.allows(access) {
                return wrong(
                    &format!("is in a segment that does not allow to {access:?}").to_lowercase(),
                );
            }
        }
        Ok(())
    }

    fn thread_locals<'a>(&self, sections: impl Iterator<Item = &'a Section<'a>>) -> Result<()> {
        let all = sections.fold(None, |all: Option<(u64, u64, u64, u64)>, one| {
            let bytes = if one.has_bytes() { one.end() } else { 0 };
            let (start, end, with_bytes, align) = all.unwrap_or((u64::MAX, 0, 0, 1));
            Some((
                start.min(one.address),
                end.max(one.end()),
                with_bytes.max(bytes),
                align.max(one.align),
            ))
        });
        let wrong = || Err(unsound("thread-local storage is not what its sections say"));
        match (all, self.other(elf::PT_TLS)) {
            (None, None) => Ok(()),
            (Some((start, end, with_bytes, align)), Some(segment)) => {
                let size = end - start;
                let rounded = size.checked_next_multiple_of(segment.align.max(1)).unwrap_or(size);
                let is_right = segment.address == start
                    && segment.in_file == with_bytes.saturating_sub(start)
                    && (size..=rounded).contains(&segment.in_memory)
                    && segment.align.is_power_of_two()
                    && (align..=align.max(PAGE)).contains(&segment.align);
                if is_right { Ok(()) } else { wrong() }
            }
            _ => wrong(),
        }
    }

    /// What becomes read-only after loading is nothing that is written to later.
    fn read_only<'a>(&self, mut sections: impl Iterator<Item = &'a Section<'a>>) -> Result<()> {
        let Some(segment) = self.other(elf::PT_GNU_RELRO) else { return Ok(()) };
        let pages = segment.address / PAGE * PAGE..segment.end() / PAGE * PAGE;
        let written = sections.find(|one| {
            one.has(elf::SHF_WRITE)
                && !READ_ONLY_AFTER_LOAD.iter().any(|name| one.name.starts_with(name))
                && one.address < pages.end
                && one.end() > pages.start
        });
        match written {
            Some(section) => Err(unsound(format!("{section} would be read-only"))),
            None => Ok(()),
        }
    }
}
