//! The fixed table of what is closed: written by owner threads, read by the handler.

use std::ops::Range;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};

use libc::{c_int, c_void};

use super::context::Place;
use super::{Ended, StrayCall};

/// How many images can be closed at a time.
const ENTRIES: usize = 32;

/// How many ranges of pages one image can have.
pub(super) const RANGES: usize = 4;

/// How many words of the stack are kept.
const WORDS: usize = 512;

/// Nobody's.
const FREE: u32 = 0;
/// An owner's, who is just writing or ending it.
const TAKEN: u32 = 1;
/// Looked at by the handler.
const WATCHED: u32 = 2;

/// Nobody called.
const QUIET: u32 = 0;
/// Somebody called.
const STRUCK: u32 = 1;

static TABLE: [Entry; ENTRIES] = [const { Entry::new() }; ENTRIES];

/// One image's pages, and what became of them.
#[derive(Debug)]
pub(super) struct Entry {
    state: AtomicU32,
    /// Handlers that are looking at the entry.
    inside: AtomicU32,
    mark: AtomicU32,
    ranges: [Pages; RANGES],
    evidence: Evidence,
}

/// A range of pages; empty where both are zero.
#[derive(Debug)]
struct Pages {
    start: AtomicUsize,
    end: AtomicUsize,
}

/// Who struck first. Written by that handler alone, read by the owner when no handler is inside.
#[derive(Debug)]
struct Evidence {
    address: AtomicUsize,
    /// The name of the thread, as the kernel keeps it.
    thread: [AtomicU64; 2],
    /// Where the call will return to, where that is not on the stack.
    link: AtomicUsize,
    words: AtomicUsize,
    stack: [AtomicUsize; WORDS],
}

impl Entry {
    const fn new() -> Entry {
        Entry {
            state: AtomicU32::new(FREE),
            inside: AtomicU32::new(0),
            mark: AtomicU32::new(QUIET),
            ranges: [const { Pages { start: AtomicUsize::new(0), end: AtomicUsize::new(0) } };
                RANGES],
            evidence: Evidence {
                address: AtomicUsize::new(0),
                thread: [const { AtomicU64::new(0) }; 2],
                link: AtomicUsize::new(0),
                words: AtomicUsize::new(0),
                stack: [const { AtomicUsize::new(0) }; WORDS],
            },
        }
    }

    /// Closes the pages; opens them again and gives `false` if the system refuses.
    ///
    /// # Safety
    ///
    /// Obligations 1 and 3 of the module.
    pub(super) unsafe fn close(&self) -> bool {
        // SAFETY: obligations 1 and 3, passed on to the caller.
        let refused = |pages: Range<usize>| !unsafe { protect(pages, libc::PROT_NONE) };
        let closed = !self.ranges().any(refused);
        if !closed {
            self.open();
        }
        closed
    }

    /// Opens the pages; whether the system did. Called by owners and by the handler.
    pub(super) fn open(&self) -> bool {
        // SAFETY: obligations 1 and 2: code that is not writable, in an image that is mapped.
        let open = |pages| unsafe { protect(pages, libc::PROT_READ | libc::PROT_EXEC) };
        self.ranges().all(open)
    }

    /// Whether somebody called.
    pub(super) fn is_struck(&self) -> bool {
        // SeqCst with `strike`; what it wrote besides is read by `unwatch`.
        self.mark.load(SeqCst) != QUIET
    }

    /// Stops watching, if no handler is looking.
    pub(super) fn unwatch(&self) -> Ended {
        // SeqCst with `strike`: either its handler sees this, or it is seen inside.
        self.state.store(TAKEN, SeqCst);
        // SeqCst: see above; reads what a handler wrote last when it left.
        if self.inside.load(SeqCst) != 0 {
            return Ended::NotYet;
        }
        let ended = match self.is_struck() {
            true => Ended::Struck(self.evidence.read()),
            false => Ended::Unharmed,
        };
        // SeqCst with `watch`: whoever takes it next finds nobody at work.
        self.state.store(FREE, SeqCst);
        ended
    }

    fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        // Relaxed: written before the entry was watched, by whoever watches it; a handler has read `state` before.
        let pages = |pages: &Pages| pages.start.load(Relaxed)..pages.end.load(Relaxed);
        self.ranges.iter().map(pages).filter(|pages| !pages.is_empty())
    }

    /// Looks whether a fault at `address` is this entry's; opens its pages then.
    fn strike(&self, address: usize, place: &Place) -> bool {
        // SeqCst with `unwatch`: either the owner sees this, or the next line sees the owner.
        self.inside.fetch_add(1, SeqCst);
        // SeqCst: see above; also makes the ranges visible that `watch` wrote before.
        let ours = self.state.load(SeqCst) == WATCHED
            && self.ranges().any(|pages| pages.contains(&address));
        // SeqCst with `is_struck` and with another handler's: one of them is the first.
        if ours && self.mark.compare_exchange(QUIET, STRUCK, SeqCst, SeqCst).is_ok() {
            self.evidence.note(address, place);
        }
        let opened = ours && self.open();
        // SeqCst with `unwatch`: what was done here comes before.
        self.inside.fetch_sub(1, SeqCst);
        opened
    }
}

