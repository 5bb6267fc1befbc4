use super::*;
use crate::watch::Touch;
use std::io::Write;

const DEADLINE: Duration = Duration::from_secs(20);

struct Bench {
    root: tempfile::TempDir,
    notices: Receiver<Notice>,
    watcher: Watcher,
    mode: Mode,
}

/// Watches `<root>/<below>` in every mode in turn.
fn in_every_mode(below: &str, prepare: impl Fn(&Path), case: impl Fn(&Bench, &Path)) {
    for mode in [Mode::Native, Mode::Polling { interval: Duration::from_millis(5) }] {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(below);
        prepare(&path);
        let (sender, notices) = bounded(4);
        let watcher = Watcher::new([path.clone()], mode, sender).unwrap();
        let bench = Bench { root, notices, watcher, mode };
        case(&bench, &path);
    }
}

fn make_directory(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
}

fn make_file(path: &Path) {
    make_directory(path);
    fs::write(path, "0").unwrap();
}

impl Bench {
    /// Waits for a notice of `path` that `wanted` is content with.
    fn expect(&self, path: &Path, wanted: impl Fn(Touch) -> bool) -> Touch {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = Vec::new();
        loop {
            match self.notices.recv_deadline(deadline) {
                Ok(notice) if notice.path == path && wanted(notice.touch) => return notice.touch,
                Ok(notice) => seen.push(notice),
                Err(error) => panic!("{:?}: {error}; seen {seen:?}", self.mode),
            }
        }
    }

    /// Waits until the file is known to be there and, where closes are told, closed.
    fn expect_whole(&self, path: &Path) {
        let closes = super::super::inbox::CLOSES && self.mode == Mode::Native;
        self.expect(path, |touch| match touch {
            Touch::Closed | Touch::Replaced | Touch::Changed => true,
            Touch::Created => !closes,
            _ => false,
        });
    }
}

#[test]
fn written_in_place() {
    in_every_mode("lib.so", make_file, |bench, path| {
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        for _ in 0..10 {
            file.write_all(b"more").unwrap();
        }
        drop(file);
        bench.expect_whole(path);
    });
}

#[test]
fn renamed_over() {
    in_every_mode("lib.so", make_file, |bench, path| {
        let other = bench.root.path().join("other");
        fs::write(&other, "longer").unwrap();
        fs::rename(&other, path).unwrap();
        bench.expect(path, |touch| matches!(touch, Touch::Replaced | Touch::Changed));
    });
}

#[test]
fn deleted_and_created() {
    in_every_mode("lib.so", make_file, |bench, path| {
        fs::remove_file(path).unwrap();
        bench.expect(path, |touch| touch == Touch::Removed);
        fs::write(path, "new").unwrap();
        bench.expect_whole(path);
    });
}

#[cfg(unix)]
#[test]
fn linked_there() {
    in_every_mode("lib.so", make_file, |bench, path| {
        let built = bench.root.path().join("built");
        fs::write(&built, "new").unwrap();
        fs::remove_file(path).unwrap();
        fs::hard_link(&built, path).unwrap();
        bench.expect(path, |touch| matches!(touch, Touch::Created | Touch::Changed));
    });
}

#[cfg(unix)]
#[test]
fn written_through_another_name_in_another_directory() {
    in_every_mode("lib.so", make_file, |bench, path| {
        let elsewhere = bench.root.path().join("deps");
        fs::create_dir(&elsewhere).unwrap();
        fs::hard_link(path, elsewhere.join("lib.so")).unwrap();
        fs::write(elsewhere.join("lib.so"), "through another name").unwrap();
        bench.expect(path, |touch| touch == Touch::Changed);
    });
}

#[test]
fn directory_removed_and_made_again_many_times() {
    in_every_mode("target/debug/lib.so", make_file, |bench, path| {
        for _ in 0..5 {
            fs::remove_dir_all(bench.root.path().join("target")).unwrap();
            bench.expect(path, |touch| touch == Touch::Removed);
            make_file(path);
            bench.expect_whole(path);
            fs::write(path, "written once more").unwrap();
            bench.expect_whole(path);
        }
    });
}

#[test]
fn directory_removed_and_made_again_at_once() {
    in_every_mode("target/debug/lib.so", make_file, |bench, path| {
        fs::remove_dir_all(bench.root.path().join("target")).unwrap();
        make_directory(path);
        fs::write(path, "new content").unwrap();
        bench.expect_whole(path);
        // The watch must be on the new directory by now, or get there.
        fs::write(path, "newer content still").unwrap();
        bench.expect_whole(path);
    });
}

#[test]
fn directory_moved_aside_and_replaced() {
    in_every_mode("target/lib.so", make_file, |bench, path| {
        let target = bench.root.path().join("target");
        let next = bench.root.path().join("next");
        fs::create_dir(&next).unwrap();
        fs::write(next.join("lib.so"), "another").unwrap();
        fs::rename(&target, bench.root.path().join("old")).unwrap();
        fs::rename(&next, &target).unwrap();
        bench.expect_whole(path);
        while bench.notices.try_recv().is_ok() {}
        fs::write(path, "written in the new one").unwrap();
        bench.expect_whole(path);
    });
}

