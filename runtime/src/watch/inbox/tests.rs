use super::*;
use crossbeam_channel::{Receiver, bounded};
use notify::event::{CreateKind, DataChange, Flag, MetadataKind, RemoveKind};

const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
const OPENED: EventKind = EventKind::Access(AccessKind::Open(AccessMode::Any));
const CHMOD: EventKind = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
const CREATED: EventKind = EventKind::Create(CreateKind::File);
const REMOVED: EventKind = EventKind::Remove(RemoveKind::Any);

fn renamed(mode: RenameMode) -> EventKind {
    EventKind::Modify(ModifyKind::Name(mode))
}

fn event(kind: EventKind, path: &str) -> notify::Result<Event> {
    Ok(Event::new(kind).add_path(path.into()))
}

/// Interested in `/t/d/a` and `/t/d/b`, given as `a` and `b`.
fn inbox() -> (Inbox, Receiver<()>) {
    let (wake, woken) = bounded(1);
    let inbox = Inbox::new(wake);
    inbox.set_interest(Interest {
        files: ["a", "b"].map(|name| (format!("/t/d/{name}").into(), name.into())).into(),
        directories: ["/", "/t", "/t/d"].map(PathBuf::from).into(),
    });
    (inbox, woken)
}

fn drain(inbox: &Inbox) -> Vec<(String, Touch)> {
    std::iter::from_fn(|| inbox.take())
        .map(|notice| (notice.path.display().to_string(), notice.touch))
        .collect()
}

#[test]
fn what_an_event_means() {
    let cases = [
        (CREATED, 0, Some(Touch::Created), Some(Touch::Changed)),
        (WRITTEN, 0, Some(Touch::Written), Some(Touch::Changed)),
        (CLOSED, 0, Some(Touch::Closed), Some(Touch::Closed)),
        (OPENED, 0, None, None),
        (CHMOD, 0, Some(Touch::Attributes), Some(Touch::Changed)),
        (REMOVED, 0, Some(Touch::Removed), Some(Touch::Removed)),
        (renamed(RenameMode::From), 0, Some(Touch::Removed), Some(Touch::Removed)),
        (renamed(RenameMode::To), 0, Some(Touch::Replaced), Some(Touch::Replaced)),
        (renamed(RenameMode::Both), 0, None, Some(Touch::Removed)),
        (renamed(RenameMode::Both), 1, None, Some(Touch::Replaced)),
        (renamed(RenameMode::Any), 0, Some(Touch::Changed), Some(Touch::Changed)),
        (EventKind::Any, 0, Some(Touch::Changed), Some(Touch::Changed)),
    ];
    for (kind, index, with_closes, without) in cases {
        assert_eq!(touch(kind, index, true), with_closes, "{kind:?} where closes are told");
        assert_eq!(touch(kind, index, false), without, "{kind:?} where they are not");
    }
}

#[test]
fn any_number_of_events_is_one_notice_a_file() {
    let (inbox, woken) = inbox();
    for _ in 0..10_000 {
        inbox.receive(event(WRITTEN, "/t/d/a"));
        inbox.receive(event(WRITTEN, "/t/d/b"));
    }
    inbox.receive(event(CLOSED, "/t/d/a"));
    inbox.receive(event(CHMOD, "/t/d/a"));
    assert_eq!(woken.len(), 1);
    let changed = if CLOSES { Touch::Written } else { Touch::Changed };
    let closed = if CLOSES { Touch::Closed } else { Touch::Changed };
    assert_eq!(drain(&inbox), [("a".into(), closed), ("b".into(), changed)]);
    assert_eq!(drain(&inbox), []);
}

#[test]
fn other_files_and_readers_wake_nobody() {
    let (inbox, woken) = inbox();
    inbox.receive(event(WRITTEN, "/t/d/other"));
    inbox.receive(event(OPENED, "/t/d/a"));
    inbox.receive(event(OPENED, "/t/d"));
    inbox.receive(event(CHMOD, "/t"));
    assert!(woken.is_empty());
    assert_eq!(drain(&inbox), []);
}

#[test]
fn a_notice_put_back_does_not_hide_a_newer_one() {
    let (inbox, _woken) = inbox();
    let old = || Notice { path: "a".into(), touch: Touch::Removed };
    inbox.put_back(old());
    assert_eq!(drain(&inbox), [("a".into(), Touch::Removed)]);
    inbox.receive(event(CLOSED, "/t/d/a"));
    inbox.put_back(old());
    assert_eq!(drain(&inbox), [("a".into(), Touch::Closed)]);
}

#[test]
fn what_was_found_is_the_latest_of_its_kind() {
    let (inbox, _woken) = inbox();
    for (touches, latest) in [
        ([Touch::Changed, Touch::Removed], Touch::Removed),
        ([Touch::Removed, Touch::Changed], Touch::Changed),
    ] {
        for touch in touches {
            inbox.found(Path::new("a"), touch);
        }
        assert_eq!(drain(&inbox), [("a".into(), latest)]);
    }
}

#[test]
fn what_was_found_does_not_hide_what_was_told() {
    let (inbox, _woken) = inbox();
    inbox.receive(event(CLOSED, "/t/d/a"));
    inbox.found(Path::new("a"), Touch::Changed);
    inbox.found(Path::new("b"), Touch::Changed);
    assert_eq!(drain(&inbox), [("a".into(), Touch::Closed), ("b".into(), Touch::Changed)]);
}

#[test]
fn lost_events_make_every_file_suspect() {
    let overflow = Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan));
    for word in [overflow, Err(notify::Error::generic("lost"))] {
        let (inbox, woken) = inbox();
        inbox.receive(word);
        assert_eq!(woken.len(), 1);
        assert_eq!(drain(&inbox), [("a".into(), Touch::Changed), ("b".into(), Touch::Changed)]);
        assert_eq!(inbox.take_rearm(), Some(HashSet::new()));
    }
}

#[test]
fn a_directory_above_that_comes_or_goes_asks_for_arming() {
    let (inbox, woken) = inbox();
    assert_eq!(inbox.take_rearm(), None);
    inbox.receive(event(EventKind::Create(CreateKind::Folder), "/t/d"));
    assert_eq!(inbox.take_rearm(), Some(HashSet::new()));
    inbox.receive(event(REMOVED, "/t/d"));
    inbox.receive(event(renamed(RenameMode::From), "/t"));
    assert_eq!(inbox.take_rearm(), Some(["/t", "/t/d"].map(PathBuf::from).into()));
    assert_eq!(inbox.take_rearm(), None);
    assert_eq!(woken.len(), 1);
}

#[test]
fn a_change_of_interest_forgets_the_others() {
    let (inbox, _woken) = inbox();
    inbox.receive(event(CLOSED, "/t/d/a"));
    inbox.receive(event(CLOSED, "/t/d/b"));
    let files = [("/t/d/b".into(), "b".into())].into();
    inbox.set_interest(Interest { files, directories: HashSet::new() });
    inbox.put_back(Notice { path: "a".into(), touch: Touch::Closed });
    assert_eq!(drain(&inbox), [("b".into(), Touch::Closed)]);
}
