//! Callsites of this test program, taken for those of an artifact.

use std::mem::size_of;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing::callsite::{Callsite, DefaultCallsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata};

use super::*;

/// A callsite as the macros of `tracing` make one, but nobody uses it.
macro_rules! callsite {
    ($line:expr, $kind:expr) => {{
        static DESCRIPTION: Metadata<'static> = Metadata::new(
            "event here",
            "a target",
            Level::INFO,
            Some("here.rs"),
            Some($line),
            Some("a::module"),
            FieldSet::new(&["message", "count"], Identifier(&CALLSITE)),
            $kind,
        );
        static CALLSITE: DefaultCallsite = DefaultCallsite::new(&DESCRIPTION);
        (&CALLSITE, &DESCRIPTION)
    }};
}

type Pair = (&'static DefaultCallsite, &'static Metadata<'static>);

fn range<T>(value: &'static T) -> Range<usize> {
    let start = (&raw const *value).expose_provenance();
    start..start + size_of::<T>()
}

fn house(pairs: &[Pair]) -> Housed {
    let writable: Vec<_> = pairs.iter().map(|(callsite, _)| range(*callsite)).collect();
    let constant = pairs.iter().map(|(_, description)| range(*description));
    let segments: Vec<_> = writable.iter().cloned().chain(constant).collect();
    Housed::find(&writable, &segments)
}

fn home(callsite: &'static DefaultCallsite) -> Identifier {
    callsite.metadata().callsite()
}

fn count_homes_of(line: u32) -> usize {
    home::lines().into_iter().filter(|other| *other == Some(line)).count()
}

#[test]
fn a_callsite_refers_to_a_home_that_says_the_same() {
    let (callsite, described) = callsite!(1, Kind::EVENT);
    let mut housed = house(&[(callsite, described)]);
    assert_eq!((housed.count(), housed.why_kept()), (1, None));
    let now = callsite.metadata();
    assert!(!std::ptr::eq(now, described));
    assert_eq!((now.name(), now.target(), now.level()), ("event here", "a target", &Level::INFO));
    assert_eq!((now.file(), now.line()), (Some("here.rs"), Some(1)));
    assert_eq!(now.module_path(), Some("a::module"));
    assert!(now.is_event() && !now.is_span());
    let names: Vec<_> = now.fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["message", "count"]);
    // No text of it is the artifact's.
    assert!(!std::ptr::eq(now.name(), described.name()));
    assert!(!std::ptr::eq(now.target(), described.target()));
    assert_ne!(now.callsite(), described.callsite());
    for field in now.fields() {
        assert_eq!(field.callsite(), now.callsite());
    }
    housed.withdraw();
}

