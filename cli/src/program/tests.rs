use super::*;
use crate::backoff::End;
use crossbeam_channel::unbounded;

const LONG: Duration = Duration::from_secs(120);

fn shell(script: &str) -> (Program, crossbeam_channel::Receiver<News>) {
    let (sender, news) = unbounded();
    let launch = Launch {
        executable: "/bin/sh".into(),
        args: ["-c", script].map(OsString::from).into(),
        environment: vec![("GIVEN".to_owned(), "7".into())],
        library_paths: vec!["/first".into(), "/second".into(), "/first".into()],
    };
    (Program::start(&launch, sender).unwrap(), news)
}

fn end(script: &str) -> End {
    let (mut program, news) = shell(script);
    let heard = news.recv_timeout(LONG).unwrap();
    assert_eq!(heard, News { pid: program.pid(), fate: Fate::Ended });
    End::of(program.collect())
}

#[test]
fn the_end_is_known_in_each_of_its_forms() {
    let table = [
        ("exit 0", End::Code(0)),
        ("exit 3", End::Code(3)),
        ("kill -SEGV $$", End::Signal(11)),
        ("kill -TERM $$", End::Signal(15)),
        ("test $GIVEN = 7", End::Code(0)),
        ("case $LD_LIBRARY_PATH in /first:/second*) exit 0;; esac; exit 1", End::Code(0)),
    ];
    for (script, expected) in table {
        assert_eq!(end(script), expected, "{script}");
    }
}

#[test]
fn a_program_that_is_told_to_end_does_and_may_tidy_up() {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("mark");
    // The shell starts nothing once it has left its mark: one that is just starting another program cannot be stopped
    // before that runs, and forgets signals that it gets meanwhile.
    let script = format!("trap 'exit 5' TERM; sleep 1000 & echo > '{}'; wait", mark.display());
    let (mut program, news) = shell(&script);
    let deadline = Instant::now() + LONG;
    while !mark.exists() {
        assert!(Instant::now() < deadline, "the program does not get far");
        thread::yield_now();
    }
    // One that is stopped hears it all the same.
    program.tell(Tell::Stop);
    assert_eq!(news.recv_timeout(LONG).unwrap().fate, Fate::Stopped);
    program.tell(Tell::Terminate);
    assert_eq!(news.recv_timeout(LONG).unwrap().fate, Fate::Ended);
    assert_eq!(End::of(program.collect()), End::Code(5));
}

#[test]
fn nothing_is_left_of_a_program_that_is_dropped() {
    let (program, _news) = shell("trap '' TERM; sleep 1000 & sleep 1000 & wait");
    let group = program.group();
    assert!(group.is_there());
    drop(program);
    let deadline = Instant::now() + LONG;
    while group.is_there() {
        assert!(Instant::now() < deadline, "something is left");
        thread::yield_now();
    }
}

#[test]
fn a_program_that_is_not_there_is_an_error_with_its_path() {
    let (sender, _news) = unbounded();
    let launch = Launch {
        executable: "/nowhere/game".into(),
        args: Vec::new(),
        environment: Vec::new(),
        library_paths: Vec::new(),
    };
    let error = Program::start(&launch, sender).unwrap_err().to_string();
    assert!(error.contains("/nowhere/game"), "{error}");
}
