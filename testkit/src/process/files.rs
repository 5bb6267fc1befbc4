//! Waiting for a condition, and the ways in which an artifact can appear in its place.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::DEADLINE;

/// Waits until `done`, looking again and again.
///
/// # Panics
///
/// At the deadline, with what was waited for.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Copies `from` beside `to` and renames it over it, as most linkers do.
///
/// # Errors
///
/// When the file cannot be read or written.
pub fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    let aside = to.with_extension("part");
    fs::copy(from, &aside)?;
    fs::rename(&aside, to)
}

/// Writes the bytes into `to` in pieces, holding it open all the time; `between` is called before every piece but the
/// first.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_slowly(
    bytes: &[u8],
    to: &mut File,
    pieces: usize,
    mut between: impl FnMut(usize),
) -> io::Result<()> {
    for (index, piece) in bytes.chunks(bytes.len().div_ceil(pieces).max(1)).enumerate() {
        if index > 0 {
            between(index);
        }
        to.write_all(piece)?;
        to.flush()?;
    }
    Ok(())
}

/// The directories in `of`; none where it is not there.
#[must_use]
pub fn directories(of: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(of) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}
