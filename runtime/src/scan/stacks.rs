//! Threads and their stacks: what of them is in use, and what only looks like it.
//!
//! The C library puts a thread's descriptor at the upper end of its stack, after memory that nobody may touch, the stack
//! itself and the thread's locals. A descriptor contains its own address twice, and the system's number of the thread while
//! that lives; stacks of threads that have ended are kept for the next one. Where in the descriptor the number is, is learned
//! from the thread that looks. Where none of that is so (another C library or processor), a stack counts as a
//! whole, unless the system says where in it a thread is.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::sync::OnceLock;

use nix::unistd::gettid;

use super::memory::{Address, Memory};
use super::regions::{self, Region};

/// Up to where the number of a thread is looked for in its descriptor.
const DESCRIPTOR: u64 = 0x1000;

/// What functions may use below the stack pointer.
const RED_ZONE: u64 = 128;

/// What is at an address, as far as threads go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// No thread's stack.
    Elsewhere,
    /// A stack, and nobody will read what is there.
    Dead,
    /// A stack in use, or memory of its thread.
    Live(u32),
    /// A stack whose thread is running right now: how far it is in use is not known.
    Unknown(u32),
}

/// The stacks of the process.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    zones: Vec<Zone>,
    descriptors: Vec<(Address, u32)>,
}

#[derive(Debug)]
struct Zone {
    range: Range<Address>,
    /// `None` for a thread that has ended.
    thread: Option<u32>,
}

/// The numbers of the threads that live.
fn living() -> BTreeSet<u32> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.filter_map(|task| task.file_name().to_str()?.parse().ok()).collect()
}

impl Stacks {
    /// Learns where they are; `own_addresses` are words that contain their own address.
    pub(super) fn learn(memory: &Memory, regions: &[Region], own_addresses: &[Address]) -> Stacks {
        let mut stacks = Stacks::default();
        let main = regions.iter().find(|region| region.name == "[stack]");
        if let Some(main) = main {
            stacks.zones.push(Zone::of(&main.range, Some(std::process::id())));
        }
        if !cfg!(all(target_arch = "x86_64", target_env = "gnu")) {
            let sp = |thread: &u32| match position(*thread) {
                Some(Position::At(sp)) => Some((sp, *thread)),
                _ => None,
            };
            for (sp, thread) in living().iter().filter_map(sp) {
                if let Some(region) =
                    regions::containing(regions, sp).filter(|region| region.guarded)
                {
                    stacks.zones.push(Zone::of(&region.range, Some(thread)));
                }
            }
            return stacks;
        }
        let is_descriptor = |at: &Address| memory.word(at.raw() + 16) == Some(at.raw());
        let found: Vec<u64> =
            own_addresses.iter().copied().filter(is_descriptor).map(Address::raw).collect();
        let Some(offset) = number_in_descriptor(memory, &found) else { return stacks };
        let numbers: Vec<Option<u32>> = found.iter().map(|at| memory.half(at + offset)).collect();
        // Asked after the numbers were read: a thread that began meanwhile lives.
        let living = living();
        for (index, (&descriptor, number)) in found.iter().zip(numbers).enumerate() {
            let Some(number) = number else { continue };
            let thread = living.contains(&number).then_some(number);
            if let Some(thread) = thread {
                stacks.descriptors.push((Address::of(descriptor), thread));
            }
            let Some(region) = regions::containing(regions, descriptor) else { continue };
            // The lowest descriptor after a guard is that of the stack right after it.
            let first = !found[..index].iter().any(|other| region.range.contains(other));
            if region.guarded && first {
                let end = region.range.end.min(descriptor + DESCRIPTOR);
                stacks.zones.push(Zone::of(&(region.range.start..end), thread));
            }
        }
        stacks
    }

    /// What is at `at`.
    pub(super) fn slot(&self, at: Address) -> Slot {
        let Some(zone) = self.zones.iter().find(|zone| zone.range.contains(&at)) else {
            return Slot::Elsewhere;
        };
        let Some(thread) = zone.thread else { return Slot::Dead };
        match position(thread) {
            Some(Position::At(sp)) if zone.range.contains(&Address::of(sp)) => {
                match at.raw() < sp - RED_ZONE {
                    true => Slot::Dead,
                    false => Slot::Live(thread),
                }
            }
            // On another stack, a signal's or its own.
            Some(Position::At(_)) => Slot::Live(thread),
            Some(Position::Running) => Slot::Unknown(thread),
            None => Slot::Dead,
        }
    }

    /// The memory that each living thread has for the thread-locals of the library with the loader's number `module`, of
    /// `size` bytes.
    pub(super) fn locals(&self, memory: &Memory, module: usize, size: u64) -> Vec<Range<Address>> {
        if module == 0 {
            return Vec::new();
        }
        let block = |(descriptor, _): &(Address, u32)| {
            // The second word of a descriptor leads to a list of blocks, two words each.
            let blocks = memory.word(descriptor.raw() + 8)?;
            let block = memory.word(blocks.checked_add(16 * module as u64)?)?;
            let end = block.checked_add(size)?;
            Some(Address::of(block)..Address::of(end))
        };
        self.descriptors.iter().filter_map(block).collect()
    }
}

impl Zone {
    fn of(range: &Range<u64>, thread: Option<u32>) -> Zone {
        Zone { range: Address::of(range.start)..Address::of(range.end), thread }
    }
}

/// Where in its stack a thread is.
enum Position {
    At(u64),
    Running,
}

/// Where a thread is; `None` if it has ended.
fn position(thread: u32) -> Option<Position> {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/syscall")).ok()?;
    // The last two are the stack pointer and the place in the code.
    let at = text.split_whitespace().rev().nth(1);
    let at = at.and_then(|at| u64::from_str_radix(at.strip_prefix("0x")?, 16).ok());
    Some(at.filter(|at| *at > RED_ZONE).map_or(Position::Running, Position::At))
}

/// Where in a descriptor the number of its thread is; the same in the whole process.
fn number_in_descriptor(memory: &Memory, descriptors: &[u64]) -> Option<u64> {
    static KNOWN: OnceLock<u64> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Some(*known);
    }
    // Two threads live for sure: the one that looks, and the program's first.
    let (this, first) = (gettid().as_raw().unsigned_abs(), std::process::id());
    let fits = |offset: &u64| {
        let numbers = || descriptors.iter().filter_map(|at| memory.half(at + offset));
        this != first
            && numbers().filter(|number| *number == this).count() == 1
            && numbers().filter(|number| *number == first).count() == 1
    };
    let offset = (0x40..DESCRIPTOR).step_by(4).find(fits)?;
    Some(*KNOWN.get_or_init(|| offset))
}
