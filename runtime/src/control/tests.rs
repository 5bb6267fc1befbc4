//! Both ends of a socket in one process.

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::*;

const LONG: Duration = Duration::from_secs(30);

struct Bench {
    _directory: tempfile::TempDir,
    address: PathBuf,
    listener: UnixListener,
}

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let address = directory.path().join("socket");
        let listener = UnixListener::bind(&address).unwrap();
        Bench { _directory: directory, address, listener }
    }

    /// A program's connection, what it hears, and the other end.
    fn connect(&self) -> (Control, Receiver<FromCli>, UnixStream) {
        let (heard, hears) = channel();
        let role = Role::Program { hot_crate: "game".to_owned(), owns_terminal: true };
        let control =
            Control::connect(self.address.as_os_str(), "secret".to_owned(), role, move |message| {
                heard.send(message).unwrap();
            });
        let (stream, _) = self.listener.accept().unwrap();
        (control.unwrap(), hears, stream)
    }
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn the_program_speaks_first_and_hears_what_is_said() {
    let bench = Bench::new();
    let (control, hears, stream) = bench.connect();
    let mut frames = Frames::new(stream.try_clone().unwrap(), LONGEST);
    let Some(ToCli::Hello(hello)) = frames.message().unwrap() else { panic!("no hello") };
    assert_eq!((hello.token.as_str(), hello.protocol), ("secret", PROTOCOL));
    assert_eq!(hello.pid, std::process::id());

    for message in [FromCli::BuildStarted { build: 1 }, FromCli::AskStatus] {
        (&stream).write_all(&wire::encode(&message).unwrap()).unwrap();
        assert_eq!(hears.recv_timeout(LONG).unwrap(), message);
    }
    control.send(&ToCli::Watching { method: "natively".to_owned() });
    let told: Option<ToCli> = frames.message().unwrap();
    assert_eq!(told, Some(ToCli::Watching { method: "natively".to_owned() }));
}

#[test]
fn the_last_words_arrive_before_the_end() {
    let bench = Bench::new();
    let (control, _, stream) = bench.connect();
    control.send(&ToCli::Retired { generation: 4, retained: None, bytes: 0 });
    drop(control);
    let mut frames = Frames::new(stream, LONGEST);
    assert!(matches!(frames.message().unwrap(), Some(ToCli::Hello(_))));
    let last: Option<ToCli> = frames.message().unwrap();
    assert_eq!(last, Some(ToCli::Retired { generation: 4, retained: None, bytes: 0 }));
    assert_eq!(frames.message::<ToCli>().unwrap(), None);
}

#[test]
fn a_peer_that_dies_is_noticed_and_sending_goes_on_without_effect() {
    let bench = Bench::new();
    let (control, hears, stream) = bench.connect();
    assert!(control.is_connected());
    drop(stream);
    wait_until("the end is noticed", || !control.is_connected());
    for generation in 0..10_000 {
        control.send(&ToCli::Retired { generation, retained: None, bytes: 0 });
    }
    drop(control);
    assert!(hears.recv().is_err(), "the callback went with the connection");
}

#[test]
fn a_peer_that_does_not_read_delays_nobody() {
    let bench = Bench::new();
    let (control, _hears, stream) = bench.connect();
    let why = Some("x".repeat(10_000));
    let start = Instant::now();
    for generation in 0..2_000 {
        control.send(&ToCli::Retired { generation, retained: why.clone(), bytes: 0 });
    }
    drop(control);
    assert!(start.elapsed() < LONG, "neither sending nor dropping waits for the reader");

    let mut frames = Frames::new(stream, LONGEST);
    let mut read = 0;
    while let Ok(Some(ToCli::Hello(_) | ToCli::Lagged { .. } | ToCli::Retired { .. })) =
        frames.message()
    {
        read += 1;
    }
    assert!(read < 1_000, "{read} messages of 10 kB are more than a socket holds");
}

#[test]
fn words_that_are_no_message_end_the_connection_and_not_the_program() {
    for words in [b"hello\n".to_vec(), vec![b'x'; LONGEST + 2]] {
        let bench = Bench::new();
        let (control, hears, stream) = bench.connect();
        // The reader may hang up before it has read them all.
        let _ = (&stream).write_all(&words);
        wait_until("the connection ends", || !control.is_connected());
        assert!(hears.try_recv().is_err());
        control.send(&ToCli::Watching { method: "still here".to_owned() });
    }
}

#[test]
fn nobody_at_the_address_is_an_error_with_the_address_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let address = directory.path().join("gone");
    let error =
        Control::connect(address.as_os_str(), String::new(), Role::Observer, |_| {}).unwrap_err();
    assert!(error.to_string().contains(&*address.to_string_lossy()), "{error}");
}

#[test]
fn connections_cross_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<Control>();
}
