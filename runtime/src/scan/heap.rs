//! Blocks of the C library's allocator: which one an address is in, and whether it was given back.
//!
//! What was given back keeps its contents. The allocator's blocks lie one after the other, each beginning with its size, and
//! in the size of the next one stands whether it is in use ([glibc's `malloc.c`][malloc], "malloc_chunk details"). Blocks that a
//! thread keeps for itself count as used there, but hold a number that is the same in the whole process. So do small
//! blocks that an arena keeps in its lists (`lists.rs`), which are read. Where the blocks do not follow each
//! other to the end, as with another allocator, nothing is said.
//!
//! [malloc]: https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::iter::StepBy;
use std::ops::Range;
use std::sync::OnceLock;

use super::lists;
use super::memory::{Address, Memory};
use super::regions::{self, Region};

/// Arenas of threads lie at multiples of this.
pub(super) const ARENA: u64 = 64 << 20;
/// Before the first block of an arena there is at most this much.
const ARENA_HEAD: u64 = 0x1000;
/// What a block begins with.
const HEAD: u64 = 16;
const FLAGS: u64 = 0b111;
const PREVIOUS_IN_USE: u64 = 0b001;
const MAPPED: u64 = 0b010;
/// How often a walk is begun anew that met blocks which were just being changed.
const ATTEMPTS: usize = 3;
/// How many words are read at once.
const WINDOW: usize = 2048;

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// What its user has of it.
    pub(super) range: Range<Address>,
    pub(super) is_free: bool,
}

/// Where an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Where {
    Block(Block),
    /// Among what the allocator notes for itself.
    Notes,
}

/// The number in blocks that threads keep for themselves, the same in the whole process; `None` where blocks are not the C
/// library's.
pub(super) fn learn_key(memory: &Memory) -> Option<u64> {
    const FILL: u64 = 0xA5A5_A5A5_A5A5_A5A5;
    /// As many blocks of one size does a thread keep.
    const KEPT: usize = 7;
    static KNOWN: OnceLock<u64> = OnceLock::new();
    if let Some(key) = KNOWN.get() {
        return Some(*key);
    }
    let learn = |words: usize| {
        // With so many in use, none of that size is kept now.
        let mut blocks = vec![vec![FILL; words]; KEPT + 1];
        let block = blocks.pop()?;
        let at = black_box(block.as_ptr()).addr() as u64;
        drop(block);
        memory.word(at + 8)
    };
    let key = learn(5)?;
    (key != FILL && key != 0 && learn(75) == Some(key)).then(|| *KNOWN.get_or_init(|| key))
}

/// Says of each of the sorted `addresses`, all of `region`, in which block it is, as far as that is known.
pub(super) fn blocks(
    memory: &Memory,
    region: &Region,
    key: Option<u64>,
    addresses: &[Address],
) -> BTreeMap<Address, Where> {
    let mut known = BTreeMap::new();
    // Without the number there is no telling free blocks from used ones, or whose allocator this is.
    let Some(key) = key.filter(|_| cfg!(target_env = "gnu")) else { return known };
    let mut rest = addresses;
    while let Some(&first) = rest.first() {
        let end = match Part::at(memory, region, first.raw()) {
            Some(part) => {
                let here = &rest[..rest.partition_point(|at| at.raw() < part.range.end)];
                let listed = lists::of(memory, region, first.raw());
                // It may have grown since it was listed, and may grow while it is walked.
                let walked = (0..ATTEMPTS).find_map(|_| {
                    let Part { range, heads } = Part::at(memory, region, first.raw())?;
                    let mut heads = heads.map(|head| range.start + head);
                    heads.find_map(|start| walk(memory, start..range.end, (key, &listed), here))
                });
                known.extend(walked.unwrap_or_default());
                part.range.end
            }
            // Blocks of their own, as far as they follow each other.
            None => {
                known.extend(mapped(memory, &region.range, rest));
                region.range.end
            }
        };
        match rest.partition_point(|at| at.raw() < end) {
            // Not of this region.
            0 => break,
            done => rest = &rest[done..],
        }
    }
    known
}

/// A part of the memory in which blocks follow each other.
struct Part {
    range: Range<u64>,
    /// Where in it the first of them may be.
    heads: StepBy<Range<u64>>,
}

