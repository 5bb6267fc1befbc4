//! The local socket that programs answer on: who may speak, and who listens.

use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericFilePath, Listener, ListenerOptions};
use liveswap::control::{Link, Socket};
use liveswap::wire::{Fault, Frames, FromCli, Hello, LONGEST, LONGEST_HELLO, PROTOCOL, ToCli};
use tempfile::TempDir;

use crate::error::Error;

const THREAD: &str = "liveswap-listen";

/// How long somebody who connects has to show the token.
const HELLO_WITHIN: Duration = Duration::from_secs(5);

/// How many may be connected, or trying to be, at once.
const MOST: usize = 32;

/// The longest path a socket can have on every system.
const LONGEST_PATH: usize = 100;

/// What is heard on the socket.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Somebody with the token connected.
    Joined { id: u64, hello: Hello, link: Link },
    /// Somebody who is connected said something.
    Said { id: u64, message: ToCli },
    /// Somebody who was connected left.
    Left { id: u64, why: String },
    /// Somebody was turned away.
    TurnedAway { why: String },
}

/// The listening end. Dropping it ends its thread and removes the socket.
#[derive(Debug)]
pub(crate) struct Server {
    address: PathBuf,
    token: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// The directory of the socket where its path would be too long otherwise.
    _elsewhere: Option<TempDir>,
}

#[derive(Debug)]
struct Shared {
    token: blake3::Hash,
    heard: Sender<Heard>,
    ending: AtomicBool,
    last: AtomicU64,
    /// Those who have not shown the token yet.
    strangers: Mutex<HashMap<u64, Socket>>,
    /// How many are connected, strangers included.
    count: AtomicU64,
}

impl Server {
    /// Listens in `directory`, which is made for this user alone.
    ///
    /// # Errors
    ///
    /// The directory or the socket could not be made.
    pub(crate) fn start(directory: &Path, heard: Sender<Heard>) -> Result<Server, Error> {
        private_directory(directory)?;
        let token = token()?;
        // A server that takes the place of one whose socket was removed has another name, so that
        // the older one does not wake it in its stead.
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = socket_name(std::process::id(), number);
        let mut address = directory.join(&name);
        let mut elsewhere = None;
        if address.as_os_str().len() > LONGEST_PATH {
            let made = private_elsewhere()?;
            address = made.path().join(&name);
            elsewhere = Some(made);
        }
        let failed = |source| Error::Listen { path: address.clone(), source };
        // One of a dead process with the same number.
        let _ = fs::remove_file(&address);
        let listener = listen(&address).map_err(failed)?;
        let shared = Arc::new(Shared {
            token: blake3::hash(token.as_bytes()),
            heard,
            ending: AtomicBool::new(false),
            last: AtomicU64::new(0),
            strangers: Mutex::default(),
            count: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || accept(&listener, &accepting))
            .map_err(|source| Error::ThreadStart { name: THREAD, source })?;
        Ok(Server { address, token, shared, thread: Some(thread), _elsewhere: elsewhere })
    }

    /// Where to connect to.
    pub(crate) fn address(&self) -> &Path {
        &self.address
    }

    /// What to say there.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Release pairs with the acquire in `accept`, which is woken by the connection below.
        self.shared.ending.store(true, Ordering::Release);
        let woken = Socket::connect(self.address.as_os_str());
        for stranger in self.shared.strangers().values() {
            stranger.close();
        }
        // A thread that cannot be reached, because its socket was removed, waits to no harm.
        if woken.is_ok()
            && let Some(thread) = self.thread.take()
        {
            // A panic of the thread has been shown where it happened.
            let _ = thread.join();
        }
        let _ = fs::remove_file(&self.address);
    }
}

/// What a process calls one of its sockets.
fn socket_name(process: u32, number: u64) -> String {
    format!("control-{process}-{number}.sock")
}

/// The process whose socket has this name.
pub(crate) fn process_of(name: &str) -> Option<u32> {
    let (process, _) = name.strip_prefix("control-")?.strip_suffix(".sock")?.split_once('-')?;
    process.parse().ok()
}

/// Makes a directory that only this user can look into.
pub(crate) fn private_directory(path: &Path) -> Result<(), Error> {
    let failed =
        |source| Error::File { what: "the directory", verb: "made", path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result.map_err(failed)?,
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A link would lead to a directory of somebody's choosing.
        let metadata = fs::symlink_metadata(path).map_err(failed)?;
        if !metadata.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        }
    }
    Ok(())
}

/// Makes a directory that only this user can look into, where its path is short.
fn private_elsewhere() -> Result<TempDir, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("liveswap-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir().map_err(|source| Error::File {
        what: "a directory for the socket in",
        verb: "made",
        path: std::env::temp_dir(),
        source,
    })
}

fn token() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random { why: error.to_string() })?;
    Ok(blake3::Hash::from_bytes(bytes).to_hex().to_string())
}