#[test]
fn kinds_are_told_apart() {
    for (pair, words) in [
        (callsite!(10, Kind::SPAN), "kind: Kind(SPAN)"),
        (callsite!(10, Kind::EVENT), "kind: Kind(EVENT)"),
        (callsite!(10, Kind::HINT), "kind: Kind(HINT)"),
        (callsite!(10, Kind::EVENT.hint()), "kind: Kind(EVENT | HINT)"),
    ] {
        let housed = house(&[pair]);
        assert_eq!(housed.count(), 1);
        let said = format!("{:?}", pair.0.metadata());
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(count_homes_of(10), 4);
}

#[test]
fn what_is_described_alike_shares_one_home_whatever_the_generation() {
    let generations =
        [callsite!(20, Kind::EVENT), callsite!(20, Kind::EVENT), callsite!(20, Kind::EVENT)];
    for pair in generations {
        let mut housed = house(&[pair]);
        assert_eq!(home(pair.0), home(generations[0].0));
        housed.withdraw();
    }
    assert_eq!(count_homes_of(20), 1);
    let moved = callsite!(21, Kind::EVENT);
    let housed = house(&[moved]);
    assert_ne!(home(moved.0), home(generations[0].0));
    assert_eq!((housed.count(), count_homes_of(21)), (1, 1));
}

#[test]
fn a_home_passes_interests_on_until_the_guest_is_withdrawn() {
    let pair = callsite!(30, Kind::EVENT);
    let mut housed = house(&[pair]);
    let home = home(pair.0).0;
    // Cases 1 and 3: nobody has said anything yet.
    assert!(pair.0.interest().is_sometimes());
    home.set_interest(Interest::always());
    assert!(pair.0.interest().is_always());
    let later = callsite!(30, Kind::EVENT);
    let mut next = house(&[later]);
    assert!(later.0.interest().is_always(), "the home's present interest");
    home.set_interest(Interest::never());
    assert!(pair.0.interest().is_never() && later.0.interest().is_never());
    // It never registered itself.
    assert_eq!((housed.why_kept(), next.why_kept()), (None, None));
    housed.withdraw();
    home.set_interest(Interest::always());
    assert!(pair.0.interest().is_never(), "nobody tells it any more");
    assert!(later.0.interest().is_always());
    next.withdraw();
    assert_eq!(next.count(), 0);
}

#[test]
fn interests_that_change_while_guests_come_and_go_reach_those_that_are_there() {
    let pair = callsite!(40, Kind::EVENT);
    let mut housed = house(&[pair]);
    let home = home(pair.0).0;
    static ROUNDS: AtomicU32 = AtomicU32::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..10_000 {
                let interest = if round % 2 == 0 { Interest::always() } else { Interest::never() };
                home.set_interest(interest);
                ROUNDS.store(round + 1, Ordering::SeqCst);
            }
        });
        while ROUNDS.load(Ordering::SeqCst) < 10_000 {
            let guests = std::mem::take(&mut housed.guests);
            for (home, guest) in &guests {
                home.let_go(*guest);
            }
            for (home, guest) in &guests {
                home.take_in(*guest);
            }
            housed.guests = guests;
        }
    });
    assert!(pair.0.interest().is_never(), "as the last round said");
    housed.withdraw();
}

#[test]
fn a_callsite_that_was_used_while_it_was_loaded_keeps_its_artifact() {
    let pair = callsite!(50, Kind::EVENT);
    pair.0.register();
    let housed = house(&[pair]);
    assert_eq!(housed.count(), 0);
    let why = housed.why_kept().unwrap();
    assert!(why.contains("`event here` was used while it was loaded"), "{why}");
}

#[test]
fn a_callsite_that_is_registered_later_keeps_its_artifact() {
    let pair = callsite!(60, Kind::EVENT);
    let housed = house(&[pair]);
    assert_eq!(housed.why_kept(), None);
    pair.0.register();
    let why = housed.why_kept().unwrap();
    assert!(why.contains("`event here` has registered itself"), "{why}");
}

#[test]
fn what_only_looks_like_a_callsite_is_left_alone() {
    let (callsite, described) = callsite!(70, Kind::EVENT);
    let (other, elsewhere) = callsite!(71, Kind::EVENT);
    // The description is not of the same image.
    let housed = Housed::find(&[range(callsite)], &[range(callsite), range(elsewhere)]);
    assert_eq!(housed.count(), 0);
    // Shorter than a callsite.
    let part = range(other).start..range(other).end - 1;
    let housed = Housed::find(std::slice::from_ref(&part), &[part.clone(), range(elsewhere)]);
    assert_eq!(housed.count(), 0);
    assert!(std::ptr::eq(callsite.metadata(), described));
    assert!(std::ptr::eq(other.metadata(), elsewhere));
}

#[test]
#[cfg(target_os = "linux")]
fn variables_of_an_image_are_what_may_be_written_to() {
    static VARIABLE: AtomicU32 = AtomicU32::new(7);
    static CONSTANT: &[&str] = &["sealed once it is relocated"];
    let executable = std::env::current_exe().unwrap();
    let writable = |base| guest::writable(&executable, base).unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let first = maps.lines().find(|line| line.ends_with(executable.to_str().unwrap())).unwrap();
    let base = usize::from_str_radix(first.split('-').next().unwrap(), 16).unwrap();
    let contains = |address| writable(base).iter().any(|part| part.contains(&address));
    assert!(contains(range(&VARIABLE).start), "{:x?}", writable(base));
    assert!(!contains(CONSTANT.as_ptr().addr()));
    assert!(guest::writable(Path::new("/dev/null"), 0).is_err());
}
