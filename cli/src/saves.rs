//! Saved files, gathered until an editor is done: several files saved together are one build.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use liveswap::watch::{Notice, Touch};

/// An editor that saves several files saves the next one within this time.
const TOGETHER: Duration = Duration::from_millis(8);

/// An editor that opened a file to write it closes it, or puts a removed one back, within this time.
const UNFINISHED: Duration = Duration::from_millis(120);

/// Files that were saved and are not built yet.
#[derive(Debug, Default)]
pub(crate) struct Saves {
    files: BTreeSet<PathBuf>,
    first: Option<Instant>,
    due: Option<Instant>,
}

/// Files that were saved together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) files: BTreeSet<PathBuf>,
    /// When the first of them was noticed.
    pub(crate) since: Instant,
}

impl Saves {
    /// Takes in what happened to a file.
    pub(crate) fn note(&mut self, notice: Notice, now: Instant) {
        let quiet = match notice.touch {
            Touch::Attributes => return,
            Touch::Closed | Touch::Replaced | Touch::Changed => TOGETHER,
            Touch::Created | Touch::Written | Touch::Removed => UNFINISHED,
        };
        self.files.insert(notice.path);
        self.first.get_or_insert(now);
        self.due = Some(now + quiet);
    }

    /// When [`Saves::take`] has something to give.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What was saved, once nothing more is expected.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Batch> {
        let since = self.first.filter(|_| self.due.is_some_and(|due| due <= now))?;
        (self.first, self.due) = (None, None);
        Some(Batch { files: std::mem::take(&mut self.files), since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(notices: &[(u64, &str, Touch)]) -> Vec<(u64, Vec<String>)> {
        let start = Instant::now();
        let mut saves = Saves::default();
        let mut batches = Vec::new();
        let end = notices.last().map_or(0, |(at, ..)| at + 1000);
        for millis in 0..=end {
            let now = start + Duration::from_millis(millis);
            for (_, path, touch) in notices.iter().filter(|(at, ..)| *at == millis) {
                saves.note(Notice { path: path.into(), touch: *touch }, now);
            }
            if let Some(batch) = saves.take(now) {
                let names = batch.files.iter().map(|file| file.display().to_string()).collect();
                batches.push((millis, names));
            }
        }
        assert_eq!(saves.due(), None);
        batches
    }

    #[test]
    fn each_way_of_saving_is_one_batch() {
        use Touch::{Attributes, Closed, Created, Removed, Replaced, Written};
        let a = || vec!["a".to_owned()];
        type Case<'a> = (&'a str, Vec<(u64, &'a str, Touch)>, Vec<(u64, Vec<String>)>);
        let table: Vec<Case<'_>> = vec![
            (
                "in place",
                vec![(0, "a", Written), (1, "a", Written), (2, "a", Closed)],
                vec![(10, a())],
            ),
            ("renamed over", vec![(5, "a", Replaced)], vec![(13, a())]),
            (
                "removed, then made anew",
                vec![(0, "a", Removed), (40, "a", Created), (41, "a", Closed)],
                vec![(49, a())],
            ),
            ("removed for good", vec![(0, "a", Removed)], vec![(120, a())]),
            ("touched", vec![(0, "a", Attributes)], vec![]),
            (
                "two together",
                vec![(0, "a", Closed), (6, "b", Closed)],
                vec![(14, vec!["a".to_owned(), "b".to_owned()])],
            ),
            ("two apart", vec![(0, "a", Closed), (100, "a", Closed)], vec![(8, a()), (108, a())]),
            ("never closed", vec![(0, "a", Written)], vec![(120, a())]),
        ];
        for (name, notices, expected) in table {
            assert_eq!(run(&notices), expected, "{name}");
        }
    }

    #[test]
    fn a_batch_knows_when_its_first_file_was_saved() {
        let start = Instant::now();
        let mut saves = Saves::default();
        let notice = |path: &str| Notice { path: path.into(), touch: Touch::Closed };
        saves.note(notice("a"), start);
        saves.note(notice("b"), start + Duration::from_millis(5));
        assert_eq!(saves.take(start + Duration::from_millis(8)), None);
        assert_eq!(saves.take(start + Duration::from_millis(13)).unwrap().since, start);
    }
}
