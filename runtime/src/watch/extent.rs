//! Whether a file holds every byte that its own headers promise.
//!
//! Only headers and tables are read, so a look at an artifact of many megabytes costs a few pages.
//! What is read is never larger than the file, whatever its headers claim.

use std::fs::File;

use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::read::macho::{FatArch, LoadCommandVariant, MachHeader};
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader};
use object::read::{FileKind, ReadCache, ReadRef};
use object::{Endianness, LittleEndian, elf, macho, pe};

use crate::error::Unfinished;

/// The format of a dynamic library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Linux, the BSDs, and most other Unix systems.
    Elf,
    /// Apple systems, for one or several processors.
    MachO,
    /// Windows.
    Pe,
}

/// The extent of a file: its format, when every byte that its headers promise is there.
///
/// # Errors
///
/// [`Unfinished::Cut`] names the first part that lies behind the end of the file;
/// [`Unfinished::NotAnImage`] says what the bytes are instead of a dynamic library.
///
/// # Examples
///
/// ```
/// use liveswap::watch::extent;
///
/// let text = extent::of_bytes(b"a text, and no library at all").unwrap_err();
/// assert!(text.to_string().contains("not a dynamic library"));
/// ```
pub fn of_bytes(bytes: &[u8]) -> Result<Format, Unfinished> {
    of(bytes)
}

/// Like [`of_bytes`], for an open file, of which only headers and tables are read.
///
/// Moves the position of the file.
///
/// # Errors
///
/// As [`of_bytes`]; a file that cannot be read counts as ending where reading failed.
pub fn of_file(file: &File) -> Result<Format, Unfinished> {
    let cache = ReadCache::new(file);
    of(&cache)
}

fn of<'data, R: ReadRef<'data>>(data: R) -> Result<Format, Unfinished> {
    let found = data.len().map_err(|()| not_an_image("its length cannot be read"))?;
    let part = Part { base: 0, found };
    // `object` wants 16 bytes to tell the kind; a file that small has no room for any header.
    part.holds("its first header", 0, 16)?;
    if let Ok(b"MZ") = data.read_bytes_at(0, 2) {
        // `object` calls a file whose second header is not there yet an unknown one.
        part.holds("the DOS header", 0, size_of::<pe::ImageDosHeader>() as u64)?;
        let dos = pe::ImageDosHeader::parse(data).map_err(|e| malformed("the DOS header", e))?;
        let smallest = size_of::<pe::ImageNtHeaders32>() as u64;
        part.holds("the PE header", dos.nt_headers_offset().into(), smallest)?;
    }
    match FileKind::parse(data).map_err(|_| not_an_image(&first_bytes(data)))? {
        FileKind::Elf32 => elf::<elf::FileHeader32<Endianness>, R>(data, part),
        FileKind::Elf64 => elf::<elf::FileHeader64<Endianness>, R>(data, part),
        FileKind::MachO32 => mach_o::<macho::MachHeader32<Endianness>, R>(data, part),
        FileKind::MachO64 => mach_o::<macho::MachHeader64<Endianness>, R>(data, part),
        FileKind::MachOFat32 => fat::<macho::FatArch32, R>(data, part),
        FileKind::MachOFat64 => fat::<macho::FatArch64, R>(data, part),
        FileKind::Pe32 => pe::<pe::ImageNtHeaders32, R>(data, part),
        FileKind::Pe64 => pe::<pe::ImageNtHeaders64, R>(data, part),
        other => Err(not_an_image(&format!("it looks like a file of kind {other:?}"))),
    }
}

/// The part of the file that one image has: all of it, or a slice of a fat Mach-O file.
#[derive(Clone, Copy)]
struct Part {
    base: u64,
    found: u64,
}

impl Part {
    /// Checks that `size` bytes at `offset` inside this part are in the file.
    fn holds(self, what: &str, offset: u64, size: u64) -> Result<(), Unfinished> {
        let end = self.base.checked_add(offset).and_then(|start| start.checked_add(size));
        match end {
            Some(end) if end <= self.found => Ok(()),
            Some(expected) => {
                Err(Unfinished::Cut { what: what.to_owned(), expected, found: self.found })
            }
            None => Err(not_an_image(&format!("{what} ends behind the largest possible file"))),
        }
    }
}

