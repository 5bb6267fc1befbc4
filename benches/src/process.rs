//! What the system says of this process.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;

/// For how long more descriptors than before may be those of work under way.
const REST: Duration = Duration::from_secs(20);

/// Between two looks at them.
const LOOK: Duration = Duration::from_millis(10);

/// What this process uses of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Resident memory.
    pub(crate) rss_kib: i64,
    /// Open descriptors.
    pub(crate) descriptors: i64,
    /// Threads.
    pub(crate) threads: i64,
}

impl Usage {
    /// What it uses now.
    pub(crate) fn now() -> Result<Usage, Error> {
        // Exact, where the counters of `status` and `statm` may be off by some pages a processor.
        let rollup = fs::read_to_string("/proc/self/smaps_rollup").ok();
        let rss_kib = rollup.as_deref().and_then(resident);
        let rss_kib = rss_kib.ok_or(Error::Unknown { step: "soak", what: "resident memory" })?;
        let descriptors = entries("/proc/self/fd", "the number of descriptors")?;
        let threads = entries("/proc/self/task", "the number of threads")?;
        Ok(Usage { rss_kib, descriptors, threads })
    }

    /// What it uses when nothing more is open than was `before`, or after [`REST`] if that does not come: what is
    /// read or written at the moment has a descriptor for as long.
    pub(crate) fn at_rest(before: &Usage) -> Result<Usage, Error> {
        let deadline = Instant::now() + REST;
        loop {
            let usage = Usage::now()?;
            if usage.descriptors <= before.descriptors || Instant::now() > deadline {
                return Ok(usage);
            }
            thread::sleep(LOOK);
        }
    }
}

fn entries(directory: &str, what: &'static str) -> Result<i64, Error> {
    let entries = fs::read_dir(directory).map_err(|_| Error::Unknown { step: "soak", what })?;
    Ok(entries.count() as i64)
}

fn resident(rollup: &str) -> Option<i64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse().ok()
}

/// How many files and directories are in `directory` besides the lock that guards it.
pub(crate) fn entries_besides_lock(directory: &Path) -> Result<usize, Error> {
    let failed = |source| Error::File { action: "listed", path: directory.to_owned(), source };
    let mut entries = 0;
    for entry in fs::read_dir(directory).map_err(failed)? {
        entries += usize::from(entry.map_err(failed)?.file_name() != "lock");
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_its_own_line() {
        let rollup = "5581-7ffc ---p 00:00 0 [rollup]\nRss:                2308 kB\nPss: 9 kB\n";
        assert_eq!(resident(rollup), Some(2308));
        assert_eq!(resident("Pss: 9 kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_used_is_counted() {
        let before = Usage::now().unwrap();
        let file = tempfile::tempfile().unwrap();
        let memory = vec![1_u8; 8 << 20];
        let after = Usage::now().unwrap();
        assert!(after.rss_kib - before.rss_kib > 4 << 10, "{before:?} {after:?}");
        assert!(after.descriptors > 0 && after.threads > 0);
        drop((file, memory));
    }

    #[test]
    fn the_lock_is_not_counted() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("lock"), "").unwrap();
        assert_eq!(entries_besides_lock(directory.path()).unwrap(), 0);
        fs::write(directory.path().join("stage.so"), "").unwrap();
        assert_eq!(entries_besides_lock(directory.path()).unwrap(), 1);
        assert!(entries_besides_lock(&directory.path().join("none")).is_err());
    }
}