fn listen(address: &Path) -> io::Result<Listener> {
    let options = ListenerOptions::new().name(address.to_fs_name::<GenericFilePath>()?);
    options.reclaim_name(false).create_sync()
}

fn accept(listener: &Listener, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        // Acquire pairs with the release in `Server::drop`.
        if shared.ending.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = accepted else {
            // Out of descriptors: those who are connected may leave some.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        let socket = Socket::from(stream);
        // Relaxed: only this thread adds, and one too few or too many for a moment does no harm.
        if shared.count.load(Ordering::Relaxed) >= MOST as u64 {
            shared.turn_away(&socket, format!("{MOST} are connected already"));
            continue;
        }
        let id = shared.last.fetch_add(1, Ordering::Relaxed) + 1;
        shared.count.fetch_add(1, Ordering::Relaxed);
        shared.strangers().insert(id, socket.clone());
        let greeting = Arc::clone(shared);
        let waiting = socket.clone();
        let started = thread::Builder::new()
            .name("liveswap-hello".to_owned())
            .spawn(move || greeting.greet(id, waiting));
        if started.is_err() {
            shared.strangers().remove(&id);
            shared.count.fetch_sub(1, Ordering::Relaxed);
            shared.turn_away(&socket, "the system has no thread left".to_owned());
        }
    }
}

/// Why somebody is not let in.
enum Stranger {
    /// It said nothing and left.
    Silent,
    Refused(String),
}

fn refused<T>(why: &str) -> Result<T, Stranger> {
    Err(Stranger::Refused(why.to_owned()))
}

impl Shared {
    /// Lets somebody in who shows the token.
    fn greet(self: &Arc<Self>, id: u64, socket: Socket) {
        let outcome = self.check(socket.clone());
        self.strangers().remove(&id);
        let (hello, frames) = match outcome {
            Ok(known) => known,
            Err(Stranger::Silent) => {
                self.count.fetch_sub(1, Ordering::Relaxed);
                return socket.close();
            }
            Err(Stranger::Refused(why)) => {
                self.count.fetch_sub(1, Ordering::Relaxed);
                return self.turn_away(&socket, why);
            }
        };
        // Nothing that is said may be heard before it is heard who speaks.
        let (introduced, introduction) = bounded::<()>(0);
        let shared = Arc::clone(self);
        let link = Link::start("liveswap-link", frames, move |received| {
            // It fails once the sender is dropped, and that is what is waited for.
            let _ = introduction.recv();
            let heard = match received {
                Ok(message) => Heard::Said { id, message },
                Err(ended) => {
                    shared.count.fetch_sub(1, Ordering::Relaxed);
                    Heard::Left { id, why: ended.to_string() }
                }
            };
            let _ = shared.heard.send(heard);
        });
        match link {
            Ok(link) => {
                link.send(&FromCli::Welcome { protocol: PROTOCOL });
                let _ = self.heard.send(Heard::Joined { id, hello, link });
            }
            Err(error) => self.turn_away(&socket, error.to_string()),
        }
        drop(introduced);
    }

    fn check(&self, socket: Socket) -> Result<(Hello, Frames<Socket>), Stranger> {
        // Where the system has no such limit, the number of strangers is the limit.
        let limited = socket.limit_silence(Some(HELLO_WITHIN));
        let mut frames = Frames::new(socket, LONGEST_HELLO);
        let hello = match frames.message() {
            Ok(Some(ToCli::Hello(hello))) => hello,
            Ok(Some(_)) => return refused("it did not begin with a hello"),
            // Another session or `status` looks whether somebody listens here.
            Ok(None) => return Err(Stranger::Silent),
            // What a stranger wrote is not repeated in the log.
            Err(Fault::Malformed { .. }) => return refused("its first line is no message"),
            Err(fault) => return refused(&fault.to_string()),
        };
        // Comparing hashes takes the same time wherever they differ.
        if blake3::hash(hello.token.as_bytes()) != self.token {
            let why = format!("process {} has not the token of this session", hello.pid);
            return refused(&why);
        }
        if hello.protocol != PROTOCOL {
            return refused(&format!(
                "process {} speaks protocol {}, expected {PROTOCOL}; build it with the same \
                 version of liveswap as this tool",
                hello.pid, hello.protocol
            ));
        }
        if limited.is_ok() {
            let _ = frames.source().limit_silence(None);
        }
        Ok((hello, frames.with_longest(LONGEST)))
    }

    fn turn_away(&self, socket: &Socket, why: String) {
        socket.close();
        let _ = self.heard.send(Heard::TurnedAway { why });
    }

    fn strangers(&self) -> MutexGuard<'_, HashMap<u64, Socket>> {
        // Every change is one insertion or removal, so a panic elsewhere harms none.
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, unix))]
mod tests;
