//! What runs now, as the sessions and their programs say.

use std::io::{self, Write};
use std::time::Duration;

use liveswap::control::Socket;
use liveswap::wire::{self, Frames, FromCli, Hello, LONGEST, PROTOCOL, Role, Session, ToCli};

use crate::args;
use crate::error::Error;
use crate::lines::{BOLD, PLAIN};
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
            in_words(&session)
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

/// A session and what its program's runtimes say, in several lines.
fn in_words(session: &Session) -> String {
    let mut text =
        format!("{BOLD}{}{PLAIN}  cargo liveswap is process {}", session.host, session.pid);
    let mut line = |name: &str, value: String| text.push_str(&format!("\n  {name:<10}{value}"));
    line(
        "program",
        match session.program {
            Some(pid) => format!("process {pid}, started anew {} times", session.restarts),
            None => "does not run".to_owned(),
        },
    );
    line("hot", session.hot.join(", "));
    line(
        "builds",
        match &session.last_build {
            Some(last) => format!("{}, the last one {last}", session.builds),
            None => session.builds.to_string(),
        },
    );
    line("artifacts", session.artifact_directory.clone());
    line("log", session.log.clone());
    if session.status.is_empty() {
        line("runtime", "no answer: the program has none, or does not answer".to_owned());
    }
    for status in &session.status {
        let counts = format!(
            "generation {}; {} swapped, {} refused, {} unchanged, {} superseded; watching {}",
            status.generation,
            status.swapped,
            status.refused,
            status.unchanged,
            status.superseded,
            status.watching,
        );
        line(&status.hot_crate, counts);
        for generation in &status.generations {
            let mut words = format!("generation {} ({})", generation.number, generation.kind);
            if let Some(signed) = &generation.signed {
                words.push_str(&format!(", signed {signed}"));
            }
            if let Some(why) = &generation.retained {
                let kept = generation.bytes / 1024;
                words.push_str(&format!(", retained ({kept} KiB): {why}"));
                if let Some(escape) = &generation.may_escape {
                    words.push_str(&format!("; pointers to it may get out: {escape}"));
                }
            }
            if generation.quarantined {
                words.push_str(", in quarantine");
            }
            if !generation.holders.is_empty() {
                words.push_str(&format!(", held by {}", generation.holders.join("; ")));
            }
            line("", words);
        }
        if let Some(wire::Searched { passes, bytes, took }) = status.searched {
            let took = Duration::from_micros(took);
            let size = bytes / 1024 / 1024;
            line(
                "",
                format!("memory searched {passes} times, the last time {size} MiB in {took:.1?}"),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_says_what_old_generations_do() {
        let one = |number| wire::Generation { number, ..wire::Generation::default() };
        let kept = wire::Generation {
            retained: Some("why".to_owned()),
            bytes: 69632,
            may_escape: Some("`f` returns `&str`".to_owned()),
            ..one(1)
        };
        let waits = wire::Generation { quarantined: true, ..one(2) };
        let searched = Some(wire::Searched { passes: 3, bytes: 7 << 20, took: 4200 });
        let generations = vec![kept, waits];
        let status = wire::Status { generations, searched, ..wire::Status::default() };
        let text = in_words(&Session { status: vec![status], ..Session::default() });
        let retained = "retained (68 KiB): why; pointers to it may get out: `f` returns `&str`";
        assert!(text.contains(&format!("generation 1 (), {retained}")), "{text}");
        assert!(text.contains("generation 2 (), in quarantine"), "{text}");
        assert!(text.contains("memory searched 3 times, the last time 7 MiB in 4.2ms"), "{text}");
    }
}
