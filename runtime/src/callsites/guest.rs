//! Callsites in the memory of an artifact: how they are found, and what is done to them.
//!
//! `tracing` gives no way to find them, and none to give one another description. But a callsite and its description refer
//! to each other, and where in each the other's address is can be seen in a pair of our own, which is compiled from the
//! same types. So a callsite in an artifact is a place in its variables that refers to a place of the artifact which, where
//! a description has the address of its callsite, has the address of the first.
//!
//! Obligations:
//!
//! 1. The image stays mapped from [`Guest::find`] until the guest is used no more: a home lets go of it before the image is
//!    closed.
//! 2. None of the artifact's code runs from `find` until [`Guest::move_to`] has returned, so nobody reads what is written.
//! 3. What `find` is given as writable is: variables of the image, without what the loader has sealed.
//!
//! The field that `move_to` writes is no `UnsafeCell`. It is part of a static that is writable, because its neighbors are,
//! and whose address the artifact's code gives away; so a compiler that has not seen all of the program cannot take its
//! value for known. A test at the highest optimization shows that it does not.

use std::fs::File;
use std::mem::{align_of, size_of};
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use object::elf::{FileHeader64, PT_GNU_RELRO, PT_LOAD};
use object::read::ReadCache;
use object::read::elf::{ElfFile, ProgramHeader};
use object::{Endianness, elf};
use tracing::callsite::{Callsite, DefaultCallsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata};

const WORD: usize = size_of::<usize>();
const WORDS: usize = size_of::<DefaultCallsite>() / WORD;

/// A callsite in an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Guest {
    /// Its address, every bit turned over: whoever looks through memory for pointers into the artifact is not to find
    /// those that are withdrawn in time.
    hidden: usize,
}

/// Where things are in callsites and their descriptions, counted in words.
#[derive(Debug)]
struct Shape {
    /// In a callsite: the address of its description.
    description: usize,
    /// In a description: the address of its callsite.
    callsite: usize,
    /// A callsite that nobody has used.
    new: [usize; WORDS],
    /// The bits of a callsite in which it has its interest.
    interest: [usize; WORDS],
}

static DESCRIPTION: Metadata<'static> = Metadata::new(
    "callsite",
    "liveswap",
    Level::TRACE,
    Some("none"),
    Some(0),
    Some("none"),
    FieldSet::new(&[], Identifier(&CALLSITE)),
    Kind::HINT,
);

/// Never registered, nor used for anything but to look at.
static CALLSITE: DefaultCallsite = DefaultCallsite::new(&DESCRIPTION);

impl Shape {
    /// `None` where a callsite does not look as it does today.
    fn known() -> Option<&'static Shape> {
        static SHAPE: OnceLock<Option<Shape>> = OnceLock::new();
        SHAPE.get_or_init(Shape::learn).as_ref()
    }

    fn learn() -> Option<Shape> {
        let new = words(&CALLSITE);
        let description = only(&new, (&raw const DESCRIPTION).addr())?;
        let described: [usize; size_of::<Metadata<'static>>() / WORD] = words(&DESCRIPTION);
        let callsite = only(&described, (&raw const CALLSITE).addr())?;
        // Two that differ in nothing but their interests.
        let twins = [DefaultCallsite::new(&DESCRIPTION), DefaultCallsite::new(&DESCRIPTION)];
        let [always, never] = twins.each_ref();
        always.set_interest(Interest::always());
        never.set_interest(Interest::never());
        let interests: [[usize; WORDS]; 3] = [words(always), words(never), new];
        let interest = std::array::from_fn(|at| {
            let [always, never, new] = interests.map(|words| words[at]);
            bytes_of((always ^ never) | (always ^ new))
        });
        Some(Shape { description, callsite, new, interest })
    }
}

