//! From words that look like addresses of an image to whether anybody can reach it.
//!
//! 1. What is in memory of the image itself, its thread-locals included, or in a place where Liveswap keeps it, is left out.
//! 2. So is what is in a dead stack, in a block that was given back, or in the loader's variables, which lead to its own
//!    records only.
//! 3. A block in use only counts if something outside of the image leads to it: memory that only the image knew of stays
//!    behind when it goes, and nobody will look at it. So the blocks are searched for like the image, and the blocks in
//!    which they are found, until one is reached from elsewhere or there are no more.
//! 4. Everything else counts, whatever it is.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::heap::{self, Where};
use super::image::{self, Image};
use super::memory::{Address, Memory};
use super::regions::{self, Region};
use super::stacks::{Slot, Stacks};
use crate::thread;

/// As many words are judged one by one; more are no false alarm.
const MOST: usize = 200_000;
/// As many pointers are described.
const DESCRIBED: usize = 3;
/// As often is a thread that runs asked where it is, a millisecond apart.
const SAMPLES: usize = 8;

/// The process's memory at one moment, more or less: it goes on being written to.
pub(super) struct Survey {
    memory: Memory,
    regions: Vec<Region>,
    stacks: Stacks,
    key: Option<u64>,
    /// Threads that only do Liveswap's own work now.
    ours: BTreeSet<u32>,
    /// Words that point into images, one list an image.
    hits: Vec<Vec<Hit>>,
    /// How much was read.
    pub(super) bytes: u64,
}

/// A word that points into an image.
#[derive(Debug, Clone, Copy)]
struct Hit {
    at: Address,
    offset: u64,
}

/// Pointers by which an image can be reached, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) pointers: Vec<String>,
    pub(super) more: usize,
    /// Whether they may be nothing but what threads left on their stacks.
    pub(super) is_doubtful: bool,
}

/// What is to be thought of a word that points somewhere.
enum Place {
    Harmless,
    Block(Range<Address>),
    /// On a stack, in a part of it that may be in use.
    Doubtful,
    Root,
}

impl Survey {
    /// Searches the memory for addresses inside the images.
    ///
    /// # Errors
    ///
    /// The system's, where the process may not look at itself.
    pub(super) fn take(images: &[&Image], ours: BTreeSet<u32>) -> io::Result<Survey> {
        let memory = Memory::open()?;
        let page = memory.page();
        let regions =
            regions::cut(regions::list()?, |file, start| image::end(Path::new(file), start, page));
        let key = heap::learn_key(&memory);
        let hulls: Vec<Range<u64>> = images.iter().map(|image| image.hull()).collect();
        let first = hulls.iter().map(|hull| hull.start).min().unwrap_or_default();
        let last = hulls.iter().map(|hull| hull.end).max().unwrap_or_default();
        let mut hits: Vec<Vec<Hit>> = images.iter().map(|_| Vec::new()).collect();
        let mut own_addresses = Vec::new();
        let ranges = regions.iter().map(|region| region.range.clone());
        let bytes = memory.search(ranges, &(first..last), |at, value| {
            let at_value = at == value;
            let at = Address::of(at);
            if at_value {
                own_addresses.push(at);
            }
            for (image, hits) in images.iter().zip(&mut hits) {
                if let Some(offset) = image.offset(value) {
                    hits.push(Hit { at, offset });
                }
            }
        });
        let stacks = Stacks::learn(&memory, &regions, &own_addresses);
        Ok(Survey { memory, regions, stacks, key, ours, hits, bytes })
    }

