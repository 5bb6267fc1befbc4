use super::*;
use crate::file::FileIdentity;
use crate::watch::extent::Format;
use std::time::SystemTime;

/// What goes in, at its time.
enum Step {
    Touch(u64, Touch),
    Look(u64, Seen),
    /// A look while a writer is known to be there.
    Busy(u64, Seen),
}
use Step::{Busy, Look as At, Touch as On};

/// What a look finds: nothing, or a file with a version, whole, cut or linked.
#[derive(Clone, Copy)]
enum Seen {
    Nothing,
    Whole(u64),
    Linked(u64),
    Cut(u64),
    Directory,
}
use Seen::{Cut, Directory, Linked, Nothing, Whole};

/// What is expected to come out of the last step, with times in milliseconds from the start.
#[derive(Debug, PartialEq)]
enum Outcome {
    Quiet,
    Again(u64),
    Takes(u64),
    GivesUp(u64),
}
use Outcome::{Again, GivesUp, Quiet, Takes};

fn look(seen: Seen) -> Option<Look> {
    let (version, links, whole) = match seen {
        Nothing => return None,
        Whole(version) => (version, 1, true),
        Linked(version) => (version, 2, true),
        Cut(version) => (version, 1, false),
        Directory => {
            let shape = Err(Unfinished::NotAFile { found: "a directory" });
            return Some(Look { identity: None, links: 1, shape });
        }
    };
    let shape = if whole {
        Ok(Format::Elf)
    } else {
        Err(Unfinished::Cut { what: "section 1".into(), expected: 99, found: version })
    };
    let identity =
        FileIdentity { device: 1, inode: 1, len: version, modified: Some(SystemTime::UNIX_EPOCH) };
    Some(Look { identity: Some(identity), links, shape })
}

fn run(timing: Timing, steps: &[Step]) -> Outcome {
    let start = Instant::now();
    let at = |millis: u64| start + Duration::from_millis(millis);
    let version = |look: Look| look.identity.map_or(0, |identity| identity.len);
    let mut settle = Settle::new(timing);
    let mut last = Decision::Nothing;
    for step in steps {
        last = match *step {
            On(millis, touch) => settle.touched(touch, at(millis)),
            At(millis, seen) => settle.looked(look(seen), at(millis), || false),
            Busy(millis, seen) => settle.looked(look(seen), at(millis), || true),
        };
        let due = if let Decision::LookAgainAt(due) = &last { Some(*due) } else { None };
        assert_eq!(settle.due(), due, "what is due is what was asked for");
    }
    match last {
        Decision::Nothing => Quiet,
        Decision::LookAgainAt(due) => Again((due - start).as_millis() as u64),
        Decision::Settled(look) => Takes(version(look)),
        Decision::GivenUp(look) => GivesUp(version(look)),
    }
}

