//! The process's own memory, read through the system: what is not there is an error, never a fault.
//!
//! Addresses that the scan keeps are [`Address`]es, which look like no pointer: what it noted itself, or left in memory
//! that somebody else uses next, must not be found by it.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use object::pod::{bytes_of_mut, bytes_of_slice_mut};

/// How many words are read at once.
pub(super) const WINDOW: usize = 8 * 1024;

/// How many pages are asked about at once.
const PAGES: usize = 2048;

/// No address of a program has this bit.
const MARK: u64 = 1 << 63;

/// Page is in memory, or swapped out; see the kernel's `pagemap.rst`.
const TOUCHED: u64 = 0b11 << 62;

/// An address as the scan keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Address(u64);

impl Address {
    pub(super) fn of(raw: u64) -> Address {
        Address(raw ^ MARK)
    }

    pub(super) fn raw(self) -> u64 {
        self.0 ^ MARK
    }
}

/// The process's own memory.
#[derive(Debug)]
pub(super) struct Memory {
    mem: File,
    /// Absent where the system has none; then every page is read.
    pagemap: Option<File>,
    page: u64,
    this: Pid,
}

impl Memory {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// The system's, where a process may not read its own memory as a file.
    pub(super) fn open() -> io::Result<Memory> {
        Ok(Memory {
            mem: File::open("/proc/self/mem")?,
            pagemap: File::open("/proc/self/pagemap").ok(),
            page: rustix::param::page_size() as u64,
            this: Pid::this(),
        })
    }

    /// The size of a page.
    pub(super) fn page(&self) -> u64 {
        self.page
    }

    /// Reads all of `words` from `at` on; `false` where not all of it is there.
    pub(super) fn read(&self, at: u64, words: &mut [u64]) -> bool {
        let length = size_of_val(words);
        let bytes = bytes_of_slice_mut(words);
        let remote = [RemoteIoVec { base: at as usize, len: length }];
        let read = process_vm_readv(self.this, &mut [IoSliceMut::new(bytes)], &remote);
        // Where that call is not allowed, the file is.
        read == Ok(length) || read.is_err() && self.mem.read_exact_at(bytes, at).is_ok()
    }

    /// The word at `at`.
    pub(super) fn word(&self, at: u64) -> Option<u64> {
        let mut word = 0;
        self.mem.read_exact_at(bytes_of_mut(&mut word), at).ok()?;
        Some(word)
    }

    /// The half word at `at`.
    pub(super) fn half(&self, at: u64) -> Option<u32> {
        let mut half = 0;
        self.mem.read_exact_at(bytes_of_mut(&mut half), at).ok()?;
        Some(half)
    }

    /// Says which parts of `range`, whole pages, were ever touched: the rest is empty, and reading would not change that but
    /// cost time.
    pub(super) fn touched(&self, range: &Range<u64>, mut each: impl FnMut(Range<u64>)) {
        let Some(pagemap) = &self.pagemap else { return each(range.clone()) };
        let mut entries = vec![0; PAGES];
        let mut at = range.start;
        let mut run = at..at;
        while at < range.end {
            let pages = ((range.end - at) / self.page).min(PAGES as u64) as usize;
            let entries = &mut entries[..pages.max(1)];
            let offset = at / self.page * size_of::<u64>() as u64;
            if pagemap.read_exact_at(bytes_of_slice_mut(entries), offset).is_err() {
                entries.fill(TOUCHED);
            }
            for &entry in &*entries {
                if entry & TOUCHED == 0 {
                    if !run.is_empty() {
                        each(run.clone());
                    }
                    run = at + self.page..at + self.page;
                }
                at += self.page;
                if entry & TOUCHED != 0 {
                    run.end = at;
                }
            }
        }
        if !run.is_empty() {
            each(run.start..run.end.min(range.end));
        }
    }

    /// Gives every word of `ranges` that `wanted` contains, or that is its own address, to `each`, with the address that it
    /// was found at; says how many bytes were read.
    pub(super) fn search(
        &self,
        ranges: impl Iterator<Item = Range<u64>>,
        wanted: &Range<u64>,
        mut each: impl FnMut(u64, u64),
    ) -> u64 {
        // On the stack of the thread that scans, which is not looked at.
        let mut words = [0; WINDOW];
        let mut bytes = 0;
        for range in ranges {
            self.touched(&range, |run| {
                bytes += run.end - run.start;
                self.search_run(run, wanted, &mut words, &mut each);
            });
        }
        // The stack may be another thread's next.
        words.fill(0);
        black_box(&words);
        bytes
    }

    fn search_run(
        &self,
        run: Range<u64>,
        wanted: &Range<u64>,
        words: &mut [u64; WINDOW],
        each: &mut impl FnMut(u64, u64),
    ) {
        let mut at = run.start;
        let mut step = WINDOW as u64 * 8;
        while at < run.end {
            let count = (step.min(run.end - at) / 8) as usize;
            let words = &mut words[..count.max(1)];
            if self.read(at, words) {
                find(words, at, wanted, each);
                at += step;
                step = WINDOW as u64 * 8;
            } else if step > self.page {
                // Some of it has gone meanwhile: page by page.
                step = self.page;
            } else {
                at += step;
            }
        }
    }
}

/// Written for builds without optimization, in which most programs that swap run: no iterator, no call.
fn find(words: &[u64], at: u64, wanted: &Range<u64>, each: &mut impl FnMut(u64, u64)) {
    let (first, span) = (wanted.start, wanted.end - wanted.start);
    let mut address = at;
    let mut index = 0;
    while index < words.len() {
        let word = words[index];
        if word.wrapping_sub(first) < span || word == address {
            each(address, word);
        }
        index += 1;
        address += 8;
    }
}