    /// What reaches the image with this index in the list that the survey was taken for.
    pub(super) fn judge(&mut self, index: usize, image: &Image) -> Option<Found> {
        let hits = std::mem::take(&mut self.hits[index]);
        let left_out = self.left_out(image);
        let wanted: BTreeMap<Address, u64> = hits
            .iter()
            .filter(|hit| !left_out.iter().any(|range| range.contains(&hit.at)))
            .filter(|hit| !image.symbols().is_own(hit.offset))
            .map(|hit| (hit.at, hit.offset))
            .collect();
        if wanted.len() > MOST {
            return Some(Found { pointers: Vec::new(), more: wanted.len(), is_doubtful: false });
        }
        let mut found = Found { pointers: Vec::new(), more: 0, is_doubtful: true };
        // Blocks that only count if they are reached, and an address in the image that is found in each.
        let mut blocks = Blocks::default();
        let mut doubtful = Vec::new();
        for (at, place) in self.places(wanted.keys().copied().collect()) {
            let offset = wanted[&at];
            match place {
                Place::Harmless => {}
                Place::Block(range) if image.is_record(&self.memory, range.start) => {}
                Place::Block(_) if image.symbols().is_inside_function(offset) => {}
                Place::Block(range) => blocks.add(range, at, offset),
                Place::Doubtful => doubtful.push((at, offset)),
                Place::Root => {
                    found.is_doubtful = false;
                    found.add(|| self.describe(image, at, offset));
                }
            }
        }
        if found.pointers.is_empty() {
            self.reach(image, &left_out, blocks, &mut found);
        }
        // Where a thread is cannot be asked while it runs, only while it waits for something.
        for _ in 0..SAMPLES {
            if doubtful.is_empty() || !found.is_doubtful {
                break;
            }
            let slots: Vec<Slot> = doubtful.iter().map(|(at, _)| self.stacks.slot(*at)).collect();
            let mut slot = slots.iter();
            doubtful.retain(|_| slot.next() != Some(&Slot::Dead));
            if slots.iter().any(|slot| matches!(slot, Slot::Live(_))) {
                break;
            }
            sleep(Duration::from_millis(1));
        }
        for (at, offset) in doubtful {
            found.add(|| self.describe(image, at, offset));
        }
        (!found.pointers.is_empty()).then_some(found)
    }

    /// Memory of the image itself, and where pointers to it are known.
    fn left_out(&self, image: &Image) -> Vec<Range<Address>> {
        let (module, size) = image.locals;
        let locals = self.stacks.locals(&self.memory, module, size);
        image.segments.iter().cloned().chain(image.known.iter().cloned()).chain(locals).collect()
    }

    /// Looks for what leads to the blocks.
    fn reach(
        &mut self,
        image: &Image,
        left_out: &[Range<Address>],
        mut blocks: Blocks,
        found: &mut Found,
    ) {
        let mut looked_for = 0;
        while blocks.by_start.len() > looked_for && found.pointers.is_empty() {
            looked_for = blocks.by_start.len();
            if looked_for > MOST {
                found.is_doubtful = false;
                found.more += looked_for;
                found.add(|| "values of it in the heap".to_owned());
                return;
            }
            let mut leading: BTreeMap<Address, Address> = BTreeMap::new();
            let hull = blocks.hull();
            let ranges = self.regions.iter().map(|region| region.range.clone());
            self.bytes += self.memory.search(ranges, &hull, |at, value| {
                let at = Address::of(at);
                let Some(start) = blocks.containing(Address::of(value)) else { return };
                // The allocator has the address of the next block's head in its own variables.
                if blocks.is_last_word(start, value) && self.is_of_c_library(at) {
                    return;
                }
                // What points to its own block leads nowhere.
                let inside = blocks.containing(at).is_some();
                if !inside && !left_out.iter().any(|range| range.contains(&at)) {
                    leading.insert(at, start);
                }
            });
            for (at, place) in self.places(leading.keys().copied().collect()) {
                let (through, offset) = blocks.by_start[&leading[&at]].1;
                match place {
                    Place::Harmless => {}
                    Place::Block(range) => blocks.add(range, through, offset),
                    Place::Doubtful | Place::Root => {
                        found.is_doubtful &= matches!(place, Place::Doubtful);
                        found.add(|| {
                            let pointer = self.describe(image, through, offset);
                            format!("{pointer}, which is reached from {}", self.words(at))
                        });
                    }
                }
            }
        }
    }

    /// Whether `at` is among the variables of the C library.
    fn is_of_c_library(&self, at: Address) -> bool {
        let region = regions::containing(&self.regions, at.raw());
        region
            .and_then(file_name)
            .is_some_and(|name| name.starts_with("libc.so") || name.starts_with("libc-2"))
    }

