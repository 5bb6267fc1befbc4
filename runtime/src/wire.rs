//! The messages between `cargo liveswap` and the programs it runs.
//!
//! A connection carries lines of JSON, one message a line, at most [`LONGEST`] bytes each. The
//! program speaks first, with [`ToCli::Hello`] and the token it was given in its environment;
//! whatever else comes first ends the connection. Everything here is plain data: texts, numbers and
//! names, so that both sides can be of different builds as long as [`PROTOCOL`] is the same.

use serde::{Deserialize, Serialize};

mod frame;
mod picture;

pub use frame::{Fault, Frames, encode};
pub use picture::{
    Artifact, Difference, Generation, NotSaved, Outcome, Reload, Searched, Session, Status, Steps,
    Timings,
};

/// The version of these messages; both sides must have the same.
pub const PROTOCOL: u32 = 1;

/// The longest line in bytes, its end included.
pub const LONGEST: usize = 1 << 20;

/// The longest line before the other side has shown its token.
pub const LONGEST_HELLO: usize = 4 << 10;

/// The longest diagnostics that are sent, in bytes; the rest is in the log.
pub const LONGEST_RENDERED: usize = 256 << 10;

/// The environment variable with the address of the socket.
pub const ENV_ADDRESS: &str = "LIVESWAP_CONTROL";

/// The environment variable with the token of this session.
pub const ENV_TOKEN: &str = "LIVESWAP_TOKEN";

/// What a program, or another `cargo liveswap`, says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToCli {
    /// Who speaks, and by what right. Always first.
    Hello(Hello),
    /// A reload ended.
    Reloaded(Reload),
    /// A generation that is no longer current is still held.
    Draining {
        /// The generation.
        generation: u64,
        /// What holds it, in words.
        holders: Vec<String>,
    },
    /// A generation that is no longer current was taken care of.
    Retired {
        /// The generation.
        generation: u64,
        /// Why its image stays mapped; `None` when it left.
        retained: Option<String>,
        /// How many bytes of it are in memory then.
        #[serde(default)]
        bytes: u64,
    },
    /// Hot code panicked; the panic is on its way to the caller.
    Panicked {
        /// The panic's message.
        message: String,
        /// File, line and column.
        location: String,
    },
    /// The named states were saved, as [`FromCli::SaveStates`] asked for.
    StatesSaved {
        /// The names of those that are in files now.
        saved: Vec<String>,
        /// Those that are not.
        failed: Vec<NotSaved>,
    },
    /// A value that a former run left is not used, and its state begins anew.
    StateNotUsed {
        /// Which, why, and where it is, in words.
        text: String,
    },
    /// Watching had to change its method.
    Watching {
        /// How the artifact is watched now, in words.
        method: String,
    },
    /// The answer to [`FromCli::AskStatus`].
    Status(Status),
    /// The connection was slow: so many messages before the next one were dropped.
    Lagged {
        /// How many.
        missed: u64,
    },
}

/// What `cargo liveswap` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FromCli {
    /// The token was right. Always first.
    Welcome {
        /// The version of the messages that follow.
        protocol: u32,
    },
    /// A build began.
    BuildStarted {
        /// Its number.
        build: u64,
    },
    /// A build fails; the artifact is the one of before. Said with the first error that the compiler
    /// reports, and again with each one after it.
    BuildFailed {
        /// Its number.
        build: u64,
        /// The compiler's errors so far as it renders them, without colors.
        rendered: String,
    },
    /// A build ended well, and what it made is on disk.
    BuildFinished {
        /// Its number.
        build: u64,
        /// The artifacts, with their digests.
        artifacts: Vec<Artifact>,
        /// How long it took, in microseconds.
        micros: u64,
    },
    /// A line for the person, in place of one on the terminal that the program owns.
    Line {
        /// The line, without colors and without its end.
        text: String,
    },
    /// An edit that was built is not seen by the program, which goes on with what it was compiled of.
    WithoutEffect {
        /// The edited item.
        item: String,
        /// Why it is not seen, in words.
        why: String,
        /// What to do for it to be seen.
        remedy: String,
    },
    /// The program is about to be ended and started anew.
    Restarting {
        /// Why.
        why: String,
    },
    /// Wants the named states to be saved, and to hear a [`ToCli::StatesSaved`].
    SaveStates,
    /// Wants to hear a [`ToCli::Status`].
    AskStatus,
    /// What this session does, for an observer.
    Session(Box<Session>),
    /// The connection was slow: so many messages before the next one were dropped.
    Lagged {
        /// How many.
        missed: u64,
    },
}

