//! The messages between `cargo liveswap` and the programs it runs.
//!
//! A connection carries lines of JSON, one message a line, at most [`LONGEST`] bytes each. The
//! program speaks first, with [`ToCli::Hello`] and the token it was given in its environment;
//! whatever else comes first ends the connection. Everything here is plain data: texts, numbers and
//! names, so that both sides can be of different builds as long as [`PROTOCOL`] is the same.

use serde::{Deserialize, Serialize};

mod frame;

pub use frame::{Fault, Frames, encode};

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
    },
    /// Hot code panicked; the panic is on its way to the caller.
    Panicked {
        /// The panic's message.
        message: String,
        /// File, line and column.
        location: String,
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
    /// A build failed; the artifact is the one of before.
    BuildFailed {
        /// Its number.
        build: u64,
        /// The compiler's diagnostics as it renders them, without colors.
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
    /// The program is about to be ended and started anew.
    Restarting {
        /// Why.
        why: String,
    },
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

/// An artifact on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The hot crate, with underscores.
    pub hot_crate: String,
    /// Where it is.
    pub path: String,
    /// The blake3 digest of its bytes, in hexadecimal digits.
    pub digest: String,
}

/// One artifact's way through the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// The hot crate, with underscores.
    pub hot_crate: String,
    /// Where the artifact is.
    pub artifact: String,
    /// The blake3 digest of its bytes in hexadecimal digits, where it is known.
    pub digest: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long each step took.
    pub timings: Timings,
}

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The new generation is current.
    Swapped {
        /// Its number.
        generation: u64,
        /// The kind of artifact, as in "standalone".
        kind: String,
        /// The class of the edit where it is known, as in "body".
        class: Option<String>,
        /// Hot functions that no earlier generation had.
        added: Vec<String>,
    },
    /// The artifact is the one that is current already.
    Unchanged {
        /// The number of that generation.
        generation: u64,
    },
    /// The artifact cannot replace what runs; nothing changed.
    Refused {
        /// The step that refused, as in "check".
        step: String,
        /// What is in the way; never empty.
        differences: Vec<Difference>,
    },
    /// A newer artifact arrived before this one was swapped in; nothing changed.
    Superseded,
}

/// One reason of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The item.
    pub item: String,
    /// What the running program needs.
    pub expected: String,
    /// What the artifact has.
    pub found: String,
    /// What to do about it.
    pub remedy: String,
}

/// How long the steps of a reload took, in microseconds; zero for those that were not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// From the first notice of the artifact until it was whole.
    pub settle: u64,
    /// Making the private copy.
    pub stage: u64,
    /// Reading and comparing the manifest.
    pub verify: u64,
    /// The system's loader.
    pub load: u64,
    /// Comparing identity and signatures.
    pub check: u64,
    /// Publishing the table and the fence that goes with it.
    pub swap: u64,
    /// From the first notice to the end.
    pub total: u64,
}

/// What a runtime says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// The hot crate, with underscores.
    pub hot_crate: String,
    /// The number of the current generation.
    pub generation: u64,
    /// Every generation that is still there, the oldest first.
    pub generations: Vec<Generation>,
    /// How many reloads ended in a swap.
    pub swapped: u64,
    /// How many were refused.
    pub refused: u64,
    /// How many brought what was there already.
    pub unchanged: u64,
    /// How many were overtaken.
    pub superseded: u64,
    /// How the artifact is watched, in words.
    pub watching: String,
}

/// A generation that is still there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// The kind of artifact it came from, as in "standalone".
    pub kind: String,
    /// What holds it, in words.
    pub holders: Vec<String>,
    /// Why its image stays mapped though nothing may use it any more.
    pub retained: Option<String>,
}

/// What a session of `cargo liveswap run` does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Session {
    /// The process of `cargo liveswap`.
    pub pid: u32,
    /// The package of the host.
    pub host: String,
    /// The packages that are hot.
    pub hot: Vec<String>,
    /// Where the artifacts are.
    pub artifact_directory: String,
    /// How many builds there were.
    pub builds: u64,
    /// How the last build ended, in words.
    pub last_build: Option<String>,
    /// The process of the program while it runs.
    pub program: Option<u32>,
    /// How often the program was started anew.
    pub restarts: u64,
    /// Where everything that was said is written to.
    pub log: String,
    /// What the program's runtimes said; empty when none is connected, or none answered in time.
    pub status: Vec<Status>,
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
                serde_json::to_string(&ToCli::Retired { generation: 2, retained: None }).unwrap(),
                r#"{"is":"retired","generation":2,"retained":null}"#,
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
                outcome,
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
