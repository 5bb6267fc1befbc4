//! Which addresses inside an image mean that somebody can reach it, and what is at them.
//!
//! The loader and the unwinder note addresses inside every image, for as long as it is loaded: where it begins and ends, its
//! symbols, its tables for unwinding. The program has no use for those, so they are told by what is there: only code,
//! constants and variables count.

use std::cell::OnceCell;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use object::read::ReadCache;
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SectionFlags, elf};

use super::Target;
use super::memory::{Address, Memory};
use super::symbols::Symbols;

/// What only the loader and the unwinder have addresses of.
const RECORDS: &[&str] = &[
    ".dynamic",
    ".dynsym",
    ".dynstr",
    ".hash",
    ".gnu.",
    ".rel",
    ".eh_frame",
    ".gcc_except_table",
    ".note",
    ".interp",
    ".init",
    ".fini",
    ".got",
    ".preinit",
];

/// An image that is looked for.
#[derive(Debug)]
pub(super) struct Image {
    file: PathBuf,
    base: Address,
    /// Where it is mapped.
    pub(super) segments: Vec<Range<Address>>,
    /// Where what the loader reads first is, relative to `base`.
    dynamic: Option<u64>,
    /// What counts, relative to `base`.
    counted: Vec<Range<u64>>,
    /// The loader's number for its thread-locals, and their size.
    pub(super) locals: (usize, u64),
    /// Memory in which pointers to it are known.
    pub(super) known: Vec<Range<Address>>,
    /// Read once something points to it.
    symbols: OnceCell<Symbols>,
}

impl Image {
    /// Reads from its file what counts of it.
    ///
    /// # Errors
    ///
    /// Why the file cannot be read, in words.
    pub(super) fn of(target: &Target) -> Result<Image, String> {
        let (counted, dynamic) = with_file(&target.file, |file| {
            let mut counted: Vec<Range<u64>> = Vec::new();
            let (mut any, mut dynamic) = (false, None);
            for section in file.sections() {
                let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
                any = true;
                if section.name() == Ok(".dynamic") {
                    dynamic = Some(section.address());
                }
                let flag = |flag: elf::SectionFlags| sh_flags.0 & flag.0 != 0;
                let name = section.name().unwrap_or_default();
                let is_record = RECORDS.iter().any(|record| name.starts_with(record));
                if flag(elf::SHF_ALLOC) && !flag(elf::SHF_TLS) && !is_record {
                    counted.push(section.address()..section.address() + section.size());
                }
            }
            if !any {
                let all = file.segments();
                counted.extend(all.map(|part| part.address()..part.address() + part.size()));
            }
            (counted, dynamic)
        })?;
        let range =
            |range: &Range<usize>| Address::of(range.start as u64)..Address::of(range.end as u64);
        Ok(Image {
            file: target.file.clone(),
            base: Address::of(target.base as u64),
            segments: target.segments.iter().map(range).collect(),
            dynamic,
            counted,
            locals: target.locals,
            known: target.known.iter().map(range).collect(),
            symbols: OnceCell::new(),
        })
    }

    /// Memory that stands for an image without a file, for tests.
    #[cfg(test)]
    pub(super) fn stand_in(range: Range<u64>, symbols: Symbols) -> Image {
        Image {
            file: PathBuf::new(),
            base: Address::of(range.start),
            segments: vec![Address::of(range.start)..Address::of(range.end)],
            dynamic: None,
            counted: std::iter::once(0..range.end - range.start).collect(),
            locals: (0, 0),
            known: Vec::new(),
            symbols: symbols.into(),
        }
    }

    /// From the first to the last address that counts.
    pub(super) fn hull(&self) -> Range<u64> {
        let base = self.base.raw();
        let first = self.counted.iter().map(|part| part.start).min().unwrap_or_default();
        let last = self.counted.iter().map(|part| part.end).max().unwrap_or_default();
        base + first..base + last
    }

    /// Where in the image `value` points to, if that counts.
    pub(super) fn offset(&self, value: u64) -> Option<u64> {
        let offset = value.wrapping_sub(self.base.raw());
        let counts = self.counted.iter().any(|part| part.contains(&offset));
        // The bounds of what is mapped stand in the loader's list, and in ours.
        let is_bound = |part: &Range<Address>| part.start.raw() == value || part.end.raw() == value;
        (counts && !self.segments.iter().any(is_bound)).then_some(offset)
    }

