//! State at a swap, and state in files.

mod file;
mod named;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use liveswap_abi::HotCrate;
use liveswap_abi::state::{
    self, Carried, CarryError, CarryFailure, STACK, StateHolder, StateTypes, WrittenState,
};

use crate::event::{Difference, Refusal, Step, UnusedState};

pub use file::{StateFile, StateFileError, saved_value};
use named::directory;
pub(crate) use named::unused;
pub use named::{STATE_DIR, SavedStates};

/// Takes note of the types of state that the linked generation has, and of what a former run left; `tell` hears what of
/// that is not used, until [`end`].
pub(crate) fn begin(host: &'static HotCrate, tell: impl Fn(&UnusedState) + Send + Sync + 'static) {
    state::settle(host.name(), &StateTypes::of(host));
    named::listen(host, Arc::new(tell));
    if let Some(left) = directory() {
        named::restore(&left);
    }
}

/// Saves the named states for the next run, because the runtime of `host` ends.
pub(crate) fn end(host: &'static HotCrate) {
    save();
    named::listen_no_more(host);
}

/// Saves the named states where the next run finds them; nothing where nobody said where that is.
pub(crate) fn save() -> SavedStates {
    let saved = directory().map(|place| named::save(&place)).unwrap_or_default();
    for (name, error) in &saved.failures {
        tracing::warn!(%name, %error, "a state was not saved");
    }
    saved
}

/// Makes the new values of all states whose layout is another one in `types`.
///
/// # Errors
///
/// Why that cannot be; all states are as they were.
pub(crate) fn carry(
    hot_crate: &'static str,
    types: StateTypes,
    patience: Duration,
) -> Result<Carried, Refusal> {
    // Values are read by recursion, and how deep is theirs to say: the stack of this thread would not do.
    let thread = std::thread::Builder::new().name("liveswap-migrate".to_owned()).stack_size(STACK);
    let deadline = Instant::now() + patience;
    let carried = thread
        .spawn(move || state::carry(hot_crate, types, deadline))
        .map_err(|error| {
            refusal(
                "thread `liveswap-migrate`".to_owned(),
                "a thread".to_owned(),
                error.to_string(),
                "raise the limit on threads and save again".to_owned(),
            )
        })?
        .join();
    match carried {
        Ok(carried) => carried.map_err(|error| refused(error, patience)),
        // Nothing of a user runs there outside a fence, and what unwound has put everything back.
        Err(_) => Err(refusal(
            "states".to_owned(),
            "to be carried over".to_owned(),
            "a panic of the runtime itself".to_owned(),
            "report it; until it is mended, restart the program to take the new types".to_owned(),
        )),
    }
}

fn refused(error: CarryError, patience: Duration) -> Refusal {
    let CarryError { state, why } = error;
    let item = format!("state `{state}`");
    match why {
        CarryFailure::Turn => refusal(
            "states".to_owned(),
            format!("their turn within {patience:?}"),
            "the runtime of another hot crate, which carries its own over".to_owned(),
            "save again".to_owned(),
        ),
        CarryFailure::Open(holders) => refusal(
            item,
            format!("to be closed within {patience:?}"),
            opened(&holders),
            "close it in between, in a main loop once a round, or set `migrate_deadline`"
                .to_owned(),
        ),
        CarryFailure::Write(failure) => refusal(
            item,
            "to be written by the code that runs".to_owned(),
            failure.to_string(),
            "its `Serialize` refuses this value: restart the program to take the new type"
                .to_owned(),
        ),
        CarryFailure::Read(failure) => refusal(
            item,
            "a type that the value fits".to_owned(),
            failure.to_string(),
            "add `#[serde(default)]` to new fields and `#[serde(alias = \"..\")]` to renamed ones, or restart the program"
                .to_owned(),
        ),
        CarryFailure::Migrate { function, failure } => refusal(
            item,
            format!("a value from `{function}`"),
            failure.to_string(),
            "make it good and save".to_owned(),
        ),
    }
}

fn opened(holders: &[StateHolder]) -> String {
    let one = |holder: &StateHolder| {
        let thread = match holder.thread.as_str() {
            "" => "a thread without a name".to_owned(),
            name => format!("thread `{name}`"),
        };
        format!("{thread} has had it open for {:.1} s", holder.age.as_secs_f64())
    };
    holders.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn refusal(item: String, expected: String, found: String, remedy: String) -> Refusal {
    Refusal::one(Step::Migrate, Difference { item, expected, found, remedy })
}

/// For the file's functions, which are on this floor too.
pub(crate) type Written = WrittenState;
