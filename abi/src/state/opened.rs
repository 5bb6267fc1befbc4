//! A state while it is open.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::State;
use super::side::side;

/// A state that this thread has open to change it; closed when it is dropped.
///
/// It stays on its thread:
///
/// ```compile_fail
/// fn sent<T: Send>() {}
/// sent::<liveswap_abi::state::Opened<'static, u32>>();
/// ```
#[must_use = "the state is open only while this lives"]
pub struct Opened<'s, T>(Open<'s, T>);

/// A state that this thread has open to look at it; closed when it is dropped.
///
/// It stays on its thread:
///
/// ```compile_fail
/// fn sent<T: Send>() {}
/// sent::<liveswap_abi::state::Shared<'static, u32>>();
/// ```
#[must_use = "the state is open only while this lives"]
pub struct Shared<'s, T>(Open<'s, T>);

struct Open<'s, T> {
    state: &'s State<T>,
    /// Not Send either: the desk knows who has what open by the thread.
    value: NonNull<T>,
    to_change: bool,
    borrowed: PhantomData<&'s mut T>,
}

impl<'s, T> Opened<'s, T> {
    pub(super) fn new(state: &'s State<T>, value: NonNull<T>) -> Opened<'s, T> {
        Opened(Open { state, value, to_change: true, borrowed: PhantomData })
    }
}

impl<'s, T> Shared<'s, T> {
    pub(super) fn new(state: &'s State<T>, value: NonNull<T>) -> Shared<'s, T> {
        Shared(Open { state, value, to_change: false, borrowed: PhantomData })
    }
}

impl<T> Deref for Opened<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: S3: the desk compared the layout, and lets nobody else in until this is dropped.
        unsafe { self.0.value.as_ref() }
    }
}

impl<T> DerefMut for Opened<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: S3: as above.
        unsafe { self.0.value.as_mut() }
    }
}

impl<T> Deref for Shared<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: S3: the desk compared the layout, and lets only those in that look as well, which needs `T: Sync`.
        unsafe { self.0.value.as_ref() }
    }
}

impl<T> Drop for Open<'_, T> {
    fn drop(&mut self) {
        (side().close)(self.state.slot, self.to_change);
    }
}

impl<T: fmt::Debug> fmt::Debug for Opened<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
