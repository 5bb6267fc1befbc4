//! Looking for what still points into a generation that nothing is known to hold.
//!
//! Before it is unloaded, all memory of the process that can be written to is searched for addresses inside its image: the
//! way in which a garbage collector looks at memory whose types it does not know. A thread of its own does that, so neither
//! callers nor the owner thread wait. What it finds it judges (`judge.rs`): the loader's own records, dead
//! stacks, memory that was given back and memory that only the image itself knew of are no reason to keep anything.
//!
//! What it cannot see: a pointer that is in a register only, or that is moved from where was not yet looked to where was, in
//! the moments of one search; one that is kept in another form (compressed, in a file, in memory shared with others).
//!
//! A generation that is reached stays, and is looked at again at every swap and now and then, less and less often.
//! Only on Linux with 64 bits is there such a search; elsewhere nothing is looked for.

#[cfg(all(target_os = "linux", target_pointer_width = "64", target_endian = "little"))]
#[path = "scan/search.rs"]
mod platform;
#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_endian = "little")))]
#[path = "scan/none.rs"]
mod platform;

use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) use platform::latest;

/// How often the owner thread asks whether a search is done.
const POLL: Duration = Duration::from_millis(2);
/// Until it is searched again what was found to be reached, unless there is a swap; doubled each time.
const AGAIN: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(8);

/// An image that is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The file that it was loaded from, unchanged since.
    pub(crate) file: PathBuf,
    /// The address that the addresses in its file are relative to.
    pub(crate) base: usize,
    /// Where it is mapped.
    pub(crate) segments: Vec<Range<usize>>,
    /// The loader's number of its thread-locals, and their size; zero for an image without any.
    pub(crate) locals: (usize, u64),
    /// Memory in which pointers to it are known, and harmless.
    pub(crate) known: Vec<Range<usize>>,
}

/// What is known of one image: whether it is looked for, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Search {
    state: State,
    /// How often it was found to be reached.
    times: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    NotBegun,
    Running(platform::Scan),
    Unreached,
    Reached {
        why: String,
        since: Instant,
    },
}

/// What a search says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing points into the image.
    Unreached,
    /// To be asked again then.
    NotYet(Instant),
    /// It can be reached, or that cannot be known: why, in words.
    Reached(String),
}

impl Search {
    /// Says what is known, and begins a search where none is under way; to be asked by the owner thread, at every look at
    /// the generation. `after` is until when a generation that stays is not looked at, unless there was a swap.
    pub(crate) fn ask(
        &mut self,
        target: impl FnOnce() -> Target,
        after: Duration,
        now: Instant,
    ) -> Answer {
        match &self.state {
            State::Unreached => return Answer::Unreached,
            State::Reached { why, since } => {
                let waited = now.saturating_duration_since(*since);
                let pause = (AGAIN * 2_u32.saturating_pow(self.times.min(8))).min(LONGEST);
                // A look before its time is one after a swap.
                if waited >= after && waited < pause {
                    return Answer::Reached(why.clone());
                }
                self.state = State::Running(platform::Scan::start(target()));
            }
            State::NotBegun => self.state = State::Running(platform::Scan::start(target())),
            State::Running(_) => {}
        }
        let State::Running(scan) = &self.state else { return Answer::Unreached };
        match scan.answer() {
            None => Answer::NotYet(now + POLL),
            Some(Ok(None)) => {
                self.state = State::Unreached;
                Answer::Unreached
            }
            Some(Ok(Some(why)) | Err(why)) => {
                self.times += 1;
                self.state = State::Reached { why: why.clone(), since: now };
                Answer::Reached(why)
            }
        }
    }
}