#[test]
fn directory_absent_at_the_start() {
    in_every_mode(
        "workspace/target/debug/lib.so",
        |_| {},
        |bench, path| {
            make_file(path);
            bench.expect_whole(path);
        },
    );
}

#[test]
fn a_path_is_told_in_the_words_in_which_it_was_given() {
    in_every_mode("target/lib.so", make_file, |bench, path| {
        let roundabout = bench.root.path().join("./target/./lib.so");
        bench.watcher.set_paths([roundabout.clone()]).unwrap();
        fs::write(path, "a change").unwrap();
        let given = bench.notices.recv_timeout(DEADLINE).unwrap().path;
        assert_eq!(given.as_os_str(), roundabout.as_os_str());
    });
}

#[test]
fn other_files_are_watched_once_they_are_set() {
    in_every_mode("a/lib.so", make_file, |bench, first| {
        let second = bench.root.path().join("b/main.rs");
        let third = bench.root.path().join("c/not/there/yet.rs");
        make_file(&second);
        bench.watcher.set_paths([second.clone(), third.clone()]).unwrap();
        fs::write(first, "not watched any more").unwrap();
        fs::write(&second, "watched now").unwrap();
        make_file(&third);
        let mut told = HashSet::new();
        while told.len() < 2 {
            let notice = bench.notices.recv_timeout(DEADLINE).unwrap();
            assert_ne!(notice.path, first);
            told.insert(notice.path);
        }
        assert_eq!(told, HashSet::from([second, third]));
    });
}

#[test]
fn a_reader_that_does_not_read_delays_nobody_and_gets_the_latest() {
    in_every_mode("lib.so", make_file, |bench, path| {
        let others: Vec<PathBuf> =
            (0..20).map(|i| bench.root.path().join(format!("file{i}"))).collect();
        bench.watcher.set_paths(others.iter().cloned().chain([path.to_owned()])).unwrap();
        // More files than the channel has room for, so the thread is waiting to send.
        others.iter().for_each(|other| fs::write(other, "x").unwrap());
        for round in 0..50 {
            fs::write(path, "y".repeat(round)).unwrap();
        }
        fs::remove_file(path).unwrap();
        bench.watcher.set_paths(others.iter().cloned().chain([path.to_owned()])).unwrap();
        bench.expect(path, |touch| touch == Touch::Removed);
    });
}

#[test]
fn a_watcher_ends_though_nobody_reads() {
    in_every_mode("lib.so", make_file, |bench, path| {
        let others: Vec<PathBuf> =
            (0..20).map(|i| bench.root.path().join(format!("file{i}"))).collect();
        bench.watcher.set_paths(others.clone()).unwrap();
        others.iter().for_each(|other| fs::write(other, "x").unwrap());
        let deadline = Instant::now() + DEADLINE;
        while !bench.notices.is_full() {
            assert!(Instant::now() < deadline, "{path:?}");
            thread::yield_now();
        }
    });
}

#[test]
fn a_thread_without_a_reader_ends_and_the_watcher_can_still_be_used() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("lib.so");
    let (sender, notices) = bounded(1);
    let watcher = Watcher::new([path.clone()], Mode::Native, sender).unwrap();
    drop(notices);
    fs::write(&path, "x").unwrap();
    let deadline = Instant::now() + DEADLINE;
    while !watcher.thread.as_ref().unwrap().is_finished() {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
    watcher.set_paths([path]).unwrap();
}

#[test]
fn reading_a_file_is_no_notice() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("lib.so");
    fs::write(&path, "x").unwrap();
    let (sender, notices) = bounded(4);
    let _watcher = Watcher::new([path.clone()], Mode::Native, sender).unwrap();
    for _ in 0..100 {
        fs::read(&path).unwrap();
    }
    // The events of one directory come in order, so the first notice would be of the reading.
    fs::remove_file(&path).unwrap();
    assert_eq!(notices.recv_timeout(DEADLINE).unwrap().touch, Touch::Removed);
}

#[test]
fn a_path_without_a_file_is_refused() {
    for path in ["/", "..", ""] {
        let (sender, _notices) = bounded(1);
        let error = Watcher::new([path.into()], Mode::Native, sender).unwrap_err();
        assert!(matches!(error, Error::WatchPath { .. }), "{path:?}: {error}");
    }
}

#[test]
fn the_method_is_told() {
    in_every_mode("lib.so", make_file, |bench, _| match (bench.mode, bench.watcher.method()) {
        (Mode::Native, Method::Native) => {}
        (Mode::Polling { interval }, Method::Polling { interval: real, why: None }) => {
            assert_eq!(interval, real);
        }
        (mode, method) => panic!("{mode:?} became {method:?}"),
    });
}

#[test]
fn without_native_watching_it_polls_and_says_why() {
    let (wake, _woken) = bounded(1);
    let mut engine = Engine::new(Mode::Native, Arc::new(Inbox::new(wake)));
    engine.fall_back(&notify::Error::new(notify::ErrorKind::MaxFilesWatch));
    let Method::Polling { interval, why: Some(why) } = engine.method else {
        panic!("still native")
    };
    assert_eq!(Mode::Polling { interval }, Mode::POLLING);
    assert!(why.contains("limit"), "{why}");
    assert!(engine.arm.is_none());
}

#[test]
fn a_watcher_crosses_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<Watcher>();
}
