//! Quarantine: the code of an image made inaccessible for a while, so that whoever still calls it is found out.
//!
//! A call into a closed page faults. The handler of that signal finds the page in a fixed table, opens the image's pages
//! again, writes down who called, and returns: the program goes on inside the old code as if nothing had happened. The
//! owner thread sees the mark at its next look and never unloads that image.
//!
//! **Closing.** The owner takes a free entry of the table, writes the ranges, begins to watch it, and only then closes the
//! pages: a fault always finds its entry.
//!
//! **Striking.** The handler enters an entry, looks whether it is watched and has the address, marks it (the first one also
//! leaves its evidence), opens all pages of the entry, and leaves the entry. Two threads that strike together open the
//! pages twice, which is once. A page that the owner closes after the handler opened it is struck again.
//!
//! **Ending.** The owner opens the pages, and only some time later stops watching: a fault that was on its way finds its
//! entry still. Then it asks whether a handler is in the entry; if not, no handler will use its ranges again, the mark is
//! final, and the entry is free for another image. If one is, the owner asks again later and waits for nobody.
//!
//! 1. *A handler enters before the owner stops watching.* The owner finds it inside and comes again.
//! 2. *A handler enters after that.* It sees that the entry is not watched and leaves it alone. The fault is then like any
//!    other: its thread was interrupted between the fault and the handler for longer than the owner waited.
//!
//! Both sides write one word and then read the other's (`inside` and `state`), which is why all four are `SeqCst`: in one
//! order of all of them, at least one of the two sees the other. Everything else is published by those words. This is
//! argued and not model-checked: the handler runs in the middle of any other instruction, which the model checker has no
//! notion of, and there are two words.
//!
//! **The handler** may run anywhere, in the allocator or in the loader with their locks held, and on an alternate stack of
//! a few kilobytes. So it does nothing but loads and stores of atomics in static memory and system calls (`mprotect`,
//! `process_vm_readv`, `prctl`, `gettid`), takes no lock, allocates nothing, unwinds nothing, and leaves `errno` as it
//! was. Faults that are not ours go to whichever handler was there before ([`signal`]).
//!
//! What is not seen: a call on a thread that blocks the signal (the system ends the program then, as without a quarantine),
//! a system call that is given a pointer into closed pages (there are none: only code is closed), and reads of data.
//!
//! Obligations, named by the safety comments here:
//!
//! 1. The ranges of a watched entry are pages of an image that stays mapped until its quarantine has ended: the owner
//!    holds both, and closes the image after.
//! 2. Pages are opened with the protection that the loader gave them.
//! 3. Nobody is inside the image when its pages are closed: obligation 2 of closing an image, in `dylib`.

mod context;
mod signal;
mod table;

use std::ops::Range;

use super::{MappedImage, page_size};
use table::Entry;

/// The pages of one image, closed or just opened again.
///
/// Dropping it opens the pages.
#[derive(Debug)]
pub(crate) struct Quarantine {
    entry: &'static Entry,
    ended: bool,
}

/// A call of closed code, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StrayCall {
    /// The address that was called.
    pub(crate) address: usize,
    /// The name of the thread that called, as far as the system keeps it.
    pub(crate) thread: String,
    /// The top of that thread's stack, word by word; the first return address is in it, or before it.
    pub(crate) stack: Vec<usize>,
}

/// Whether a quarantine has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nobody called, and nobody's call will be seen any more.
    Unharmed,
    /// Somebody called.
    Struck(StrayCall),
    /// A handler is just looking: to be asked again.
    NotYet,
}

impl Quarantine {
    /// Closes the code of an image; `None` where that cannot be done, with the pages as they were.
    ///
    /// # Safety
    ///
    /// Obligations 1 and 3.
    pub(crate) unsafe fn begin(image: &MappedImage) -> Option<Quarantine> {
        let code = code(image)?;
        if !signal::stand_in_front() {
            return None;
        }
        let quarantine = Quarantine { entry: table::watch(&code)?, ended: false };
        // SAFETY: obligations 1 and 3, passed on to the caller.
        let closed = unsafe { quarantine.entry.close() };
        closed.then_some(quarantine)
    }

    /// Whether a call was caught. The pages are open then, and the next is to end the quarantine.
    pub(crate) fn is_struck(&self) -> bool {
        self.entry.is_struck()
    }

    /// Opens the pages again, whether the system does so; calls that are on their way are still seen.
    pub(crate) fn open(&self) -> bool {
        self.entry.open()
    }

    /// Ends watching, some time after the pages were opened.
    pub(crate) fn end(&mut self) -> Ended {
        let ended = self.entry.unwatch();
        self.ended = ended != Ended::NotYet;
        ended
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        if !self.ended {
            self.open();
            // An entry in which a handler is just looking is lost to the table, and does no harm.
            let _ = self.entry.unwatch();
        }
    }
}

/// The pages with an image's code; `None` where it has none of its own.
fn code(image: &MappedImage) -> Option<Vec<Range<usize>>> {
    let page = page_size();
    let executable = image.segments.iter().filter(|segment| segment.executable);
    let pages: Vec<Range<usize>> = executable
        .map(|segment| segment.range.start / page * page..segment.range.end.next_multiple_of(page))
        .collect();
    // Headers are read by whoever walks the loader's list, also in another thread's panic.
    let has_headers = pages.iter().any(|pages| pages.contains(&image.base));
    let writable = image.segments.iter().any(|one| one.executable && one.writable);
    let fits = !pages.is_empty() && pages.len() <= table::RANGES;
    (fits && !has_headers && !writable).then_some(pages)
}
