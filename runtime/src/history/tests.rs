//! Where a runtime can go back to, after whatever happened before.

use std::path::Path;

use super::*;
use crate::stage::Stages;

/// A history whose stages are real files, one a code.
struct Book {
    target: tempfile::TempDir,
    stages: Stages,
    history: History,
}

impl Book {
    fn new(limit: usize) -> Book {
        let target = tempfile::tempdir().unwrap();
        let stages = Stages::create(target.path()).unwrap();
        let linked = Past {
            number: 0,
            origin: 0,
            kind: Kind::Linked,
            digest: None,
            published: SystemTime::now(),
            artifact: "program".into(),
            stage: None,
            unloaded: false,
            withdrawn: None,
        };
        Book { target, stages, history: History::new(limit, vec![linked], 0) }
    }

    fn past(&self, number: u64, code: &str) -> Past {
        let artifact = self.target.path().join(code);
        std::fs::write(&artifact, code).unwrap();
        let stage = self.stages.stage(&artifact, "game", number).unwrap();
        Past {
            number,
            origin: number,
            kind: Kind::Standalone,
            digest: Some(stage.digest()),
            published: SystemTime::now(),
            artifact,
            stage: Some(stage),
            unloaded: false,
            withdrawn: None,
        }
    }

    fn came(&mut self, number: u64, code: &str) {
        let past = self.past(number, code);
        self.history.came(past);
    }

    /// As the owner does it: a new number and the stage of the old one, or the linked one itself.
    fn returned(&mut self, number: u64, to: u64) {
        let kept = self.history.find(to).unwrap().clone();
        self.history.returned(Past { number, unloaded: false, withdrawn: None, ..kept });
    }

    fn withdrawn(&mut self, number: u64) {
        let digest = self.history.find(number).unwrap().digest;
        self.history.withdraw(number, digest, "it was");
    }

    fn numbers(&self) -> Vec<u64> {
        self.history.entries().iter().map(|entry| entry.generation).collect()
    }

    fn fate(&self, number: u64) -> Fate {
        let entries = self.history.entries();
        entries.into_iter().find(|entry| entry.generation == number).unwrap().fate
    }
}

fn digest(code: &str) -> Hash {
    blake3::hash(code.as_bytes())
}

fn files(directory: &Path) -> usize {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().contains("-gen")).count()
}

#[test]
fn going_back_goes_further_back_every_time() {
    let mut book = Book::new(8);
    assert!(book.history.before().is_empty(), "nothing is before the program's own code");
    book.came(1, "a");
    book.came(2, "b");
    book.came(3, "c");
    assert_eq!(book.history.before(), [2, 1, 0]);
    book.withdrawn(3);
    book.returned(4, 2);
    assert_eq!(book.history.before(), [1, 0], "before the code of 2, whatever its number is now");
    book.withdrawn(4);
    book.returned(5, 1);
    assert_eq!(book.history.before(), [0]);
    book.withdrawn(5);
    book.returned(0, 0);
    assert!(book.history.before().is_empty());
    assert_eq!(book.numbers(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(book.fate(0), Fate::Current);
    assert_eq!(book.fate(3), Fate::Withdrawn { why: "it was".to_owned() });
    assert_eq!(book.fate(2), Fate::Retired);
}

#[test]
fn code_that_was_asked_for_again_is_good_again() {
    let mut book = Book::new(8);
    book.came(1, "a");
    book.came(2, "b");
    book.withdrawn(2);
    book.returned(3, 1);
    book.came(4, "c");
    assert_eq!(
        book.history.before(),
        [3, 0],
        "of one origin the newest, and not what was withdrawn"
    );
    book.returned(5, 2);
    assert_eq!(book.history.entries().last().unwrap().of, Some(2));
    book.came(6, "d");
    assert_eq!(book.history.before(), [4, 5, 3, 0]);
}

#[test]
fn the_same_code_under_another_number_is_no_way_back() {
    let mut book = Book::new(8);
    book.came(1, "a");
    book.came(2, "b");
    book.came(3, "a");
    assert_eq!(book.history.before(), [2, 0]);
}

#[test]
fn code_is_set_aside_until_other_code_came() {
    let mut book = Book::new(8);
    book.came(1, "a");
    book.came(2, "b");
    book.withdrawn(2);
    book.returned(3, 1);
    assert_eq!(book.history.set_aside(digest("b")), Some((2, "it was")));
    assert_eq!(book.history.set_aside(digest("a")), None);
    book.withdrawn(3);
    book.returned(0, 0);
    assert!(book.history.set_aside(digest("a")).is_some(), "both of them now");
    assert!(book.history.set_aside(digest("b")).is_some());
    book.returned(4, 2);
    assert!(book.history.set_aside(digest("b")).is_none(), "it was asked for");
    book.came(5, "c");
    assert!(book.history.set_aside(digest("a")).is_none(), "saved anew after something else");
}

#[test]
fn only_so_many_stages_are_kept_and_their_files_go_with_them() {
    let mut book = Book::new(2);
    for (number, code) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
        book.came(number, code);
    }
    assert_eq!((book.numbers(), book.history.before()), (vec![0, 3, 4], vec![3, 0]));
    assert_eq!(files(book.stages.directory()), 2);
    book.returned(5, 3);
    assert_eq!(book.numbers(), [0, 4, 5]);
    assert_eq!(files(book.stages.directory()), 2, "the kept bytes are shared");
    book.returned(0, 0);
    assert_eq!(book.numbers(), [0, 4, 5]);

    let mut none = Book::new(0);
    none.came(1, "a");
    none.came(2, "b");
    assert_eq!((none.numbers(), none.history.before()), (vec![0, 2], vec![0]));
}

#[test]
fn what_left_the_process_can_still_be_gone_back_to() {
    let mut book = Book::new(8);
    book.came(1, "a");
    book.came(2, "b");
    book.history.unloaded(1);
    assert_eq!((book.fate(1), book.fate(2)), (Fate::Unloaded, Fate::Current));
    assert_eq!(book.history.before(), [1, 0]);
}

#[test]
fn a_generation_of_an_earlier_runtime_has_no_bytes_to_go_back_to() {
    let mut book = Book::new(8);
    let gone = Past { stage: None, ..book.past(7, "a") };
    book.history.returned(gone);
    book.came(8, "b");
    assert_eq!(book.history.before(), [0]);
    assert!(!book.history.entries()[1].is_kept);
}