#[test]
fn cases_where_the_system_tells_when_a_writer_closes() {
    use Touch::*;
    let cases: &[(&str, &[Step], Outcome)] = &[
        ("a close asks for a look at once", &[On(0, Closed)], Again(0)),
        ("closed and whole", &[On(0, Written), On(3, Closed), At(3, Whole(1))], Takes(1)),
        ("renamed over and whole", &[On(0, Replaced), At(0, Whole(1))], Takes(1)),
        ("linked there", &[On(0, Created), At(0, Linked(1))], Takes(1)),
        ("removed, then linked", &[On(0, Removed), On(1, Created), At(1, Linked(1))], Takes(1)),
        ("created by a writer: wait", &[On(0, Created), At(0, Whole(1))], Again(500)),
        ("created, empty: look now and then", &[On(0, Created), At(0, Cut(0))], Again(500)),
        ("written, not closed: wait", &[On(7, Written)], Again(507)),
        ("each write moves the wait", &[On(7, Written), On(400, Written)], Again(900)),
        (
            "a look that comes early does not take an open file",
            &[On(0, Written), At(100, Whole(1)), At(200, Whole(1))],
            Again(500),
        ),
        (
            "half written with a long pause, then the rest",
            &[
                On(0, Created),
                At(0, Cut(0)),
                On(1, Written),
                At(501, Cut(4)),
                At(516, Cut(4)),
                On(1500, Written),
                On(1501, Closed),
                At(1501, Whole(9)),
            ],
            Takes(9),
        ),
        (
            "half written with a long pause is not given up too soon",
            &[On(0, Written), At(500, Cut(4)), At(4900, Cut(4))],
            Again(4915),
        ),
        (
            "half written for ever is given up",
            &[On(0, Written), At(500, Cut(4)), At(5500, Cut(4))],
            GivesUp(4),
        ),
        (
            "no close for a long quiet time: one look is not enough",
            &[On(0, Written), At(500, Whole(1))],
            Again(515),
        ),
        (
            "no close for a long quiet time: two equal looks are",
            &[On(0, Written), At(500, Whole(1)), At(515, Whole(1))],
            Takes(1),
        ),
        (
            "still growing in silence",
            &[On(0, Written), At(500, Whole(1)), At(515, Whole(2))],
            Again(530),
        ),
        (
            "one writer closed, another writes on",
            &[On(0, Closed), At(0, Cut(1)), On(1, Written)],
            Again(501),
        ),
        ("closed but cut: wait a little", &[On(0, Closed), At(0, Cut(1))], Again(15)),
        (
            "closed and cut for good",
            &[On(0, Closed), At(0, Cut(1)), At(15, Cut(1)), At(250, Cut(1))],
            GivesUp(1),
        ),
        (
            "closed and cut, then completed without an event",
            &[On(0, Closed), At(0, Cut(1)), At(15, Whole(2))],
            Takes(2),
        ),
        (
            "the same broken file written once more is reported once more",
            &[
                On(0, Closed),
                At(0, Cut(1)),
                At(250, Cut(1)),
                On(300, Closed),
                At(300, Cut(1)),
                At(550, Cut(1)),
            ],
            GivesUp(1),
        ),
        (
            "the same length and time written twice is taken twice",
            &[On(0, Closed), At(0, Whole(1)), On(1, Closed), At(1, Whole(1))],
            Takes(1),
        ),
        (
            "one of two names is removed after it was taken",
            &[On(0, Created), At(0, Linked(1)), On(9, Attributes), At(9, Whole(1))],
            Quiet,
        ),
        (
            "a directory in its place is given up soon",
            &[On(0, Created), At(0, Directory), At(250, Directory)],
            GivesUp(0),
        ),
        ("gone before the look", &[On(0, Closed), At(0, Nothing)], Quiet),
        ("removed while waiting", &[On(0, Written), On(1, Removed)], Quiet),
        ("a look nobody asked for", &[At(0, Whole(1))], Quiet),
        ("a new permission on an unknown file", &[On(0, Attributes), At(0, Whole(1))], Takes(1)),
        (
            "a new permission on a file already taken",
            &[On(0, Closed), At(0, Whole(1)), On(9, Attributes), At(9, Whole(1))],
            Quiet,
        ),
        (
            "a permission set while the writer is there changes nothing",
            &[On(0, Written), On(100, Attributes)],
            Again(500),
        ),
        (
            "nor does a poll that saw the same write",
            &[On(0, Written), On(100, Changed)],
            Again(500),
        ),
        (
            "a poll that comes after the close",
            &[On(0, Closed), At(0, Whole(1)), On(1, Changed), At(1, Whole(1)), At(16, Whole(1))],
            Quiet,
        ),
    ];
    for (name, steps, expected) in cases {
        assert_eq!(&run(Timing::NATIVE, steps), expected, "{name}");
    }
}

