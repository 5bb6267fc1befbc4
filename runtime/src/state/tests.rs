use std::fs;
use std::path::Path;
use std::time::Duration;

use liveswap_abi::state::{CarryError, CarryFailure, Failure, State, StateHolder};

use super::file::{StateFile, StateFileError, restore_kept, save_named};
use super::refused;
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

#[test]
fn named_states_are_found_by_the_next_run() {
    let directory = tempfile::tempdir().unwrap();
    let name = "named in a test/with anything%";
    let state = State::named(name, || 5_u64);
    state.with(|value| *value += 1).unwrap();
    let saved = save_named(directory.path());
    assert!(saved.failures.is_empty(), "{saved:?}");
    assert_eq!(saved.files.len(), 1);
    drop(state);
    fs::write(directory.path().join("bad.state"), "nothing").unwrap();
    let errors = restore_kept(directory.path());
    assert!(matches!(errors[..], [StateFileError::Damaged { .. }]), "{errors:?}");
    assert_eq!(*State::named(name, || 0_u64).look().unwrap(), 6);
    // What was kept is used once; and what does not fit is not used.
    assert_eq!(*State::named(name, || 0_u64).look().unwrap(), 0);
    restore_kept(directory.path());
    let other = State::named(name, || "new".to_owned());
    assert_eq!(*other.look().unwrap(), "new");
    let damaged = State::named("bad", || 1_u8);
    let former = fs::read(&saved.files[0]).unwrap();
    for _ in 0..2 {
        let again = save_named(directory.path());
        assert!(again.failures.is_empty(), "{again:?}");
    }
    let aside = |path: &Path, number| {
        let name = path.file_name().unwrap().to_str().unwrap();
        path.with_file_name(format!("{name}.unreadable-{number}"))
    };
    let bad = directory.path().join("bad.state");
    assert_eq!(fs::read(aside(&saved.files[0], 1)).unwrap(), former);
    assert_eq!(fs::read(aside(&bad, 1)).unwrap(), b"nothing");
    // What this run saved is no bad file, and is replaced.
    assert!(!aside(&saved.files[0], 2).exists() && !aside(&bad, 2).exists());
    assert!(restore_kept(directory.path()).is_empty());
    drop((other, damaged));
    assert_eq!(*State::named(name, String::new).look().unwrap(), "new");
}
