//! Values that a host keeps and only hot code opens, and that a swap carries over where their type changed.
//!
//! A [`State`] is a handle: the value itself is behind it, with the operations of the generation that it belongs to. After
//! every swap it belongs to the new one, so no state keeps an old generation loaded. Where the type's layout is another
//! one in the new generation, the old code writes the value and the new code reads it.
//!
//! Obligations, which every unsafe block here refers to:
//!
//! S1. A value is written only by operations of its own type and layout, while nobody can change it.
//! S2. A value is dropped once, by operations of its own type and layout, when nobody can reach it any more.
//! S3. A value is borrowed only as the type and layout that it has, by one borrower to change it or by several to read it.
//!
//! That a value has the type and layout of its operations is so when it is made, and whoever replaces one of them
//! replaces both under the desk's lock, or replaces operations by others of the same layout.

mod carry;
mod desk;
mod error;
mod format;
mod opened;
mod ops;
mod saved;
mod side;
#[cfg(test)]
mod tests;
mod thread;
mod transfer;

use std::fmt;
use std::marker::PhantomData;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use carry::{Carried, CarryError, CarryFailure, CarryReport, Committed, STACK, StateTypes};
pub use desk::StateHolder;
pub use error::{OpenError, OpenFailure, StateError};
pub use opened::{Opened, Shared};
pub use ops::{Failure, Migrated, Migration, StateOps, migrated};
pub use saved::Saved;
pub(crate) use side::{OWN, Side, connect};

use side::{DESK, side};

use crate::layout::{Describer, Layout};

/// A value that the host keeps and only hot code opens.
///
/// The host moves the handle about, shares it between threads and drops it where it likes; hot functions open it. A swap to
/// a generation in which `T` looks different carries the value over field by field, by serde's rules: `#[serde(default)]`,
/// `rename`, `alias` and the rest mean what they mean everywhere. If anything fails, the swap is refused and every
/// state is as it was.
///
/// Make states in hot functions: code of the host keeps the layout it was compiled against, and opening a state with
/// another layout is an error. A panic while a state is open leaves in it what was done until then.
///
/// The swap knows a type of state from the signatures of hot functions, so each should be an argument or the result of one,
/// or a field of one that derives `Layout`. A state of any other type keeps the generations loaded that may have
/// made it.
///
/// ```
/// use liveswap_abi::state::{OpenError, State};
///
/// // In hot functions, and with a type that derives `Layout`, `Serialize` and `Deserialize`:
/// fn new_scores() -> State<Vec<u32>> {
///     State::new(Vec::new())
/// }
///
/// fn score(scores: &State<Vec<u32>>, points: u32) -> Result<usize, OpenError> {
///     let mut scores = scores.open()?;
///     scores.push(points);
///     Ok(scores.len())
/// }
///
/// let scores = new_scores();
/// assert_eq!(score(&scores, 10), Ok(1));
/// assert_eq!(score(&scores, 20), Ok(2));
/// ```
pub struct State<T> {
    slot: usize,
    /// Neither `T`'s own `Send` and `Sync` nor its size matter: a value is one thread's at a time, or many threads' that only read.
    value: PhantomData<fn() -> T>,
}

/// A state's value in the form in which it can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenState {
    /// The full name of the type.
    pub type_name: String,
    /// The value.
    pub bytes: Vec<u8>,
}

impl WrittenState {
    /// Reads it as a `T`; fields meet by name.
    ///
    /// # Errors
    ///
    /// [`StateError::Read`].
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, StateError> {
        format::read(&self.bytes, format::DEPTH).map_err(|error| StateError::Read {
            state: self.type_name.clone(),
            failure: error.into(),
        })
    }
}