impl Evidence {
    /// Writes down who struck.
    fn note(&self, address: usize, place: &Place) {
        // Relaxed, all of these: the owner reads them when this handler has left the entry.
        self.address.store(address, Relaxed);
        self.link.store(place.link, Relaxed);
        let [first, second] = thread_name();
        self.thread[0].store(first, Relaxed);
        self.thread[1].store(second, Relaxed);
        // SAFETY: these words are for this handler alone until it has left the entry.
        let read = unsafe { read_own(place.stack, self.stack.as_ptr().cast_mut().cast()) };
        self.words.store(read / size_of::<usize>(), Relaxed);
    }

    /// What was written down.
    fn read(&self) -> StrayCall {
        // Relaxed, all of these: the handler that wrote them has left the entry.
        let name = self.thread.iter().flat_map(|word| word.load(Relaxed).to_ne_bytes());
        let name: Vec<u8> = name.take_while(|byte| *byte != 0).collect();
        let link = Some(self.link.load(Relaxed)).filter(|link| *link != 0);
        let words = self.words.load(Relaxed).min(WORDS);
        let stack = self.stack[..words].iter().map(|word| word.load(Relaxed));
        StrayCall {
            address: self.address.load(Relaxed),
            thread: String::from_utf8_lossy(&name).into_owned(),
            stack: link.into_iter().chain(stack).collect(),
        }
    }
}

/// Takes an entry for these pages and begins to watch it; `None` when all are taken.
pub(super) fn watch(pages: &[Range<usize>]) -> Option<&'static Entry> {
    // SeqCst with the end of another owner's use in `unwatch`.
    let take = |entry: &&Entry| entry.state.compare_exchange(FREE, TAKEN, SeqCst, SeqCst).is_ok();
    let entry = TABLE.iter().find(take)?;
    // Relaxed, all of these: published by the state below.
    entry.mark.store(QUIET, Relaxed);
    for (index, range) in entry.ranges.iter().enumerate() {
        let pages = pages.get(index).cloned().unwrap_or_default();
        range.start.store(pages.start, Relaxed);
        range.end.store(pages.end, Relaxed);
    }
    // SeqCst with `strike`.
    entry.state.store(WATCHED, SeqCst);
    Some(entry)
}

/// Whether a fault at `address` was one of ours; the pages are open then. Called by the handler.
pub(super) fn strike(address: usize, place: &Place) -> bool {
    TABLE.iter().any(|entry| entry.strike(address, place))
}

/// Gives pages another protection; whether the system did.
///
/// # Safety
///
/// Obligations 1 to 3 of the module, as far as the protection needs them.
unsafe fn protect(pages: Range<usize>, protection: c_int) -> bool {
    let start = std::ptr::with_exposed_provenance_mut::<c_void>(pages.start);
    // SAFETY: passed on to the caller.
    unsafe { libc::mprotect(start, pages.len(), protection) == 0 }
}

/// The name of the calling thread, padded with zeros.
fn thread_name() -> [u64; 2] {
    let mut name = [0_u64; 2];
    // SAFETY: the kernel writes 16 bytes at most.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}

/// Copies the stack from `from` on, as far as it is mapped; how many bytes that were.
///
/// # Safety
///
/// [`WORDS`] words can be written at `to`.
unsafe fn read_own(from: usize, to: *mut c_void) -> usize {
    const LENGTH: usize = WORDS * size_of::<usize>();
    // The smallest pages there are: a range that begins in a mapped page is read up to the first that is not.
    const PAGE: usize = 4096;
    let until = (from / PAGE + 1) * PAGE;
    let first = (until - from).min(LENGTH);
    let part = |start: usize, length: usize| libc::iovec {
        iov_base: std::ptr::with_exposed_provenance_mut(start),
        iov_len: length,
    };
    let local = libc::iovec { iov_base: to, iov_len: LENGTH };
    let remote = [part(from, first), part(until, LENGTH - first)];
    // SAFETY: asks for a number.
    let own = unsafe { libc::getpid() };
    // SAFETY: passed on to the caller; what cannot be read is an error and no fault.
    let read = unsafe { libc::process_vm_readv(own, &raw const local, 1, remote.as_ptr(), 2, 0) };
    usize::try_from(read).unwrap_or(0)
}
