//! The replaceable form: a box together with the count of its generation.

use std::any::type_name;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::panic::resume_unwind;

use crate::hot_crate::HotCrate;
use crate::interpose::LeftBehind;
use crate::panic::guarded;

/// A value of hot code that outlives its call, and holds the code that it needs until it is dropped.
///
/// Used like the value: by `Deref`, and as `Future` or `Iterator` where it is one. Made by [`lease!`](crate::lease!). It can be
/// dropped on any thread that could drop the value; it is `Send` and `Sync` as a `Box` of the value is.
///
/// # Panics
///
/// Dropping it panics with the panic of the value's own drop.
#[must_use = "dropping it ends what it was leased for"]
pub struct Lease<T: ?Sized> {
    value: ManuallyDrop<Box<T>>,
    hold: Option<Hold<T>>,
}

/// What holds the generation; not there where the code is the host's.
struct Hold<T: ?Sized> {
    /// Mapped until the count is lowered.
    image: &'static HotCrate,
    left_behind: &'static LeftBehind,
    mark: usize,
    /// Drops the value with the code that made it.
    end: fn(Box<T>),
}

/// Where panics of a value's code are caught.
#[derive(Clone, Copy)]
pub(super) struct Runner(Option<&'static HotCrate>);

impl<T: ?Sized> Lease<T> {
    pub(super) fn of(image: &'static HotCrate, value: Box<T>) -> Lease<T> {
        let hold = image.left_behind().map(|left_behind| {
            let side = image.host().ops().leases;
            let mark = (side.raise)(left_behind, type_name::<T>()); // L1
            Hold { image, left_behind, mark, end: drop }
        });
        Lease { value: ManuallyDrop::new(value), hold }
    }

    pub(super) fn run<R>(&self, code: impl FnOnce() -> R) -> R {
        self.runner().run(code)
    }

    pub(super) fn runner(&self) -> Runner {
        Runner(self.hold.as_ref().map(|hold| hold.image))
    }
}

impl Runner {
    /// Runs `code`, which calls into the image; a panic is raised again here (L6).
    pub(super) fn run<R>(self, code: impl FnOnce() -> R) -> R {
        let Some(image) = self.0 else { return code() };
        let mut code = Some(code);
        let mut result = None;
        let panic = guarded(image, &mut || result = code.take().map(|code| code()));
        match (result, panic) {
            (Some(result), _) => result,
            (None, Some(payload)) => resume_unwind(payload),
            (None, None) => unreachable!("the code ran to its end or panicked"),
        }
    }
}

impl<T: ?Sized> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for Lease<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized> Drop for Lease<T> {
    fn drop(&mut self) {
        // SAFETY: the value is not used again: the lease is being dropped.
        let value = unsafe { ManuallyDrop::take(&mut self.value) };
        let Some(Hold { image, left_behind, mark, end }) = self.hold.take() else {
            return drop(value);
        };
        let host = image.host();
        let mut value = Some(value);
        let panic = guarded(image, &mut || value.take().map_or((), end));
        (host.ops().leases.lower)(left_behind, mark); // L2: the image is not touched any more
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }
}