fn elf<'data, H, R>(data: R, part: Part) -> Result<Format, Unfinished>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    part.holds("the ELF header", 0, size_of::<H>() as u64)?;
    let header = H::parse(data).map_err(|error| malformed("the ELF header", error))?;
    let endian = header.endian().map_err(|error| malformed("the ELF header", error))?;

    let (programs_at, sections_at) = (header.e_phoff(endian).into(), header.e_shoff(endian).into());
    if sections_at != 0 {
        // A count that does not fit the header stands in the first entry of the table.
        part.holds("the section headers", sections_at, size_of::<H::SectionHeader>() as u64)?;
    }
    let count = |count: object::read::Result<u32>, what| {
        count.map(u64::from).map_err(|error| malformed(what, error))
    };
    let programs = count(header.phnum(endian, data), "the number of program headers")?;
    let sections = count(header.shnum(endian, data), "the number of section headers")?;
    if programs == 0 || programs_at == 0 {
        return Err(not_an_image("an ELF file without segments, perhaps an object file"));
    }
    let programs_size = programs * size_of::<H::ProgramHeader>() as u64;
    let sections_size = sections * size_of::<H::SectionHeader>() as u64;
    part.holds("the program headers", programs_at, programs_size)?;
    part.holds("the section headers", sections_at, sections_size)?;
    part.holds("all headers", 0, programs_size + sections_size)?;

    let programs = header
        .program_headers(endian, data)
        .map_err(|error| malformed("the program headers", error))?;
    for (index, program) in programs.iter().enumerate() {
        if program.p_type(endian) != elf::PT_NULL {
            let (offset, size) = program.file_range(endian);
            part.holds(&format!("segment {index}"), offset, size)?;
        }
    }
    let sections = header
        .section_headers(endian, data)
        .map_err(|error| malformed("the section headers", error))?;
    for (index, section) in sections.iter().enumerate() {
        // Entry 0 is no section: its fields are the large counts.
        if index > 0
            && section.sh_type(endian) != elf::SHT_NULL
            && let Some((offset, size)) = section.file_range(endian)
        {
            part.holds(&format!("section {index}"), offset, size)?;
        }
    }
    Ok(Format::Elf)
}

fn fat<'data, A, R>(data: R, part: Part) -> Result<Format, Unfinished>
where
    A: FatArch,
    R: ReadRef<'data>,
{
    part.holds("the header of the fat file", 0, 8)?;
    let count = data
        .read_at::<macho::FatHeader>(0)
        .map(|header| u64::from(header.nfat_arch.get(object::BigEndian)))
        .map_err(|()| not_an_image("the header of the fat file cannot be read"))?;
    part.holds("the table of the fat file", 8, count * size_of::<A>() as u64)?;
    let file = object::read::macho::MachOFatFile::<A>::parse(data)
        .map_err(|error| malformed("the table of the fat file", error))?;
    // Processors that share bytes would let a small file ask for much to be read.
    let sizes =
        file.arches().iter().try_fold(0u64, |sum, arch| sum.checked_add(arch.size().into()));
    for arch in file.arches() {
        let (offset, size) = arch.file_range();
        part.holds("the part of one processor", offset, size)?;
    }
    if count == 0 || sizes.is_none_or(|sizes| sizes > part.found) {
        return Err(not_an_image("a fat file whose parts are none, or overlap"));
    }
    for arch in file.arches() {
        let (offset, size) = arch.file_range();
        // Offsets of an image in a fat file count from where it begins, and it must end there too.
        let inner = Part { base: offset, found: offset + size };
        mach_o_at(data, offset, inner)?;
    }
    Ok(Format::MachO)
}

fn mach_o_at<'data, R: ReadRef<'data>>(
    data: R,
    offset: u64,
    part: Part,
) -> Result<Format, Unfinished> {
    part.holds("the Mach-O header", 0, 4)?;
    let magic = data
        .read_bytes_at(offset, 4)
        .map_err(|()| not_an_image("the part of one processor cannot be read"))?;
    match *magic {
        [0xfe, 0xed, 0xfa, 0xce] | [0xce, 0xfa, 0xed, 0xfe] => {
            mach_o::<macho::MachHeader32<Endianness>, R>(data, part)
        }
        [0xfe, 0xed, 0xfa, 0xcf] | [0xcf, 0xfa, 0xed, 0xfe] => {
            mach_o::<macho::MachHeader64<Endianness>, R>(data, part)
        }
        _ => Err(not_an_image("a fat file whose part is not a Mach-O image")),
    }
}

