//! Small blocks that were given back and that an arena of the C library keeps in lists, one for each size.
//!
//! The lists begin in the arena ([glibc's `malloc.c`][malloc], `malloc_state`: `fastbinsY`), and each block leads to the next by an
//! address that is mixed with its own (`PROTECT_PTR`). Blocks of threads are in arenas of theirs, where each part of the
//! memory says which; those of the program's heap are in the first arena, which all others lead to in a circle.
//! What is read may be changing: a list is followed only as far as it looks like one, and what is missed counts as used.
//!
//! [malloc]: https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36

use std::collections::BTreeSet;

use super::heap::ARENA;
use super::memory::{Address, Memory};
use super::regions::{self, Region};

/// Where in an arena the lists begin, how many there are, and where the next arena is.
const LISTS: u64 = 0x10;
const COUNT: u64 = 10;
const NEXT: u64 = 0x870;

/// So many blocks of a list are followed, and so many arenas.
const LONGEST: usize = 1 << 16;
const ARENAS: usize = 1024;

/// The blocks in the lists of the arena that the heap at `address` belongs to.
pub(super) fn of(memory: &Memory, region: &Region, address: u64) -> BTreeSet<Address> {
    let arena = match region.name.as_str() {
        "[heap]" => first_arena(memory),
        _ => memory.word(address & !(ARENA - 1)),
    };
    let mut blocks = BTreeSet::new();
    for list in arena.iter().flat_map(|arena| (0..COUNT).map(move |list| arena + LISTS + 8 * list))
    {
        let mut next = memory.word(list);
        let mut followed = 0;
        while let Some(block) = next.filter(|block| *block != 0 && block.is_multiple_of(16)) {
            if followed == LONGEST || !blocks.insert(Address::of(block)) {
                break;
            }
            followed += 1;
            let link = block + 16;
            next = memory.word(link).map(|word| word ^ (link >> 12));
        }
    }
    blocks
}

/// The arena of the program's heap: the only one that lies in a library's variables.
fn first_arena(memory: &Memory) -> Option<u64> {
    let regions = regions::list().ok()?;
    // The part of a thread's arena that is the arena's own begins with where that is, right behind.
    let parts = regions.iter().filter(|region| region.name.is_empty() && region.file.is_none());
    let mut arena = parts
        .filter(|region| region.range.start.is_multiple_of(ARENA))
        .filter_map(|region| {
            let start = region.range.start;
            memory.word(start).filter(|arena| (start..start + 0x100).contains(arena))
        })
        .next()?;
    for _ in 0..ARENAS {
        arena = memory.word(arena.checked_add(NEXT)?)?;
        let region = regions::containing(&regions, arena)?;
        if region.file.is_some() {
            return Some(arena);
        }
    }
    None
}