    /// What is to be thought of each of the sorted addresses.
    fn places(&self, addresses: Vec<Address>) -> Vec<(Address, Place)> {
        let mut places = Vec::new();
        let mut rest = addresses.as_slice();
        while let Some(&first) = rest.first() {
            let Some(region) = regions::containing(&self.regions, first.raw()) else { break };
            let here = rest.partition_point(|at| at.raw() < region.range.end);
            let (here, after) = rest.split_at(here);
            rest = after;
            let mut in_heap = Vec::new();
            for &at in here {
                match self.stacks.slot(at) {
                    Slot::Dead => places.push((at, Place::Harmless)),
                    Slot::Live(thread) | Slot::Unknown(thread) if self.ours.contains(&thread) => {
                        places.push((at, Place::Harmless));
                    }
                    Slot::Live(_) | Slot::Unknown(_) => places.push((at, Place::Doubtful)),
                    Slot::Elsewhere => in_heap.push(at),
                }
            }
            let is_heap = region.file.is_none() && !in_heap.is_empty();
            let blocks = match is_heap {
                true => heap::blocks(&self.memory, region, self.key, &in_heap),
                false => BTreeMap::new(),
            };
            let is_loader = file_name(region).is_some_and(|name| name.starts_with("ld-linux"));
            for at in in_heap {
                let place = match blocks.get(&at) {
                    Some(Where::Notes) => Place::Harmless,
                    Some(Where::Block(block)) if block.is_free => Place::Harmless,
                    Some(Where::Block(block)) => Place::Block(block.range.clone()),
                    None if is_loader => Place::Harmless,
                    None => Place::Root,
                };
                places.push((at, place));
            }
        }
        places
    }

    fn describe(&self, image: &Image, at: Address, offset: u64) -> String {
        format!("a pointer to {} {}", image.name(&self.memory, offset), self.place_words(at))
    }

    /// Where `at` is, in words that follow a noun.
    fn place_words(&self, at: Address) -> String {
        match self.stacks.slot(at) {
            Slot::Elsewhere | Slot::Dead => format!("in {}", self.words(at)),
            Slot::Live(_) | Slot::Unknown(_) => format!("on {}", self.words(at)),
        }
    }

    /// Where `at` is, in words.
    fn words(&self, at: Address) -> String {
        let raw = at.raw();
        if let Slot::Live(number) | Slot::Unknown(number) = self.stacks.slot(at) {
            return format!("the stack of the thread `{}`", thread::name(number));
        }
        let region = regions::containing(&self.regions, raw);
        if let Some((file, start)) = region.and_then(|region| region.file.as_ref()) {
            let short = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
            return match image::variable(Path::new(file), *start, raw) {
                Some(variable) => format!("the variable {variable} of `{short}`"),
                None => format!("a variable of `{short}`"),
            };
        }
        match region.is_some_and(|region| region.name == "[heap]") {
            true => format!("the heap at {raw:#x}"),
            false => format!("memory at {raw:#x}"),
        }
    }
}

/// The last part of the name of the file whose variables these are.
fn file_name(region: &Region) -> Option<&str> {
    Path::new(&region.file.as_ref()?.0).file_name()?.to_str()
}

impl Found {
    fn add(&mut self, describe: impl FnOnce() -> String) {
        if self.pointers.len() < DESCRIBED {
            let pointer = describe();
            if !self.pointers.contains(&pointer) {
                self.pointers.push(pointer);
            }
        } else {
            self.more += 1;
        }
    }
}

/// Blocks that count if they are reached: for each its end, and a word with its offset that makes it count.
#[derive(Debug, Default)]
struct Blocks {
    by_start: BTreeMap<Address, (Address, (Address, u64))>,
}

impl Blocks {
    fn add(&mut self, range: Range<Address>, through: Address, offset: u64) {
        self.by_start.entry(range.start).or_insert((range.end, (through, offset)));
    }

    /// The start of the block that `at` is in.
    fn containing(&self, at: Address) -> Option<Address> {
        let (&start, (end, _)) = self.by_start.range(..=at).next_back()?;
        (at < *end).then_some(start)
    }

    /// Whether `value` is the address of the last word of the block that begins at `start`.
    fn is_last_word(&self, start: Address, value: u64) -> bool {
        self.by_start.get(&start).is_some_and(|(end, _)| value + 8 == end.raw())
    }

    fn hull(&self) -> Range<u64> {
        let first = self.by_start.keys().next().map_or(0, |first| first.raw());
        let last = self.by_start.values().map(|(end, _)| end.raw()).max().unwrap_or(first);
        first..last
    }
}
