//! The memory of an image that stays: given back as far as the system can read it again, and counted.
//!
//! Code and constants of an image are pages of its file, which the system reads when they are used. Given back, they take no
//! memory until then. A page that was written to since (a debugger's breakpoint) is the process's own and is left alone.

use super::MappedImage;

/// Gives back the pages that were never written to.
#[cfg(target_os = "linux")]
pub(crate) fn give_back(image: &MappedImage) {
    for segment in image.segments.iter().filter(|segment| !segment.writable) {
        let pages = linux::pages(&segment.range);
        // Where it cannot be known which pages were written to, none is given back.
        let Some(entries) = linux::entries(&pages) else { continue };
        let size = super::page_size();
        let mut next = pages.start;
        for run in entries.chunk_by(|one, other| linux::is_own(*one) == linux::is_own(*other)) {
            let range = next..next + run.len() * size;
            next = range.end;
            if !linux::is_own(run[0]) {
                // SAFETY: pages of the image's file, mapped and never written to: the next access reads the same bytes.
                unsafe { linux::drop_pages(range) };
            }
        }
    }
}

/// Nothing: it is not known which pages the system can read again.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_back(_: &MappedImage) {}

/// How many bytes of the image are in memory; all of it where the system does not tell.
pub(crate) fn in_memory(image: &MappedImage) -> u64 {
    let whole = || u64::try_from(image.size()).unwrap_or(u64::MAX);
    #[cfg(target_os = "linux")]
    return linux::in_memory(image).unwrap_or_else(whole);
    #[cfg(not(target_os = "linux"))]
    return whole();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::ops::Range;
    use std::os::unix::fs::FileExt;

    use super::super::{MappedImage, page_size};

    /// Documentation/admin-guide/mm/pagemap.rst of Linux: in memory.
    const PRESENT: u64 = 1 << 63;
    /// On its way to or from the disk as the process's own page.
    const SWAPPED: u64 = 1 << 62;
    /// A page of a file, or shared.
    const OF_FILE: u64 = 1 << 61;

    pub(super) fn pages(range: &Range<usize>) -> Range<usize> {
        let size = page_size();
        range.start / size * size..range.end.next_multiple_of(size)
    }

    /// What the kernel says of each of these pages.
    pub(super) fn entries(pages: &Range<usize>) -> Option<Vec<u64>> {
        const ENTRY: usize = size_of::<u64>();
        let (first, count) = (pages.start / page_size(), pages.len() / page_size());
        let mut bytes = vec![0; count * ENTRY];
        let map = File::open("/proc/self/pagemap").ok()?;
        map.read_exact_at(&mut bytes, u64::try_from(first * ENTRY).ok()?).ok()?;
        let entries = bytes.as_chunks::<ENTRY>().0;
        Some(entries.iter().map(|entry| u64::from_ne_bytes(*entry)).collect())
    }

    /// Whether a page is the process's own: it was written to.
    pub(super) fn is_own(entry: u64) -> bool {
        entry & SWAPPED != 0 || entry & PRESENT != 0 && entry & OF_FILE == 0
    }

    pub(super) fn in_memory(image: &MappedImage) -> Option<u64> {
        let mut count = 0;
        for segment in &image.segments {
            let entries = entries(&pages(&segment.range))?;
            count += entries.iter().filter(|entry| *entry & (PRESENT | SWAPPED) != 0).count();
        }
        u64::try_from(count * page_size()).ok()
    }

    /// Drops pages from memory.
    ///
    /// # Safety
    ///
    /// They are pages of a file that stays as it is, and were never written to.
    pub(super) unsafe fn drop_pages(pages: Range<usize>) {
        let start = std::ptr::with_exposed_provenance_mut(pages.start);
        // SAFETY: passed on to the caller. If the system refuses, they stay, which is only more memory.
        unsafe { libc::madvise(start, pages.len(), libc::MADV_DONTNEED) };
    }
}
