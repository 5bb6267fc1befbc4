//! Messages as lines: how one is written, and how they are read without trusting the writer.

use std::io::{self, BufRead, BufReader, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::LONGEST;

/// Why a connection cannot be read any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A line is longer than what the reader is ready to hold.
    #[error("control: a message is longer than the {longest} bytes that are read")]
    TooLong {
        /// The limit in bytes.
        longest: usize,
    },
    /// A line is not a message.
    #[error("control: a line is not a message of protocol {}: {why}", super::PROTOCOL)]
    Malformed {
        /// What the parser said.
        why: String,
    },
    /// The connection ended within a line.
    #[error("control: the connection ended within a message")]
    Torn,
    /// The other side said nothing for too long.
    #[error("control: the other side said nothing in time")]
    Silent,
    /// Reading failed.
    #[error("control: the connection could not be read")]
    Read(#[source] io::Error),
}

/// The messages that come in, none of them longer than a limit.
#[derive(Debug)]
pub struct Frames<R> {
    from: BufReader<R>,
    line: Vec<u8>,
    longest: usize,
}

impl<R: Read> Frames<R> {
    /// Reads lines of at most `longest` bytes, ends included.
    pub fn new(from: R, longest: usize) -> Self {
        Frames { from: BufReader::new(from), line: Vec::new(), longest }
    }

    /// Reads lines of at most `longest` bytes from now on.
    #[must_use]
    pub fn with_longest(self, longest: usize) -> Self {
        Frames { longest, ..self }
    }

    /// Where the lines come from.
    pub fn source(&self) -> &R {
        self.from.get_ref()
    }

    /// The next message, or `None` when the other side has closed the connection.
    ///
    /// # Errors
    ///
    /// Nothing more can be read after any [`Fault`].
    pub fn message<M: DeserializeOwned>(&mut self) -> Result<Option<M>, Fault> {
        self.line.clear();
        // One byte more than allowed tells a line that is too long from one that just fits.
        let limit = self.longest as u64 + 1;
        let read = self.from.by_ref().take(limit).read_until(b'\n', &mut self.line);
        match read {
            Ok(0) => Ok(None),
            Ok(count) if count > self.longest => Err(Fault::TooLong { longest: self.longest }),
            Ok(_) if self.line.last() != Some(&b'\n') => Err(Fault::Torn),
            Ok(_) => serde_json::from_slice(&self.line)
                .map(Some)
                .map_err(|error| Fault::Malformed { why: error.to_string() }),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Err(Fault::Silent),
                // The other side died with words of ours unread.
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Ok(None),
                _ => Err(Fault::Read(error)),
            },
        }
    }
}

/// The line that carries a message.
///
/// # Errors
///
/// [`Fault::TooLong`] when nobody would read it, [`Fault::Malformed`] when it has no form as JSON.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, Fault> {
    let mut line =
        serde_json::to_vec(message).map_err(|error| Fault::Malformed { why: error.to_string() })?;
    line.push(b'\n');
    if line.len() > LONGEST { Err(Fault::TooLong { longest: LONGEST }) } else { Ok(line) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FromCli;

    fn first(bytes: &[u8], longest: usize) -> Result<Option<FromCli>, Fault> {
        Frames::new(bytes, longest).message()
    }

    #[test]
    fn lines_are_read_one_by_one_until_the_end() {
        let bytes = b"{\"is\":\"ask_status\"}\n{\"is\":\"build_started\",\"build\":1}\n";
        let mut frames = Frames::new(bytes.as_slice(), 64);
        assert_eq!(frames.message::<FromCli>().unwrap(), Some(FromCli::AskStatus));
        assert_eq!(frames.message::<FromCli>().unwrap(), Some(FromCli::BuildStarted { build: 1 }));
        assert_eq!(frames.message::<FromCli>().unwrap(), None);
    }

    #[test]
    fn a_line_that_just_fits_is_read_and_one_byte_more_is_not() {
        let line = b"{\"is\":\"ask_status\"}\n";
        assert!(first(line, line.len()).is_ok());
        assert!(matches!(first(line, line.len() - 1), Err(Fault::TooLong { .. })));
        let endless = vec![b'['; 1 << 16];
        assert!(matches!(first(&endless, 100), Err(Fault::TooLong { longest: 100 })));
    }

    #[test]
    fn what_is_no_message_is_a_fault_and_never_a_panic() {
        for line in ["\n", "{}\n", "{\"is\":\"shutdown\"}\n", "\u{0}\n", "[[[[\n", "12\n"] {
            assert!(
                matches!(first(line.as_bytes(), 100), Err(Fault::Malformed { .. })),
                "{line:?}"
            );
        }
        assert!(matches!(first(b"{\"is\":\"ask", 100), Err(Fault::Torn)));
        assert!(matches!(first(b"\xff\xfe\n", 100), Err(Fault::Malformed { .. })));
        let deep = format!("{}\n", "[".repeat(5000));
        assert!(matches!(first(deep.as_bytes(), 1 << 16), Err(Fault::Malformed { .. })));
    }

    #[test]
    fn what_nobody_would_read_is_not_written() {
        let text = "x".repeat(LONGEST);
        assert!(matches!(encode(&FromCli::Line { text }), Err(Fault::TooLong { .. })));
    }
}
