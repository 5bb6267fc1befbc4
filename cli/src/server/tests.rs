use super::*;
use crossbeam_channel::{Receiver, unbounded};
use liveswap::control::Control;
use liveswap::wire::{self, Role};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Instant;

const LONG: Duration = Duration::from_secs(30);

struct Bench {
    _directory: TempDir,
    server: Server,
    heard: Receiver<Heard>,
}

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let (sender, heard) = unbounded();
        let server = Server::start(&directory.path().join("run"), sender).unwrap();
        Bench { _directory: directory, server, heard }
    }

    fn stranger(&self) -> UnixStream {
        UnixStream::connect(self.server.address()).unwrap()
    }

    fn turned_away(&self) -> String {
        match self.heard.recv_timeout(LONG).unwrap() {
            Heard::TurnedAway { why } => why,
            other => panic!("{other:?}"),
        }
    }

    fn program(&self, deliver: impl FnMut(FromCli) + Send + 'static) -> Control {
        let role = Role::Program { hot_crate: "game".to_owned(), owns_terminal: false };
        let address = self.server.address().as_os_str();
        Control::connect(address, self.server.token().to_owned(), role, deliver).unwrap()
    }

    fn joined(&self) -> (u64, Link) {
        match self.heard.recv_timeout(LONG).unwrap() {
            Heard::Joined { id, link, .. } => (id, link),
            other => panic!("{other:?}"),
        }
    }
}

fn hello(token: &str, protocol: u32) -> Vec<u8> {
    let (token, role) = (token.to_owned(), Role::Observer);
    wire::encode(&ToCli::Hello(Hello { protocol, token, pid: 7, role })).unwrap()
}

#[test]
fn who_has_not_the_token_is_turned_away_unheard() {
    let bench = Bench::new();
    let right = bench.server.token().to_owned();
    let wrong = "0".repeat(right.len());
    let asks = wire::encode(&ToCli::Watching { method: "x".to_owned() }).unwrap();
    let table: [(&str, Vec<u8>, &str); 7] = [
        ("wrong token", hello(&wrong, PROTOCOL), "has not the token"),
        ("no token", hello("", PROTOCOL), "has not the token"),
        ("half a token", hello(&right[..10], PROTOCOL), "has not the token"),
        ("wrong protocol", hello(&right, PROTOCOL + 1), "speaks protocol"),
        ("no hello", asks, "did not begin with a hello"),
        ("not a message", b"GET / HTTP/1.1\r\n".to_vec(), "no message"),
        ("too long", vec![b'x'; LONGEST_HELLO + 1], "longer than"),
    ];
    for (name, words, expected) in table {
        let mut stream = bench.stranger();
        // It may be turned away before all is said.
        let _ = stream.write_all(&words);
        let why = bench.turned_away();
        assert!(why.contains(expected), "{name}: {why}");
        assert!(!why.contains("GET"), "{name}: a stranger's words are not repeated");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{name}: nothing is said to a stranger");
    }
    assert!(bench.heard.is_empty());
}

#[test]
fn a_look_whether_somebody_listens_is_no_intruder() {
    let bench = Bench::new();
    let mut stream = bench.stranger();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty(), "it was let go");
    bench.stranger().write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let why = bench.turned_away();
    assert!(why.contains("no message"), "the look before it was not told: {why}");
}

#[test]
fn a_program_is_introduced_before_it_is_heard() {
    let bench = Bench::new();
    let (sender, hears) = unbounded();
    let control = bench.program(move |message| sender.send(message).unwrap());
    let told = ToCli::Retired { generation: 1, retained: None, bytes: 0 };
    control.send(&told);
    let (id, link) = bench.joined();
    match bench.heard.recv_timeout(LONG).unwrap() {
        Heard::Said { id: from, message } => assert_eq!((from, message), (id, told)),
        other => panic!("{other:?}"),
    }
    assert_eq!(hears.recv_timeout(LONG).unwrap(), FromCli::Welcome { protocol: PROTOCOL });
    link.send(&FromCli::AskStatus);
    assert_eq!(hears.recv_timeout(LONG).unwrap(), FromCli::AskStatus);
    drop(control);
    assert!(
        matches!(bench.heard.recv_timeout(LONG).unwrap(), Heard::Left { id: left, .. } if left == id)
    );
}