fn mach_o<'data, H, R>(data: R, part: Part) -> Result<Format, Unfinished>
where
    H: MachHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header_size = size_of::<H>() as u64;
    part.holds("the Mach-O header", 0, header_size)?;
    let broken = |error| malformed("the Mach-O header", error);
    let header = H::parse(data, part.base).map_err(broken)?;
    let endian = header.endian().map_err(broken)?;
    part.holds("the load commands", header_size, header.sizeofcmds(endian).into())?;
    let mut commands = header.load_commands(endian, data, part.base).map_err(broken)?;
    let mut segments = 0;
    while let Some(command) =
        commands.next().map_err(|error| malformed("the load commands", error))?
    {
        let variant = command.variant().map_err(|error| malformed("a load command", error))?;
        let (offset, size): (u64, u64) = match variant {
            LoadCommandVariant::Segment32(segment, _) => {
                segments += 1;
                (segment.fileoff.get(endian).into(), segment.filesize.get(endian).into())
            }
            LoadCommandVariant::Segment64(segment, _) => {
                segments += 1;
                (segment.fileoff.get(endian), segment.filesize.get(endian))
            }
            LoadCommandVariant::Symtab(table) => {
                (table.stroff.get(endian).into(), table.strsize.get(endian).into())
            }
            LoadCommandVariant::LinkeditData(table) => {
                (table.dataoff.get(endian).into(), table.datasize.get(endian).into())
            }
            _ => continue,
        };
        part.holds("a segment or table", offset, size)?;
    }
    if segments == 0 {
        return Err(not_an_image("a Mach-O file without segments"));
    }
    Ok(Format::MachO)
}

fn pe<'data, H, R>(data: R, part: Part) -> Result<Format, Unfinished>
where
    H: ImageNtHeaders,
    R: ReadRef<'data>,
{
    let dos = pe::ImageDosHeader::parse(data).map_err(|e| malformed("the DOS header", e))?;
    let mut offset = dos.nt_headers_offset().into();
    part.holds("the PE header", offset, size_of::<H>() as u64)?;
    let optional_size = data
        .read_at::<pe::ImageFileHeader>(offset + 4)
        .map(|header| u64::from(header.size_of_optional_header.get(LittleEndian)))
        .map_err(|()| not_an_image("the PE header cannot be read"))?;
    part.holds("the PE header", offset, 24 + optional_size)?;
    let (headers, directories) =
        H::parse(data, &mut offset).map_err(|error| malformed("the PE header", error))?;
    let file = headers.file_header();
    let sections = u64::from(file.number_of_sections.get(LittleEndian));
    let table_size = sections * size_of::<pe::ImageSectionHeader>() as u64;
    part.holds("the section table", offset, table_size)?;
    part.holds("the headers", 0, headers.optional_header().size_of_headers().into())?;
    let table = headers.sections(data, offset).map_err(|e| malformed("the section table", e))?;
    if table.is_empty() {
        return Err(not_an_image("a PE file without sections"));
    }
    for (index, section) in table.iter().enumerate() {
        let (offset, size) = section.pe_file_range();
        part.holds(&format!("section {}", index + 1), offset.into(), size.into())?;
    }
    // GNU linkers put symbols behind the sections, signatures are put behind everything.
    let symbols = u64::from(file.number_of_symbols.get(LittleEndian));
    let symbols_at = u64::from(file.pointer_to_symbol_table.get(LittleEndian));
    if symbols_at != 0 {
        let size = symbols * size_of::<pe::ImageSymbolBytes>() as u64;
        // The table of names behind the symbols begins with its own length.
        part.holds("the symbols", symbols_at, size.saturating_add(4))?;
        let names = data
            .read_bytes_at(symbols_at.saturating_add(size), 4)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_le_bytes)
            .ok_or_else(|| not_an_image("the symbol names cannot be read"))?;
        part.holds("the symbol names", symbols_at.saturating_add(size), names.into())?;
    }
    if let Some(signature) = directories.get(pe::IMAGE_DIRECTORY_ENTRY_SECURITY) {
        let (offset, size) = signature.address_range();
        part.holds("the signature", offset.into(), size.into())?;
    }
    Ok(Format::Pe)
}

fn malformed(what: &str, error: object::read::Error) -> Unfinished {
    not_an_image(&format!("{what} is malformed ({error})"))
}

fn not_an_image(why: &str) -> Unfinished {
    Unfinished::NotAnImage { why: why.to_owned() }
}

fn first_bytes<'data, R: ReadRef<'data>>(data: R) -> String {
    match data.read_bytes_at(0, 12) {
        Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => "it begins with zeros".to_owned(),
        Ok(bytes) => format!("it begins with \"{}\"", bytes.escape_ascii()),
        Err(()) => "its first bytes cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests;