impl<T: Layout + Serialize + DeserializeOwned + Send + 'static> State<T> {
    const OPS: &'static StateOps = &StateOps::of::<T>();

    /// Keeps `value`.
    #[must_use]
    pub fn new(value: T) -> State<T> {
        State::admit(value, None)
    }

    /// Keeps the value that the last run of the program left under `name`, or what `init` makes where there is none.
    ///
    /// Values are left by a runtime that ends, or is asked to by the `cargo liveswap` that is about to start the program again;
    /// they are found by a runtime that starts, so that has to come first. What was left is read by name, as
    /// at a swap; what does not fit is not used, and its file is moved aside.
    #[must_use]
    pub fn named(name: &str, init: impl FnOnce() -> T) -> State<T> {
        let kept = (side().kept)(name).and_then(|bytes| {
            ops::caught(|| Ok(format::read::<T>(&bytes, format::DEPTH)?))
                .inspect_err(|failure| (side().unfit)(name, failure))
                .ok()
        });
        State::admit(kept.unwrap_or_else(init), Some(name))
    }

    fn admit(value: T, name: Option<&str>) -> State<T> {
        let slot = (side().admit)(Self::OPS, ops::boxed(value), name);
        State { slot, value: PhantomData }
    }

    /// Opens it to be changed; waits while others have it open, and while it is carried over.
    ///
    /// # Errors
    ///
    /// [`OpenFailure::OtherLayout`] and [`OpenFailure::Stale`] if this code was compiled against another layout than the
    /// value has; [`OpenFailure::AlreadyOpen`] and [`OpenFailure::Circle`] where waiting would never end.
    pub fn open(&self) -> Result<Opened<'_, T>, OpenError> {
        let value = (side().open)(self.slot, Self::OPS, true)?;
        Ok(Opened::new(self, value.cast()))
    }

    /// Opens it to be looked at, by any number of threads at once.
    ///
    /// # Errors
    ///
    /// As [`State::open`].
    pub fn look(&self) -> Result<Shared<'_, T>, OpenError>
    where
        T: Sync,
    {
        let value = (side().open)(self.slot, Self::OPS, false)?;
        Ok(Shared::new(self, value.cast()))
    }

    /// Calls `body` with the value.
    ///
    /// # Errors
    ///
    /// As [`State::open`].
    pub fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> Result<R, OpenError> {
        Ok(body(&mut *self.open()?))
    }
}

impl<T> State<T> {
    /// Writes the value, with the current generation's code, whichever code asks.
    ///
    /// # Errors
    ///
    /// [`StateError::Open`] and [`StateError::Write`].
    pub fn write(&self) -> Result<WrittenState, StateError> {
        (side().write)(self.slot)
    }

    /// Replaces the value by one that was written, perhaps by another version of the type; it is read by the current
    /// generation's code, whichever code asks.
    ///
    /// # Errors
    ///
    /// [`StateError::Open`] and [`StateError::Read`], which leave the value as it was, and [`StateError::Dropped`].
    pub fn replace(&self, written: &[u8]) -> Result<(), StateError> {
        (side().read)(self.slot, written)
    }
}

impl<T> Drop for State<T> {
    fn drop(&mut self) {
        let ended = (side().end)(self.slot);
        if let Err(failure) = ended
            && !std::thread::panicking()
        {
            // Raised in the image that drops the handle, as if the value had been beside it.
            std::panic::resume_unwind(Box::new(failure.message));
        }
    }
}

impl<T> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State<{}>", std::any::type_name::<T>())
    }
}

// SAFETY: a handle is its slot; what is behind it is opened only with the layout that it has.
unsafe impl<T: Layout + Serialize + DeserializeOwned + Send + 'static> Layout for State<T> {
    const EXTENT: Option<(usize, usize)> = Some((size_of::<Self>(), align_of::<Self>()));
    const POINTS: bool = false;

    fn describe(describer: &mut Describer<'_>) {
        describer.migratable::<T>();
        describer.state(Self::OPS);
    }
}

/// Makes the new values of all states whose layout is another one in `types`, those of a generation of `hot_crate`.
///
/// Done by the runtime, in the host, on a thread with [`STACK`] bytes of stack. Waits for those who have such a state
/// open, until the deadline.
///
/// # Errors
///
/// The first state that could not be carried over; all are as they were.
pub fn carry(
    hot_crate: &'static str,
    types: StateTypes,
    deadline: Instant,
) -> Result<Carried, CarryError> {
    Carried::make(&DESK, hot_crate, types, deadline)
}

/// Says which types of state the linked generation of `hot_crate` has, if no runtime has said so before.
pub fn settle(hot_crate: &'static str, types: &StateTypes) {
    DESK.settle(hot_crate, types);
}

/// The types of states that may need an old generation's code, in words; while there are any, none is unloaded.
#[must_use]
pub fn holds() -> Vec<String> {
    DESK.holds()
}

/// The full name of a type of which a state was made in this process, if its values may hold addresses inside the image that
/// made them; `None` where no state ever was of such a type.
///
/// States of types that no signature leads to are held, but a later generation may know such a type and take them over.
#[must_use]
pub fn pointing() -> Option<String> {
    DESK.lock().pointing.clone()
}

/// The live states that have a name, each written.
#[must_use]
pub fn write_named() -> Vec<(String, Result<WrittenState, StateError>)> {
    DESK.write_named()
}

/// Keeps a written value for [`State::named`].
pub fn keep(name: String, bytes: Vec<u8>) {
    DESK.lock().kept.insert(name, bytes);
}

/// Has `listener` told of values that were kept and do not fit the state that asked for them: its name, and why.
pub fn on_unfit(listener: fn(&str, &Failure)) {
    DESK.lock().unfit_listener = Some(listener);
}

/// Forgets what images said of layouts, because one of them is about to go.
pub(crate) fn image_goes() {
    DESK.forget_layouts();
}