#[test]
fn a_message_that_is_too_long_ends_the_connection() {
    let bench = Bench::new();
    let mut stream = bench.stranger();
    stream.write_all(&hello(bench.server.token(), PROTOCOL)).unwrap();
    let (id, _link) = bench.joined();
    let _ = stream.write_all(&vec![b'['; LONGEST + 2]);
    match bench.heard.recv_timeout(LONG).unwrap() {
        Heard::Left { id: left, why } => {
            assert_eq!(left, id);
            assert!(why.contains("longer than"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_that_does_not_read_delays_nobody() {
    let bench = Bench::new();
    let mut stream = bench.stranger();
    stream.write_all(&hello(bench.server.token(), PROTOCOL)).unwrap();
    let (_, link) = bench.joined();
    let start = Instant::now();
    for _ in 0..2_000 {
        link.send(&FromCli::Line { text: "x".repeat(10_000) });
    }
    drop(link);
    assert!(start.elapsed() < LONG);
}

#[test]
fn silent_strangers_do_not_keep_anybody_out_for_ever() {
    let bench = Bench::new();
    let strangers: Vec<UnixStream> = (0..MOST).map(|_| bench.stranger()).collect();
    let late = bench.stranger();
    assert!(bench.turned_away().contains("connected already"));
    drop((strangers, late));
    let deadline = Instant::now() + LONG;
    while bench.server.shared.count.load(Ordering::Relaxed) > 0 {
        assert!(Instant::now() < deadline, "they are gone and still counted");
        thread::yield_now();
    }
    let _control = bench.program(|_| {});
    bench.joined();
}

#[test]
fn only_this_user_can_come_near_and_nothing_stays() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    fs::create_dir(&run).unwrap();
    fs::set_permissions(&run, fs::Permissions::from_mode(0o777)).unwrap();
    let (sender, _heard) = unbounded();
    let server = Server::start(&run, sender).unwrap();
    assert_eq!(fs::metadata(&run).unwrap().permissions().mode() & 0o777, 0o700);
    let silent = UnixStream::connect(server.address()).unwrap();
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < HELLO_WITHIN, "it does not wait for who says nothing");
    assert_eq!(fs::read_dir(&run).unwrap().count(), 0);
    drop(silent);
}

#[test]
fn a_server_whose_socket_was_removed_can_be_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    let (sender, heard) = unbounded();
    let first = Server::start(&run, sender.clone()).unwrap();
    let role = Role::Program { hot_crate: "game".to_owned(), owns_terminal: false };
    let address = first.address().as_os_str();
    let control = Control::connect(address, first.token().to_owned(), role, |_| {}).unwrap();
    let joined = heard.recv_timeout(LONG).unwrap();
    fs::remove_dir_all(&run).unwrap();
    let second = Server::start(&run, sender).unwrap();
    drop(first);
    assert!(second.address().exists());
    let told = ToCli::Retired { generation: 1, retained: None, bytes: 0 };
    control.send(&told);
    match heard.recv_timeout(LONG).unwrap() {
        Heard::Said { message, .. } => assert_eq!(message, told, "who is connected stays so"),
        other => panic!("{other:?} after {joined:?}"),
    }
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("d".repeat(120));
    let (sender, _heard) = unbounded();
    let server = Server::start(&run, sender).unwrap();
    let parent = server.address().parent().unwrap().to_owned();
    assert_eq!(fs::metadata(&parent).unwrap().permissions().mode() & 0o777, 0o700);
    UnixStream::connect(server.address()).unwrap();
    drop(server);
    assert!(!parent.exists());
}

#[test]
fn no_two_sessions_have_the_same_token() {
    let (first, second) = (Bench::new(), Bench::new());
    assert_eq!(first.server.token().len(), 64);
    assert_ne!(first.server.token(), second.server.token());
}