#[test]
fn cases_where_it_is_only_known_that_something_changed() {
    use Touch::*;
    let cases: &[(&str, &[Step], Outcome)] = &[
        ("a look at once", &[On(0, Changed)], Again(0)),
        ("one look is not enough", &[On(0, Changed), At(0, Whole(1))], Again(50)),
        ("two equal looks", &[On(0, Changed), At(0, Whole(1)), At(50, Whole(1))], Takes(1)),
        ("too soon", &[On(0, Changed), At(0, Whole(1)), At(49, Whole(1))], Again(50)),
        ("still growing", &[On(0, Changed), At(0, Whole(1)), At(50, Whole(2))], Again(100)),
        (
            "changed again between equal looks",
            &[On(0, Changed), At(0, Whole(1)), On(20, Changed), At(20, Whole(1))],
            Again(50),
        ),
        ("cut: look again", &[On(0, Changed), At(0, Cut(1))], Again(50)),
        (
            "cut, with a pause longer than the quiet time, then whole",
            &[
                On(0, Changed),
                At(0, Cut(1)),
                At(900, Cut(1)),
                At(950, Whole(2)),
                At(1000, Whole(2)),
            ],
            Takes(2),
        ),
        (
            "cut for good",
            &[On(0, Changed), At(0, Cut(1)), At(4999, Cut(1)), At(5000, Cut(1))],
            GivesUp(1),
        ),
        (
            "cut for good is said once",
            &[
                On(0, Changed),
                At(0, Cut(1)),
                At(5000, Cut(1)),
                On(6000, Changed),
                At(6000, Cut(1)),
                At(11000, Cut(1)),
            ],
            Quiet,
        ),
        (
            "taken once",
            &[
                On(0, Changed),
                At(0, Whole(1)),
                At(50, Whole(1)),
                On(60, Changed),
                At(60, Whole(1)),
                At(110, Whole(1)),
            ],
            Quiet,
        ),
        ("not there", &[On(0, Changed), At(0, Nothing)], Quiet),
    ];
    let timing = Timing::polling(Duration::from_millis(50));
    for (name, steps, expected) in cases {
        assert_eq!(&run(timing, steps), expected, "{name}");
    }
}

#[test]
fn what_was_decided_can_be_forgotten() {
    let now = Instant::now();
    let mut settle = Settle::new(Timing::NATIVE);
    settle.touched(Touch::Attributes, now);
    assert!(matches!(settle.looked(look(Whole(1)), now, || false), Decision::Settled(_)));
    settle.touched(Touch::Attributes, now);
    assert_eq!(settle.looked(look(Whole(1)), now, || false), Decision::Nothing);
    settle.forget();
    settle.touched(Touch::Attributes, now);
    assert!(matches!(settle.looked(look(Whole(1)), now, || false), Decision::Settled(_)));
}

#[test]
fn polling_faster_than_a_quiet_time_does_not_shorten_it() {
    assert_eq!(Timing::polling(Duration::ZERO).quiet, Timing::NATIVE.quiet);
}

#[test]
fn cases_where_the_system_knows_of_a_writer() {
    use Touch::*;
    let cases: &[(&str, &[Step], Outcome)] = &[
        (
            "a pause is waited out",
            &[On(0, Written), At(500, Whole(1)), Busy(515, Whole(1))],
            Again(615),
        ),
        (
            "however long",
            &[On(0, Written), At(500, Whole(1)), Busy(515, Whole(1)), Busy(9000, Whole(1))],
            Again(9100),
        ),
        (
            "and ends with its closing",
            &[On(0, Written), Busy(500, Whole(1)), On(550, Closed), At(550, Whole(2))],
            Takes(2),
        ),
        (
            "or when nobody is found there any more",
            &[On(0, Written), At(500, Whole(1)), Busy(515, Whole(1)), At(615, Whole(1))],
            Takes(1),
        ),
        (
            "unless the content has just changed",
            &[On(0, Written), At(500, Whole(1)), Busy(515, Whole(1)), At(615, Whole(2))],
            Again(630),
        ),
        (
            "where no more is known",
            &[On(0, Changed), At(0, Whole(1)), Busy(15, Whole(1))],
            Again(115),
        ),
        (
            "a broken file is not given up",
            &[On(0, Written), At(500, Cut(1)), Busy(5500, Cut(1))],
            Again(5600),
        ),
        ("a closing is believed", &[On(0, Closed), Busy(0, Whole(1))], Takes(1)),
    ];
    for (name, steps, expected) in cases {
        assert_eq!(run(Timing::NATIVE, steps), *expected, "{name}");
    }
}