/// Who speaks, and by what right.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the messages: [`PROTOCOL`].
    pub protocol: u32,
    /// The token of the session.
    pub token: String,
    /// The speaker's process.
    pub pid: u32,
    /// What the speaker is.
    pub role: Role,
}

/// Shows everything but the token, which gives the right to speak.
impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Hello { protocol, token: _, pid, role } = self;
        f.debug_struct("Hello")
            .field("protocol", protocol)
            .field("pid", pid)
            .field("role", role)
            .finish_non_exhaustive()
    }
}

/// What a speaker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A host with a running runtime.
    Program {
        /// The hot crate, with underscores.
        hot_crate: String,
        /// Whether the program draws on the terminal, so that nobody else may print there.
        owns_terminal: bool,
    },
    /// Somebody who wants to hear a [`FromCli::Session`] and then leaves.
    Observer,
}

/// Cuts diagnostics that are longer than [`LONGEST_RENDERED`] at a line's end, and says so.
///
/// ```
/// use liveswap::wire;
///
/// assert_eq!(wire::cut("error: no".to_owned()), "error: no");
/// let long = "error\n".repeat(wire::LONGEST_RENDERED);
/// assert!(wire::cut(long).len() < wire::LONGEST_RENDERED + 100);
/// ```
#[must_use]
pub fn cut(mut rendered: String) -> String {
    if rendered.len() > LONGEST_RENDERED {
        let rest = rendered.len();
        let end = rendered.floor_char_boundary(LONGEST_RENDERED);
        let end = rendered[..end].rfind('\n').map_or(end, |line| line + 1);
        rendered.truncate(end);
        rendered.push_str(&format!("… {} bytes more are in the log\n", rest - end));
    }
    rendered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let hello =
            Hello { protocol: PROTOCOL, token: "s3cret".to_owned(), pid: 7, role: Role::Observer };
        assert!(!format!("{hello:?}").contains("s3cret"));
        assert!(!format!("{:?}", ToCli::Hello(hello)).contains("s3cret"));
    }

    #[test]
    fn messages_are_lines_that_a_person_can_read() {
        let table = [
            (
                serde_json::to_string(&FromCli::BuildStarted { build: 3 }).unwrap(),
                r#"{"is":"build_started","build":3}"#,
            ),
            (serde_json::to_string(&FromCli::AskStatus).unwrap(), r#"{"is":"ask_status"}"#),
            (
                serde_json::to_string(&ToCli::Retired { generation: 2, retained: None, bytes: 0 })
                    .unwrap(),
                r#"{"is":"retired","generation":2,"retained":null,"bytes":0}"#,
            ),
        ];
        for (found, expected) in table {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn every_outcome_comes_back_as_it_was() {
        let difference = Difference {
            item: "function `game::tick`".to_owned(),
            expected: "1 argument".to_owned(),
            found: "2\narguments".to_owned(),
            remedy: "restart".to_owned(),
        };
        for outcome in [
            Outcome::Swapped {
                generation: 1,
                kind: "shared".to_owned(),
                class: None,
                added: vec!["game::spawn".to_owned()],
            },
            Outcome::Unchanged { generation: 1 },
            Outcome::Refused { step: "check".to_owned(), differences: vec![difference] },
            Outcome::Superseded,
        ] {
            let message = ToCli::Reloaded(Reload {
                hot_crate: "game".to_owned(),
                artifact: "target/libgame.so".to_owned(),
                digest: None,
                signed: Some("by the key E7: build 12".to_owned()),
                outcome,
                cause: None,
                timings: Timings { swap: 4, total: 9, ..Timings::default() },
            });
            let line = encode(&message).unwrap();
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            let mut frames = Frames::new(line.as_slice(), LONGEST);
            assert_eq!(frames.message::<ToCli>().unwrap(), Some(message));
        }
    }

    #[test]
    fn cutting_keeps_whole_lines_and_whole_characters() {
        let text = format!("{}\n{}", "é".repeat(LONGEST_RENDERED / 2 - 1), "é".repeat(100));
        let short = cut(text);
        assert!(
            short.ends_with("\n… 200 bytes more are in the log\n"),
            "{:?}",
            &short[short.len() - 60..]
        );
        assert!(cut("é".repeat(LONGEST_RENDERED)).contains("bytes more"));
    }
}
