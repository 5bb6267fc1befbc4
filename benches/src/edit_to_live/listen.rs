//! What hosts report: each connects to a socket on the loopback and writes a line whenever its hot function returns
//! another value than before.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::edit_to_live::child::Child;
use crate::edit_to_live::steps::Steps;
use crate::edit_to_live::stop;
use crate::error::Error;

/// The variable that tells a host where to connect to.
pub(crate) const VARIABLE: &str = "LIVESWAP_BENCH_REPORT";

/// What a host reported, and when that was heard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Word {
    /// The hot function returns this now.
    Value(u64),
    /// How long the steps of a swap took in the host.
    Steps(Steps),
}

/// A socket for the reports of one host.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    words: Receiver<(Instant, Word)>,
    connections: Connections,
}

/// Those who are connected; `None` once nobody may be any more.
#[derive(Debug, Clone)]
struct Connections(Arc<Mutex<Option<Vec<TcpStream>>>>);

impl Listener {
    /// Opens a socket that only this machine reaches.
    pub(crate) fn open() -> Result<Listener, Error> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::Socket)?;
        let address = socket.local_addr().map_err(Error::Socket)?;
        let (sender, words) = channel();
        let connections = Connections(Arc::new(Mutex::new(Some(Vec::new()))));
        let theirs = connections.clone();
        let accept = move || accept(&socket, &sender, &theirs);
        thread::Builder::new()
            .name("bench-reports".to_owned())
            .spawn(accept)
            .map_err(Error::Thread)?;
        Ok(Listener { address, words, connections })
    }

    /// Where hosts connect to.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until `host` reports what `pick` takes; when that was heard.
    pub(crate) fn wait<T>(
        &self,
        name: &'static str,
        what: &str,
        within: Duration,
        host: &mut Child,
        mut pick: impl FnMut(Word) -> Option<T>,
    ) -> Result<(Instant, T), Error> {
        let start = Instant::now();
        loop {
            match self.words.recv_timeout(stop::BETWEEN_CHECKS) {
                Ok((when, word)) => {
                    if let Some(picked) = pick(word) {
                        return Ok((when, picked));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Socket(io::ErrorKind::BrokenPipe.into()));
                }
            }
            host.must_run()?;
            stop::check(name, what, start, within).map_err(|error| match error {
                Error::TimedOut { step, what, within } => {
                    let what = format!("{what}\n{}", host.words());
                    Error::TimedOut { step, what, within }
                }
                other => other,
            })?;
        }
    }

    /// Waits until `host` reports `value`; when that was heard.
    pub(crate) fn value(
        &self,
        name: &'static str,
        value: u64,
        within: Duration,
        host: &mut Child,
    ) -> Result<Instant, Error> {
        let what = format!("value {value}");
        let found = self.wait(name, &what, within, host, |word| match word {
            Word::Value(found) if found == value => Some(()),
            _ => None,
        });
        Ok(found?.0)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A host that is not connected any more ends.
        for stream in self.connections.lock().take().into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the accepting thread; where that fails its socket is gone already.
        let _ = TcpStream::connect(self.address);
    }
}

impl Connections {
    /// Takes one in; `false` if nobody may connect any more.
    fn add(&self, stream: &TcpStream) -> bool {
        match (self.lock().as_mut(), stream.try_clone()) {
            (Some(all), Ok(stream)) => {
                all.push(stream);
                true
            }
            (all, _) => all.is_some(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<TcpStream>>> {
        // It is whole at any moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(socket: &TcpListener, words: &Sender<(Instant, Word)>, connections: &Connections) {
    for stream in socket.incoming().map_while(Result::ok) {
        if !connections.add(&stream) {
            return;
        }
        let words = words.clone();
        // Where no thread can be had the host is not heard, which the waiting side reports.
        let reader = thread::Builder::new().name("bench-report".to_owned());
        let _ = reader.spawn(move || read(stream, &words));
    }
}

fn read(stream: TcpStream, words: &Sender<(Instant, Word)>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let now = Instant::now();
        if let Some(word) = parse(&line)
            && words.send((now, word)).is_err()
        {
            return;
        }
    }
}

fn parse(line: &str) -> Option<Word> {
    match line.split_once(' ')? {
        ("value", value) => value.parse().ok().map(Word::Value),
        ("steps", steps) => Some(Word::Steps(Steps::of_host(steps))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn reports_are_heard_in_their_order_whoever_connects() {
        let listener = Listener::open().unwrap();
        for round in 1..=2 {
            let mut host = TcpStream::connect(listener.address()).unwrap();
            writeln!(host, "value {round}\nnonsense\nvalue x\nsteps load 500").unwrap();
            let heard = |_| listener.words.recv_timeout(Duration::from_secs(60)).unwrap().1;
            let [value, steps] = [0, 1].map(heard);
            assert_eq!(value, Word::Value(round));
            assert_eq!(steps, Word::Steps(Steps::of_host("load 500")));
        }
    }

    #[test]
    fn nobody_is_heard_after_the_end() {
        let listener = Listener::open().unwrap();
        let address = listener.address;
        drop(listener);
        let deadline = Instant::now() + Duration::from_secs(60);
        // The thread that accepts ends a moment later, and its socket with it.
        while TcpStream::connect(address).is_ok() {
            assert!(Instant::now() < deadline, "it is still open");
            thread::yield_now();
        }
    }
}
