//! A local socket that several threads share.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericFilePath, Stream};

/// One end of a connection. Its clones are the same end.
#[derive(Debug, Clone)]
pub struct Socket {
    stream: Arc<Stream>,
}

impl Socket {
    /// Whether [`Socket::close`] ends a reading that waits on another thread.
    pub(super) const CLOSES_FOR_ALL: bool = cfg!(unix);

    /// Connects to whoever listens at `address`.
    ///
    /// # Errors
    ///
    /// What the system says: nobody listens there, or not for this user.
    pub fn connect(address: &OsStr) -> io::Result<Socket> {
        Stream::connect(address.to_fs_name::<GenericFilePath>()?).map(Socket::from)
    }

    /// Ends both directions, for all clones. What is still read then is the end.
    pub fn close(&self) {
        #[cfg(unix)]
        {
            let Stream::UdSocket(stream) = &*self.stream;
            // It fails only where the other side has ended both directions already.
            let _ = stream.inner().shutdown(std::net::Shutdown::Both);
        }
    }

    /// Lets a reading fail that waits longer than this.
    ///
    /// # Errors
    ///
    /// The system has no such thing for its local sockets.
    pub fn limit_silence(&self, longest: Option<Duration>) -> io::Result<()> {
        self.stream.set_recv_timeout(longest)
    }
}

impl From<Stream> for Socket {
    fn from(stream: Stream) -> Socket {
        Socket { stream: Arc::new(stream) }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.stream).read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.stream).flush()
    }
}