    /// Whether the block that begins at `start` is the loader's record of the image: a [`link_map`], which begins with the base,
    /// a name, and what the loader reads first.
    ///
    /// [`link_map`]: https://man7.org/linux/man-pages/man3/dlinfo.3.html
    pub(super) fn is_record(&self, memory: &Memory, start: Address) -> bool {
        let Some(dynamic) = self.dynamic else { return false };
        let base = self.base.raw();
        let word = |index: u64| memory.word(start.raw() + 8 * index);
        word(0) == Some(base) && word(2) == Some(base + dynamic)
    }

    /// What is known of it by its symbols.
    pub(super) fn symbols(&self) -> &Symbols {
        self.symbols.get_or_init(|| with_file(&self.file, Symbols::of).unwrap_or_default())
    }

    /// What is at `offset`, in words.
    pub(super) fn name(&self, memory: &Memory, offset: u64) -> String {
        let base = self.base.raw();
        let named = with_file(&self.file, |file| {
            if let Some(name) = symbol(file, offset) {
                return name;
            }
            let section = file.sections().find(|section| {
                (section.address()..section.address() + section.size()).contains(&offset)
            });
            let section = section.and_then(|section| Some(section.name().ok()?.to_owned()));
            let section = section.unwrap_or_default();
            // A table of functions has no name; those in it have: the first after glue, size and alignment.
            let function = |index: u64| {
                let function = memory.word(base + offset + 8 * index)?;
                symbol(file, function.checked_sub(base)?)
            };
            if section.starts_with(".data.rel.ro") {
                // The first of a closure's says nothing of it, but its glue does.
                let first = function(3).filter(|name| !name.contains("vtable.shim"));
                if let Some(function) = first.or_else(|| function(0)).or_else(|| function(3)) {
                    return format!("the table of a trait's functions with {function}");
                }
            }
            match section.as_str() {
                name if name.starts_with(".rodata") => "a constant of it".to_owned(),
                name if name.starts_with(".text") => "its code".to_owned(),
                "" => "it".to_owned(),
                name => format!("its `{name}`"),
            }
        });
        named.unwrap_or_else(|_| "it".to_owned())
    }
}

/// The name of the variable at `address` of the program or library in `file`, mapped from `start` on.
pub(super) fn variable(file: &Path, start: u64, address: u64) -> Option<String> {
    let named = with_file(file, |file| {
        let is_fixed =
            file.kind() == object::ObjectKind::Executable && file.relative_address_base() == 0;
        let first = file.segments().map(|part| part.address()).min().unwrap_or_default();
        let position_dependent = is_fixed && first >= 0x1000 && first == start;
        let offset = if position_dependent { address } else { address - start };
        symbol(file, offset)
    });
    named.ok().flatten()
}

/// Where the variables end of the program or library in `file`, mapped from `start` on in pages of `page` bytes.
pub(super) fn end(file: &Path, start: u64, page: u64) -> Option<u64> {
    let bounds = with_file(file, |file| {
        let parts = || file.segments().map(|part| (part.address(), part.address() + part.size()));
        Some((parts().map(|part| part.0).min()?, parts().map(|part| part.1).max()?))
    });
    let (first, last) = bounds.ok().flatten()?;
    Some((start + last - first / page * page).next_multiple_of(page))
}

/// The symbol that contains `offset`, quoted.
fn symbol<'a>(file: &object::File<'a, &'a ReadCache<File>>, offset: u64) -> Option<String> {
    let contains = |symbol: &object::Symbol<'a, '_, &'a ReadCache<File>>| {
        symbol.is_definition()
            && (symbol.address()..symbol.address() + symbol.size()).contains(&offset)
    };
    let named = |symbol: object::Symbol<'a, '_, &'a ReadCache<File>>| {
        Some(format!("`{:#}`", rustc_demangle::demangle(symbol.name().ok()?)))
    };
    let listed = file.symbols().find(contains);
    listed.or_else(|| file.dynamic_symbols().find(contains)).and_then(named)
}

fn with_file<T>(
    path: &Path,
    read: impl for<'a> FnOnce(&object::File<'a, &'a ReadCache<File>>) -> T,
) -> Result<T, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let cache = ReadCache::new(file);
    let file = object::File::parse(&cache).map_err(|error| error.to_string())?;
    Ok(read(&file))
}
