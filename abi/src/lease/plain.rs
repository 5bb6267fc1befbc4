//! The form in builds whose hot code is not replaceable: a box.

use std::ops::{Deref, DerefMut};

use crate::hot_crate::HotCrate;

/// A value of hot code that outlives its call; in this build, a `Box`.
///
/// Used like the value: by `Deref`, and as `Future` or `Iterator` where it is one. Made by [`lease!`](crate::lease!).
#[must_use = "dropping it ends what it was leased for"]
#[repr(transparent)]
pub struct Lease<T: ?Sized>(Box<T>);

/// Nothing is caught here.
#[derive(Clone, Copy)]
pub(super) struct Runner;

impl<T: ?Sized> Lease<T> {
    #[inline]
    pub(super) fn of(_: &'static HotCrate, value: Box<T>) -> Lease<T> {
        Lease(value)
    }

    #[inline]
    pub(super) fn run<R>(&self, code: impl FnOnce() -> R) -> R {
        code()
    }

    #[inline]
    pub(super) fn runner(&self) -> Runner {
        Runner
    }
}

impl Runner {
    #[inline]
    pub(super) fn run<R>(self, code: impl FnOnce() -> R) -> R {
        code()
    }
}

impl<T: ?Sized> Deref for Lease<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> DerefMut for Lease<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
