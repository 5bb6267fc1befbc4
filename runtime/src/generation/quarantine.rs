//! The step in which the code of a generation is inaccessible for a while.

use std::time::{Duration, Instant};

use super::ending::Verdict;
use crate::dylib::quarantine::{Ended, Quarantine, StrayCall};
use crate::dylib::{MappedImage, backtrace};

/// How often it is looked whether somebody called, and how long a call that is on its way is waited for at the end.
const LOOK: Duration = Duration::from_millis(20);

/// The same once somebody called: others may have called at the same moment and not have got as far.
const MORE: Duration = Duration::from_millis(250);

/// How far the step is.
#[derive(Debug, Default)]
pub(super) enum Phase {
    /// It has not begun.
    #[default]
    Before,
    /// The code is inaccessible until then.
    Closed(Quarantine, Instant),
    /// The code is accessible again; calls that came before that are seen until then.
    Opened(Quarantine, Instant),
    /// Nobody called, or it could not be made inaccessible.
    Over,
    /// Somebody called; in words.
    Struck(String),
}

impl Phase {
    /// Goes as far as `now` allows.
    pub(super) fn step(
        &mut self,
        image: Option<&MappedImage>,
        time: Duration,
        now: Instant,
    ) -> Verdict {
        let (next, verdict) = match std::mem::take(self) {
            Phase::Before if time.is_zero() => (Phase::Before, Verdict::Clear),
            // SAFETY: quarantine obligations 1 and 3: the image is closed after this step, which comes after those that
            // found nobody inside.
            Phase::Before => match image.and_then(|image| unsafe { Quarantine::begin(image) }) {
                Some(quarantine) => {
                    let until = now + time;
                    (Phase::Closed(quarantine, until), Verdict::NotYet(until.min(now + LOOK)))
                }
                None => (Phase::Over, Verdict::Clear),
            },
            Phase::Closed(quarantine, until)
                if now < until && !time.is_zero() && !quarantine.is_struck() =>
            {
                (Phase::Closed(quarantine, until), Verdict::NotYet(until.min(now + LOOK)))
            }
            Phase::Closed(quarantine, _) => match quarantine.open() {
                true if time.is_zero() => end(quarantine, now),
                true => {
                    let until = now + if quarantine.is_struck() { MORE } else { LOOK };
                    (Phase::Opened(quarantine, until), Verdict::NotYet(until))
                }
                // It is asked again at the next look.
                false => {
                    let why = "the system does not make its code accessible again".to_owned();
                    (Phase::Closed(quarantine, now), Verdict::Stays(why))
                }
            },
            Phase::Opened(quarantine, until) if now < until && !time.is_zero() => {
                (Phase::Opened(quarantine, until), Verdict::NotYet(until))
            }
            Phase::Opened(quarantine, _) => end(quarantine, now),
            Phase::Over => (Phase::Over, Verdict::Clear),
            Phase::Struck(why) => (Phase::Struck(why.clone()), Verdict::Stays(why)),
        };
        *self = next;
        verdict
    }

    /// Whether the code is, or just was, inaccessible.
    pub(super) fn is_on(&self) -> bool {
        matches!(self, Phase::Closed(..) | Phase::Opened(..))
    }

    /// Has it end at the next look.
    pub(super) fn cut_short(&mut self, now: Instant) {
        if let Phase::Closed(_, until) = self {
            *until = now.min(*until);
        }
    }
}

fn end(mut quarantine: Quarantine, now: Instant) -> (Phase, Verdict) {
    match quarantine.end() {
        Ended::NotYet => (Phase::Opened(quarantine, now), Verdict::NotYet(now + LOOK)),
        Ended::Unharmed => (Phase::Over, Verdict::Clear),
        Ended::Struck(call) => {
            let why = words(&call);
            (Phase::Struck(why.clone()), Verdict::Stays(why))
        }
    }
}

/// Who called what, as far as it can be known.
fn words(call: &StrayCall) -> String {
    let StrayCall { address, thread, stack } = call;
    let function = match backtrace::function(*address) {
        Some(function) => format!("`{function}`"),
        None => format!("the code at {address:#x}"),
    };
    let callers = backtrace::callers(stack);
    let callers = match callers.is_empty() {
        true => "its caller is not known".to_owned(),
        false => format!("return addresses on the stack are in `{}`", callers.join("`, `")),
    };
    format!(
        "a stray call of {function} on thread `{thread}`, though nothing was known to hold it: something in the program \
         still points to it; {callers}"
    )
}
