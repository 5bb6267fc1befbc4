//! What can be done with values of one type of state, by the code of one image.
//!
//! Every function here is called by the host, on values made by any image of the same type and layout. None of them
//! unwinds: a panic is caught in the image it happened in, and only its message, a `String`, crosses.

use std::any::{Any, TypeId};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::format;
use super::saved::Saved;
use crate::layout::{Catalog, Describer, Fingerprint, Layout, Node};
use crate::panic::note_caught;

/// A boxed value of state whose type only its [`StateOps`] know.
pub(crate) type Value = NonNull<()>;

/// What one image can do with values of one type.
///
/// There may be several of one type in an image; none is used for two types.
#[repr(C)]
pub struct StateOps {
    pub(super) type_id: TypeId,
    pub(super) name: fn() -> &'static str,
    pub(super) describe: fn(&mut Describer<'_>) -> Node,
    /// Obligation S1: the value is one of this type and layout, and nobody has it open to be changed.
    pub(super) write: unsafe fn(Value, usize, &mut Vec<u8>) -> Result<(), Failure>,
    pub(super) read: fn(&[u8], usize) -> Result<Value, Failure>,
    /// Obligation S2: the value is one of this type and layout, and nobody uses it any more.
    pub(super) end: unsafe fn(Value) -> Result<(), Failure>,
}

/// Why a value could not be written, read, or dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where in the value, as in `players[3].health`; empty for the value itself.
    pub path: String,
    /// What serde, the function that was called, or the panic said.
    pub message: String,
    /// Whether it was a panic.
    pub panicked: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(if self.panicked { "a panic: " } else { "" })?;
        f.write_str(&self.message)
    }
}

impl From<format::Error> for Failure {
    fn from(error: format::Error) -> Failure {
        Failure { path: error.path(), message: error.message().to_owned(), panicked: false }
    }
}

impl StateOps {
    /// What this image can do with values of `T`.
    #[must_use]
    pub(super) const fn of<T: Layout + Serialize + DeserializeOwned + 'static>() -> StateOps {
        StateOps {
            type_id: TypeId::of::<T>(),
            name: std::any::type_name::<T>,
            describe: |describer| describer.node::<T>(),
            write: write::<T>,
            read: read::<T>,
            end: end::<T>,
        }
    }

    /// The type's full name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        (self.name)()
    }

    /// The fingerprint of the type's layout in this image, made anew.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.look().0
    }

    /// The fingerprint, and whether a value may hold an address inside the image that made it.
    pub(super) fn look(&self) -> (Fingerprint, bool) {
        let (node, catalog) = Catalog::of(|describer| (self.describe)(describer));
        (catalog.fingerprint(node), catalog.pointing(node, false).is_some())
    }
}

impl fmt::Debug for StateOps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateOps").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Runs user code that may panic, in the image that contains it.
pub(super) fn caught<R>(body: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        note_caught();
        let message = words(&*payload);
        // A payload whose own destructor panics must not reach the host.
        std::mem::forget(catch_unwind(AssertUnwindSafe(|| drop(payload))));
        Err(Failure { path: String::new(), message, panicked: true })
    })
}

fn words(payload: &(dyn Any + Send)) -> String {
    let literal = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
    let formatted = || payload.downcast_ref::<String>().cloned();
    literal.or_else(formatted).unwrap_or_else(|| "Box<dyn Any>".to_owned())
}

unsafe fn write<T: Serialize>(
    value: Value,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    // SAFETY: S1.
    let value = unsafe { value.cast::<T>().as_ref() };
    caught(|| Ok(format::write(value, depth, out)?))
}

fn read<T: DeserializeOwned>(bytes: &[u8], depth: usize) -> Result<Value, Failure> {
    caught(|| Ok(boxed(format::read::<T>(bytes, depth)?)))
}

unsafe fn end<T>(value: Value) -> Result<(), Failure> {
    // SAFETY: S2; the value was boxed by `boxed`, and all images free each other's memory.
    let value = unsafe { Box::from_raw(value.cast::<T>().as_ptr()) };
    caught(|| {
        drop(value);
        Ok(())
    })
}

pub(super) fn boxed<T>(value: T) -> Value {
    NonNull::from(Box::leak(Box::new(value))).cast()
}

/// A function marked `#[hot(migrate)]`, as its image lists it.
#[repr(C)]
pub struct Migration {
    path: &'static str,
    pub(super) type_id: TypeId,
    name: fn() -> &'static str,
    pub(super) read: fn(&[u8], usize) -> Result<Value, Failure>,
}

impl Migration {
    /// Describes the function at `path`, which answers with an `R` and is called by `read`.
    #[must_use]
    pub const fn new<R: Migrated>(
        path: &'static str,
        read: fn(&[u8], usize) -> Result<Value, Failure>,
    ) -> Migration {
        Migration {
            path,
            type_id: TypeId::of::<R::Value>(),
            name: std::any::type_name::<R::Value>,
            read,
        }
    }

    /// The function's path, beginning with the crate's name.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The full name of the type that it makes.
    #[must_use]
    pub fn makes(&self) -> &'static str {
        (self.name)()
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What a `#[hot(migrate)]` function answers with: `Result<World, String>` for a state of `World`.
#[diagnostic::on_unimplemented(
    message = "a migration answers with `Result<TheType, String>`, not with `{Self}`",
    label = "make this `Result<TheType, String>`: the new value of the state, or why there is none"
)]
pub trait Migrated {
    /// The type of the state.
    type Value: 'static;

    /// The new value, or why there is none.
    ///
    /// # Errors
    ///
    /// What the function says.
    fn made(self) -> Result<Self::Value, String>;
}

impl<T: 'static> Migrated for Result<T, String> {
    type Value = T;

    fn made(self) -> Result<T, String> {
        self
    }
}

/// Calls a `#[hot(migrate)]` function and boxes what it makes.
///
/// # Errors
///
/// What the function says, or its panic.
pub fn migrated<R: Migrated>(
    function: fn(Saved<'_>) -> R,
    bytes: &[u8],
    depth: usize,
) -> Result<NonNull<()>, Failure> {
    caught(|| match function(Saved::new(bytes, depth)).made() {
        Ok(value) => Ok(boxed(value)),
        Err(message) => Err(Failure { path: String::new(), message, panicked: false }),
    })
}
