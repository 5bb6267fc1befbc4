//! Hot functions and values by name: what is given for one, and why none is.

use std::fmt;
use std::sync::Arc;

use liveswap_abi::HotCrate;
use liveswap_abi::lookup::{FnType, FunctionSlot, SafeFnType, ValueSlot};

use crate::event::Difference;

/// A hot function that was found by its name; made by [`Runtime::function`](crate::Runtime::function).
///
/// Every call goes to the newest generation, or to the one that its thread has pinned, like a call of a function that the
/// program was linked with. While the handle or a clone of it lives, an artifact in which the function has another
/// signature is refused.
///
/// ```
/// fn shared<T: Send + Sync + Clone>() {}
/// shared::<liveswap::HotFn<fn(u32) -> u32>>();
/// ```
pub struct HotFn<F> {
    slot: FunctionSlot<F>,
    in_use: Arc<InUse>,
}

/// A hot value that was found by its name; made by [`Runtime::value`](crate::Runtime::value).
///
/// Every read goes to the newest generation, or to the one that its thread has pinned. While the handle or a clone of it
/// lives, an artifact in which the value has another type is refused.
pub struct HotRef<T> {
    slot: ValueSlot<T>,
    in_use: Arc<InUse>,
}

/// Says that somebody can use what is at a path with the signature that it had; as long as it lives.
#[derive(Debug)]
pub(crate) struct InUse {
    pub(crate) path: String,
    pub(crate) kind: ItemKind,
}

/// What a hot item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A `#[hot] fn`.
    Function,
    /// A `#[hot] static`.
    Value,
}

/// The current generation does not have the function or value any more.
///
/// Look it up again when a later generation has it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the current generation has no hot {kind} `{path}` any more; put it back, or look up what replaced it"
)]
pub struct Gone {
    /// What it was.
    pub kind: ItemKind,
    /// Its path.
    pub path: String,
}

/// Why a name gives no function or value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The current generation has nothing of that name.
    #[error("lookup: the current generation has no hot {kind} `{path}`; {}", near_names(near))]
    NotFound {
        /// What was asked for.
        kind: ItemKind,
        /// The path that was asked for.
        path: String,
        /// Paths that are nearly the same, the nearest first.
        near: Vec<String>,
    },
    /// There is one, but it is not public.
    #[error("lookup: the hot {kind} `{path}` is private; make it `pub`")]
    Private {
        /// What was asked for.
        kind: ItemKind,
        /// Its path.
        path: String,
    },
    /// What has the name is something else.
    #[error("lookup: `{path}` is a hot {found}, not a {asked}; ask for a {found}")]
    OtherKind {
        /// What was asked for.
        asked: ItemKind,
        /// What it is.
        found: ItemKind,
        /// Its path.
        path: String,
    },
    /// It has another type than was asked for.
    #[error("lookup: {}", together(differences))]
    Differs {
        /// Every part of the type that differs; never empty.
        differences: Vec<Difference>,
    },
    /// The owner thread has ended.
    #[error("lookup: the runtime has ended; start another")]
    Ended,
}

impl<F: FnType> HotFn<F> {
    /// The function in `slot`, which was found for the type `F`.
    pub(crate) fn new(host: &'static HotCrate, slot: usize, in_use: Arc<InUse>) -> HotFn<F> {
        // SAFETY: L1: the owner thread compared `F` with the entry that has the slot, refuses others as long as `in_use`
        // lives, and numbers the entries of a crate once in a process.
        let slot = unsafe { FunctionSlot::new(host, slot) };
        HotFn { slot, in_use }
    }

    /// Calls the function in the newest generation, with its arguments as a tuple: `call((1, 2))`, `call((1,))`, `call(())`.
    ///
    /// # Errors
    ///
    /// [`Gone`] where that generation does not have the function; nothing was called.
    ///
    /// # Panics
    ///
    /// With the function's own panic.
    pub fn call<'a>(&self, arguments: F::Arguments<'a>) -> Result<F::Output<'a>, Gone>
    where
        F: SafeFnType,
    {
        self.slot.call(arguments).ok_or_else(|| self.in_use.gone())
    }

    /// As [`HotFn::call`], for functions that are `unsafe`.
    ///
    /// # Errors
    ///
    /// [`Gone`] where that generation does not have the function; nothing was called.
    ///
    /// # Panics
    ///
    /// With the function's own panic.
    ///
    /// # Safety
    ///
    /// The function's own obligations, in every generation that may be current.
    pub unsafe fn call_unsafe<'a>(
        &self,
        arguments: F::Arguments<'a>,
    ) -> Result<F::Output<'a>, Gone> {
        // SAFETY: the caller's obligation.
        unsafe { self.slot.call_unsafe(arguments) }.ok_or_else(|| self.in_use.gone())
    }
}

impl<F> HotFn<F> {
    /// The function's path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.in_use.path
    }
}

impl<T: Sync + 'static> HotRef<T> {
    /// The value in `slot`, which was found for the type `T`.
    pub(crate) fn new(host: &'static HotCrate, slot: usize, in_use: Arc<InUse>) -> HotRef<T> {
        // SAFETY: as in `HotFn::new`.
        let slot = unsafe { ValueSlot::new(host, slot) };
        HotRef { slot, in_use }
    }

    /// Lends the newest value to `read`, and keeps its generation loaded until `read` returns.
    ///
    /// # Errors
    ///
    /// [`Gone`] where that generation does not have the value; `read` was not called.
    ///
    /// # Panics
    ///
    /// With `read`'s own panic.
    pub fn with<R>(&self, read: impl FnOnce(&T) -> R) -> Result<R, Gone> {
        self.slot.with(read).ok_or_else(|| self.in_use.gone())
    }

    /// A copy of the newest value.
    ///
    /// # Errors
    ///
    /// [`Gone`] where the newest generation does not have the value.
    pub fn get(&self) -> Result<T, Gone>
    where
        T: Copy,
    {
        self.with(|value| *value)
    }
}

impl<T> HotRef<T> {
    /// The value's path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.in_use.path
    }
}

impl InUse {
    fn gone(&self) -> Gone {
        Gone { kind: self.kind, path: self.path.clone() }
    }
}

impl<F> Clone for HotFn<F> {
    fn clone(&self) -> HotFn<F> {
        HotFn { slot: self.slot, in_use: Arc::clone(&self.in_use) }
    }
}

impl<T> Clone for HotRef<T> {
    fn clone(&self) -> HotRef<T> {
        HotRef { slot: self.slot, in_use: Arc::clone(&self.in_use) }
    }
}

impl<F> fmt::Debug for HotFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HotFn").field(&self.path()).finish()
    }
}

impl<T> fmt::Debug for HotRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HotRef").field(&self.path()).finish()
    }
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ItemKind::Function => "function",
            ItemKind::Value => "value",
        })
    }
}

fn near_names(near: &[String]) -> String {
    match near {
        [] => "see `cargo liveswap inspect` for those that it has".to_owned(),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("`{name}`, ")).collect();
            format!("did you mean {}`{last}`?", first.concat())
        }
    }
}

fn together(differences: &[Difference]) -> String {
    let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
