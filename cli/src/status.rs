//! What runs now, as the sessions and their programs say.

use std::io::{self, Write};
use std::time::Duration;

use liveswap::control::Socket;
use liveswap::wire::{self, Frames, FromCli, Hello, LONGEST, PROTOCOL, Role, Session, ToCli};

use crate::args;
use crate::error::Error;
use crate::lines;
use crate::project;
use crate::session::{self, Entry};

/// How long a session has to answer.
const WITHIN: Duration = Duration::from_secs(3);

/// Asks every session of the target directory, and prints what they say.
///
/// # Errors
///
/// There is none, or one does not answer.
pub(crate) fn status(args: &args::Status) -> Result<(), Error> {
    let own = project::target_directory(&args.place)?.join("liveswap");
    let found = session::alive(&session::directory(&own));
    if found.is_empty() {
        return Err(Error::NoSession { path: own });
    }
    for (entry, socket) in found {
        let session = ask(&entry, socket)
            .ok_or(Error::NoAnswer { pid: entry.pid, seconds: WITHIN.as_secs() })?;
        let text = if args.json {
            serde_json::to_string(&session).map_err(|error| Error::Print(error.into()))?
        } else {
            lines::session(&session)
        };
        writeln!(anstream::AutoStream::auto(io::stdout()), "{text}").map_err(Error::Print)?;
    }
    Ok(())
}

fn ask(entry: &Entry, mut socket: Socket) -> Option<Session> {
    let hello = ToCli::Hello(Hello {
        protocol: PROTOCOL,
        token: entry.token.clone(),
        pid: std::process::id(),
        role: Role::Observer,
    });
    socket.limit_silence(Some(WITHIN)).ok()?;
    socket.write_all(&wire::encode(&hello).ok()?).ok()?;
    let mut frames = Frames::new(socket, LONGEST);
    loop {
        if let FromCli::Session(session) = frames.message().ok()?? {
            return Some(*session);
        }
    }
}