impl Part {
    /// The part that contains `address`.
    fn at(memory: &Memory, region: &Region, address: u64) -> Option<Part> {
        if region.name == "[heap]" {
            let now = regions::list().ok()?.into_iter().find(|now| now.name == region.name)?;
            return Some(Part { range: now.range, heads: (0..1).step_by(1) });
        }
        let start = address & !(ARENA - 1);
        if !region.range.contains(&start) || !region.name.is_empty() {
            return None;
        }
        // Its arena, the part before it, its size.
        let mut head = [0; 3];
        let read = memory.read(start, &mut head);
        let [arena, _, size] = head;
        let range = start..start.checked_add(size)?;
        let fits = arena != 0 && size > ARENA_HEAD && size <= ARENA && range.contains(&address);
        (read && fits).then(|| Part { range, heads: (0x20..ARENA_HEAD).step_by(16) })
    }
}

/// Goes from block to block up to the end of `range`; `None` where that is not where they lead.
fn walk(
    memory: &Memory,
    range: Range<u64>,
    (key, listed): (u64, &BTreeSet<Address>),
    addresses: &[Address],
) -> Option<BTreeMap<Address, Where>> {
    let mut found = BTreeMap::new();
    let mut window = Window { memory, at: 0, words: Vec::new(), end: range.end };
    let mut wanted = addresses.iter().copied().peekable();
    while let Some(at) = wanted.next_if(|at| at.raw() < range.start) {
        found.insert(at, Where::Notes);
    }
    // Addresses in the block before, of which the next one says whether it is in use.
    let mut waiting: Vec<Address> = Vec::new();
    let mut before: Option<(u64, u64)> = None;
    let mut at = range.start;
    let settle = |waiting: &mut Vec<Address>,
                  found: &mut BTreeMap<Address, Where>,
                  block: (u64, u64),
                  is_free: bool| {
        let (start, size) = block;
        let kept =
            listed.contains(&Address::of(start)) || memory.word(start + HEAD + 8) == Some(key);
        // The last word is the next block's first.
        let range = Address::of(start + HEAD)..Address::of(start + size + 8);
        for at in waiting.drain(..) {
            let block = Block { range: range.clone(), is_free: is_free || kept };
            found.insert(at, Where::Block(block));
        }
    };
    while at < range.end {
        let head = window.word(at + 8)?;
        let size = head & !FLAGS;
        if let Some(before) = before {
            settle(&mut waiting, &mut found, before, head & PREVIOUS_IN_USE == 0);
        }
        let end = at.checked_add(size).filter(|end| *end <= range.end)?;
        // An arena's part that is full ends in two blocks that hold nothing.
        let last = size == 0 && at + HEAD == range.end;
        if last {
            return Some(found);
        }
        if size < HEAD || !size.is_multiple_of(16) || head & MAPPED != 0 {
            return None;
        }
        while let Some(address) = wanted.next_if(|address| address.raw() < end + 8) {
            waiting.push(address);
        }
        before = Some((at, size));
        at = end;
    }
    // The last one is what was never given out.
    settle(&mut waiting, &mut found, before?, true);
    Some(found)
}

/// Blocks with pages of their own, from the start of a range on.
fn mapped(memory: &Memory, range: &Range<u64>, addresses: &[Address]) -> BTreeMap<Address, Where> {
    let mut found = BTreeMap::new();
    let mut wanted = addresses.iter().copied().peekable();
    let mut at = range.start;
    while at < range.end && wanted.peek().is_some() {
        let mut head = [0; 2];
        let read = memory.read(at, &mut head);
        let size = head[1] & !FLAGS;
        let is_block = read && head[0] == 0 && head[1] & FLAGS == MAPPED;
        if !is_block || size == 0 || !size.is_multiple_of(memory.page()) || size > range.end - at {
            break;
        }
        let block = Block { range: Address::of(at + HEAD)..Address::of(at + size), is_free: false };
        at += size;
        while let Some(address) = wanted.next_if(|address| address.raw() < at) {
            found.insert(address, Where::Block(block.clone()));
        }
    }
    found
}

/// A part of memory that was read at once.
struct Window<'a> {
    memory: &'a Memory,
    at: u64,
    words: Vec<u64>,
    end: u64,
}

impl Window<'_> {
    fn word(&mut self, at: u64) -> Option<u64> {
        if at < self.at || at >= self.at + 8 * self.words.len() as u64 {
            let count = ((self.end.checked_sub(at)? / 8) as usize).clamp(1, WINDOW);
            self.words.resize(count, 0);
            self.at = at;
            if !self.memory.read(at, &mut self.words) {
                self.words.clear();
                return None;
            }
        }
        self.words.get(((at - self.at) / 8) as usize).copied()
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        // Copies of pointers would be found by the next scan.
        self.words.resize(WINDOW, 0);
        self.words.fill(0);
        black_box(&self.words);
    }
}
