use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use liveswap_abi::state::{CarryError, CarryFailure, Failure, State, StateHolder};

use super::file::{StateFile, StateFileError};
use super::named::{restore, save};
use super::{refused, unused};
use crate::event::Step;

fn failure(path: &str, message: &str) -> Failure {
    Failure { path: path.to_owned(), message: message.to_owned(), panicked: false }
}

#[test]
fn every_failure_names_the_type_the_place_and_the_remedy() {
    let holder = StateHolder { thread: "main".to_owned(), age: Duration::from_millis(1500) };
    let unnamed = StateHolder { thread: String::new(), age: Duration::from_millis(100) };
    let cases = [
        (
            CarryFailure::Open(vec![holder, unnamed]),
            "thread `main` has had it open for 1.5 s, a thread without",
        ),
        (
            CarryFailure::Read(failure("players[3]", "missing field `x`")),
            "`players[3]`: missing field `x`",
        ),
        (CarryFailure::Write(failure("", "no")), "no"),
        (
            CarryFailure::Migrate { function: "game::world", failure: failure("", "too old") },
            "too old",
        ),
    ];
    for (why, said) in cases {
        let error = CarryError { state: "game::World".to_owned(), why };
        let refusal = refused(error, Duration::from_secs(1));
        assert_eq!(refusal.step, Step::Migrate);
        let difference = &refusal.differences[0];
        assert_eq!(difference.item, "state `game::World`");
        assert!(difference.found.contains(said), "{difference:?}");
        assert!(!difference.remedy.is_empty() && !difference.expected.is_empty());
    }
}

#[test]
fn a_state_survives_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("numbers.state");
    let state = State::new(vec![1_u32, 2, 3]);
    state.save(&path).unwrap();
    state.with(|numbers| numbers.push(4)).unwrap();
    state.save(&path).unwrap();
    state.with(Vec::clear).unwrap();
    state.restore(&path).unwrap();
    assert_eq!(*state.look().unwrap(), [1, 2, 3, 4]);
    // Another type that reads the same value.
    let other = State::new((0_u8, 0_u64, 0_i8, 0_u16));
    other.restore(&path).unwrap();
    assert_eq!(*other.look().unwrap(), (1, 2, 3, 4));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_damaged_file_is_told_and_nothing_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("text.state");
    let state = State::new("whole".to_owned());
    state.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let error = state.restore(&path).unwrap_err();
        assert!(matches!(error, StateFileError::Damaged { .. }), "cut after {len}: {error}");
    }
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 1;
        fs::write(&path, &changed).unwrap();
        match state.restore(&path) {
            // The type's name is only for people.
            Ok(()) => assert!((17..43).contains(&index), "byte {index}"),
            Err(error) => assert!(matches!(error, StateFileError::Damaged { .. }), "{error}"),
        }
    }
    assert_eq!(*state.look().unwrap(), "whole");
    let missing = state.restore(directory.path().join("missing")).unwrap_err();
    assert!(matches!(missing, StateFileError::Io { verb: "read", .. }), "{missing}");
    let nowhere = state.save(directory.path().join("no/where")).unwrap_err();
    assert!(matches!(nowhere, StateFileError::Io { verb: "written", .. }), "{nowhere}");
    fs::write(&path, &whole).unwrap();
    let error = State::new(5_u8).restore(&path).unwrap_err();
    assert!(error.to_string().contains("invalid type: string \"whole\""), "{error}");
}

/// Tests of named states would see each other's.
static NAMED: Mutex<()> = Mutex::new(());

/// The file of a value that is not used under `name`, with words of the reason.
fn aside(name: &str, number: usize) -> (PathBuf, String) {
    let unused = unused();
    let mut of_name = unused.iter().filter(|unused| unused.name == name);
    let unused = of_name.nth(number - 1).unwrap();
    let file = unused.aside.clone().unwrap();
    assert!(file.display().to_string().ends_with(&format!(".unreadable-{number}")), "{unused}");
    assert!(unused.to_string().contains(&format!("is kept in `{}`", file.display())), "{unused}");
    (file, unused.why.clone())
}

fn saved(directory: &Path, name: &str) -> PathBuf {
    let saved = save(directory);
    assert!(saved.failures.is_empty(), "{saved:?}");
    saved.files[name].clone()
}

#[test]
fn named_states_are_found_by_the_next_run() {
    let _alone = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let name = "named in a test/with anything%";
    let state = State::named(name, || 5_u64);
    state.with(|value| *value += 1).unwrap();
    let file = saved(directory.path(), name);
    drop(state);
    restore(directory.path());
    assert_eq!(*State::named(name, || 0_u64).look().unwrap(), 6);
    // What was kept is used once.
    let state = State::named(name, || 0_u64);
    assert_eq!(*state.look().unwrap(), 0);
    // And replaced by who has read it.
    saved(directory.path(), name);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    drop(state);
    // What does not fit is not used.
    restore(directory.path());
    let former = fs::read(&file).unwrap();
    let state = State::named(name, || "new".to_owned());
    assert_eq!(*state.look().unwrap(), "new");
    let (moved, why) = aside(name, 1);
    assert_eq!(fs::read(&moved).unwrap(), former);
    assert!(why.contains("invalid type"), "{why}");
    for _ in 0..2 {
        saved(directory.path(), name);
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    drop(state);
    restore(directory.path());
    assert_eq!(*State::named(name, String::new).look().unwrap(), "new");
}

#[test]
fn what_cannot_be_read_is_never_replaced() {
    let _alone = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("damaged.state"), "nothing").unwrap();
    // The system itself refuses to read this one.
    fs::create_dir(directory.path().join("refused.state")).unwrap();
    fs::write(directory.path().join("refused.state/precious"), "value").unwrap();
    restore(directory.path());
    let states = ["damaged", "refused", "unknown"].map(|name| State::named(name, || 7_u8));
    // Nobody has told this process of it.
    fs::write(directory.path().join("unknown.state"), "of somebody else").unwrap();
    for _ in 0..2 {
        for name in ["damaged", "refused", "unknown"] {
            saved(directory.path(), name);
        }
    }
    let (damaged, why) = aside("damaged", 1);
    assert_eq!(fs::read(damaged).unwrap(), b"nothing");
    assert!(why.contains("not a whole saved state"), "{why}");
    let (refused, why) = aside("refused", 1);
    assert_eq!(fs::read(refused.join("precious")).unwrap(), b"value");
    assert!(why.contains("could not be read: "), "{why}");
    let (unknown, why) = aside("unknown", 1);
    assert_eq!(fs::read(unknown).unwrap(), b"of somebody else");
    assert!(why.contains("has not read its file"), "{why}");
    drop(states);
    restore(directory.path());
    for name in ["damaged", "refused", "unknown"] {
        assert_eq!(*State::named(name, || 0_u8).look().unwrap(), 7);
    }
}
