//! What hosts report: each connects to a socket on the loopback and writes a line whenever its hot function returns
//! another value than before.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::edit_to_live::child::Child;
use crate::edit_to_live::stop;
use crate::error::Error;

/// The variable that tells a host where to connect to.
pub(crate) const VARIABLE: &str = "LIVESWAP_BENCH_REPORT";

/// A socket for the reports of one host.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    values: Receiver<(Instant, u64)>,
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
        let (sender, values) = channel();
        let connections = Connections(Arc::new(Mutex::new(Some(Vec::new()))));
        let theirs = connections.clone();
        let accept = move || accept(&socket, &sender, &theirs);
        thread::Builder::new()
            .name("bench-reports".to_owned())
            .spawn(accept)
            .map_err(Error::Thread)?;
        Ok(Listener { address, values, connections })
    }

    /// Where hosts connect to.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until `host` reports `value`, or anything where it is `None`; when that was heard.
    pub(crate) fn value(
        &self,
        name: &'static str,
        value: Option<u64>,
        within: Duration,
        host: &mut Child,
    ) -> Result<Instant, Error> {
        let start = Instant::now();
        let what = value.map_or("first value".to_owned(), |value| format!("value {value}"));
        loop {
            match self.values.recv_timeout(stop::BETWEEN_CHECKS) {
                Ok((when, found)) if value.is_none_or(|value| value == found) => return Ok(when),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Socket(io::ErrorKind::BrokenPipe.into()));
                }
            }
            host.must_run()?;
            stop::check(name, &what, start, within)
                .map_err(|error| error.with_words(&host.words()))?;
        }
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

fn accept(socket: &TcpListener, values: &Sender<(Instant, u64)>, connections: &Connections) {
    for stream in socket.incoming().map_while(Result::ok) {
        if !connections.add(&stream) {
            return;
        }
        let values = values.clone();
        // Where no thread can be had the host is not heard, which the waiting side reports.
        let reader = thread::Builder::new().name("bench-report".to_owned());
        let _ = reader.spawn(move || read(stream, &values));
    }
}

fn read(stream: TcpStream, values: &Sender<(Instant, u64)>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let now = Instant::now();
        let value = line.strip_prefix("value ").and_then(|value| value.parse().ok());
        if value.is_some_and(|value| values.send((now, value)).is_err()) {
            return;
        }
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
            writeln!(host, "value {round}\nnonsense\nvalue x\nvalue 7").unwrap();
            let heard = |_| listener.values.recv_timeout(Duration::from_secs(60)).unwrap().1;
            assert_eq!([0, 1].map(heard), [round, 7]);
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