impl Guest {
    /// The callsites among the variables at `writable` of an image whose parts are `segments`; `None` where it is not known
    /// what one looks like.
    pub(super) fn find(writable: &[Range<usize>], segments: &[Range<usize>]) -> Option<Vec<Guest>> {
        let shape = Shape::known()?;
        let is_description = |address: usize| {
            let end = address.checked_add(size_of::<Metadata<'static>>());
            address.is_multiple_of(align_of::<Metadata<'static>>())
                && end.is_some_and(|end| {
                    segments.iter().any(|part| part.start <= address && end <= part.end)
                })
        };
        let mut found = Vec::new();
        for part in writable {
            let last = part.end.saturating_sub(size_of::<DefaultCallsite>());
            let mut address = part.start.next_multiple_of(align_of::<DefaultCallsite>());
            while address <= last {
                let description = word(address + shape.description * WORD);
                if is_description(description)
                    && word(description + shape.callsite * WORD) == address
                {
                    found.push(Guest { hidden: !address });
                    address += size_of::<DefaultCallsite>();
                } else {
                    address += align_of::<DefaultCallsite>();
                }
            }
        }
        Some(found)
    }

    /// Whether nobody has used it yet.
    pub(super) fn is_new(self) -> bool {
        self.differs(|shape| shape.new, false).is_some_and(|differs| !differs)
    }

    /// Whether it is as its home has made it: it was not registered.
    pub(super) fn is_as_left(self) -> bool {
        self.differs(|shape| shape.new, true).is_some_and(|differs| !differs)
    }

    /// Where in the sources it is.
    pub(super) fn place(self) -> String {
        self.with_metadata(|metadata| metadata.name().to_owned())
    }

    /// Looks at its description.
    pub(super) fn with_metadata<T>(self, look: impl FnOnce(&Metadata<'_>) -> T) -> T {
        look(self.callsite().metadata())
    }

    /// Has it refer to this description.
    pub(super) fn move_to(self, description: &'static Metadata<'static>) {
        let Some(shape) = Shape::known() else { return };
        let field = self.address() + shape.description * WORD;
        let field = std::ptr::with_exposed_provenance_mut::<*mut Metadata<'static>>(field);
        // SAFETY: obligations 1 to 3; the field is a pointer of this type, and aligned as one.
        let field = unsafe { AtomicPtr::from_ptr(field) };
        // The threads that read it are given the artifact's code later, by the store that publishes its table.
        field.store((&raw const *description).cast_mut(), Ordering::Release);
    }

    /// Tells it the subscriber's interest.
    pub(super) fn set_interest(self, interest: Interest) {
        self.callsite().set_interest(interest);
    }

    fn address(self) -> usize {
        !self.hidden
    }

    fn callsite(&self) -> &DefaultCallsite {
        let callsite = std::ptr::with_exposed_provenance::<DefaultCallsite>(self.address());
        // SAFETY: obligation 1; it was found to be a callsite.
        unsafe { &*callsite }
    }

    /// Whether it differs from a callsite in more than its description, and perhaps its interest.
    fn differs(
        self,
        from: impl FnOnce(&Shape) -> [usize; WORDS],
        but_interest: bool,
    ) -> Option<bool> {
        let shape = Shape::known()?;
        let from = from(shape);
        Some((0..WORDS).filter(|at| *at != shape.description).any(|at| {
            let unasked = if but_interest { shape.interest[at] } else { 0 };
            (word(self.address() + at * WORD) ^ from[at]) & !unasked != 0
        }))
    }
}

/// The variables of the image that was loaded from `file` to `base`: what may be written to, and came from the file.
pub(super) fn writable(file: &Path, base: usize) -> Result<Vec<Range<usize>>, String> {
    let file = File::open(file).map_err(|error| error.to_string())?;
    let data = ReadCache::new(file);
    let file: ElfFile<'_, FileHeader64<Endianness>, _> =
        ElfFile::parse(&data).map_err(|error| error.to_string())?;
    let endian = file.endian();
    let at = |start: u64, size: u64| {
        let start = base.wrapping_add(start as usize);
        start..start.saturating_add(size as usize)
    };
    let headers = file.elf_program_headers();
    let sealed = headers.iter().find(|header| header.p_type(endian) == PT_GNU_RELRO);
    let sealed = sealed.map_or(0..0, |header| at(header.p_vaddr(endian), header.p_memsz(endian)));
    let is_variables = |header: &&elf::ProgramHeader64<Endianness>| {
        header.p_type(endian) == PT_LOAD && header.p_flags(endian).contains(elf::PF_W)
    };
    let parts = headers.iter().filter(is_variables).flat_map(|header| {
        let part = at(header.p_vaddr(endian), header.p_filesz(endian));
        let before = part.start..part.end.min(sealed.start);
        let after = part.start.max(sealed.end)..part.end;
        let halves = if sealed.is_empty() { [part, 0..0] } else { [before, after] };
        halves.into_iter().filter(|half| !half.is_empty())
    });
    Ok(parts.collect())
}

/// Every byte in which a bit is set, whole.
fn bytes_of(bits: usize) -> usize {
    usize::from_ne_bytes(bits.to_ne_bytes().map(|byte| if byte == 0 { 0 } else { u8::MAX }))
}

/// Where in `words` this one is, if it is there once.
fn only(words: &[usize], wanted: usize) -> Option<usize> {
    let mut found = words.iter().enumerate().filter(|(_, word)| **word == wanted);
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    }
}

/// A value of ours as it is in memory.
fn words<T, const N: usize>(value: &T) -> [usize; N] {
    let address = (&raw const *value).expose_provenance();
    std::array::from_fn(|at| word(address + at * WORD))
}

/// What is in memory at an address, which is inside of a callsite, a description, or an image that is mapped.
fn word(address: usize) -> usize {
    let word = std::ptr::with_exposed_provenance::<usize>(address);
    // SAFETY: obligation 1, or it is a value of our own; aligned, because both types and the steps of `find` are. Volatile,
    // because what is read may be padding, of which the compiler knows nothing and the memory something.
    unsafe { word.read_volatile() }
}
