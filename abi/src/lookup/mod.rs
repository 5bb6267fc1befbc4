//! Handles to hot functions and values that were found by name: used like those that the program was linked with.
//!
//! A handle knows the host's record of the crate and a slot, which means one path and one signature for ever. What it
//! reaches through the slot is what the current generation has there, or nothing: there is no code beside the handle to
//! fall back to.
//!
//! Obligation L1, of whoever makes a handle: the slot was given to an entry whose [`ExactType`](crate::function::ExactType)
//! and parts are those of the handle's type, and no other numbering of the crate's entries is ever published.

mod fn_type;

use std::marker::PhantomData;

pub use fn_type::{FnType, SafeFnType};

use crate::dispatch::{Dispatch, Target};
use crate::gate::Nested;
use crate::hot_crate::HotCrate;
use crate::panic::PanicSlot;

/// A hot function by its slot; `F` is its type, a function pointer.
pub struct FunctionSlot<F> {
    host: &'static HotCrate,
    slot: usize,
    function: PhantomData<fn() -> F>,
}

/// A hot value by its slot; `T` is its type.
pub struct ValueSlot<T> {
    host: &'static HotCrate,
    slot: usize,
    value: PhantomData<fn() -> T>,
}

impl<F: FnType> FunctionSlot<F> {
    /// The function in `slot` of `host`'s tables.
    ///
    /// # Safety
    ///
    /// Obligation L1.
    #[must_use]
    pub unsafe fn new(host: &'static HotCrate, slot: usize) -> FunctionSlot<F> {
        FunctionSlot { host, slot, function: PhantomData }
    }

    /// Calls the function in the newest generation, or in the pinned one; `None` where that has none.
    ///
    /// # Panics
    ///
    /// With the function's own panic.
    #[inline]
    pub fn call<'a>(&self, arguments: F::Arguments<'a>) -> Option<F::Output<'a>>
    where
        F: SafeFnType,
    {
        // SAFETY: a safe function has no obligations.
        unsafe { self.call_unsafe(arguments) }
    }

    /// As [`FunctionSlot::call`], for functions that are `unsafe`.
    ///
    /// # Panics
    ///
    /// With the function's own panic.
    ///
    /// # Safety
    ///
    /// The function's own.
    #[inline]
    pub unsafe fn call_unsafe<'a>(&self, arguments: F::Arguments<'a>) -> Option<F::Output<'a>> {
        let entered = self.host.enter_nested(self.slot);
        let Some(target) = entered.dispatch().target(self.slot) else {
            entered.leave();
            return None;
        };
        let panic = PanicSlot::new();
        // SAFETY: the slot outlives the call.
        let out = unsafe { panic.out() };
        // SAFETY: by L1 the target is the fenced body of a function of type `F`; `entered` keeps it loaded. What the
        // function itself asks for is the caller's obligation.
        let result = unsafe { F::call(target, arguments, out) };
        // SAFETY: the slot and the result are those of one call.
        Some(unsafe { result.into_result(panic, self.host, || entered.leave()) })
    }
}

impl<T: Sync + 'static> ValueSlot<T> {
    /// The value in `slot` of `host`'s tables.
    ///
    /// # Safety
    ///
    /// Obligation L1.
    #[must_use]
    pub unsafe fn new(host: &'static HotCrate, slot: usize) -> ValueSlot<T> {
        ValueSlot { host, slot, value: PhantomData }
    }

    /// Lends the value of the newest generation, or of the pinned one, to `read`; `None` where that has none.
    ///
    /// # Panics
    ///
    /// With `read`'s own panic.
    #[inline]
    pub fn with<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        let reading = Reading::enter(self.host, self.slot);
        let value = reading.target(self.slot)?.cast::<T>();
        // SAFETY: by L1 the target is a `static` of type `T`; its image stays loaded while `reading` holds.
        Some(read(unsafe { &*value }))
    }
}

/// A read of a value in progress: ends its hold however it ends.
pub(crate) struct Reading(Option<Nested>);

impl Reading {
    #[inline]
    pub(crate) fn enter(image: &'static HotCrate, slot: usize) -> Reading {
        Reading(Some(image.enter_nested(slot)))
    }

    #[inline]
    pub(crate) fn target(&self, slot: usize) -> Option<Target> {
        let dispatch: &Dispatch = self.0.as_ref()?.dispatch();
        dispatch.target(slot)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(entered) = self.0.take() {
            entered.leave();
        }
    }
}

impl<F> Clone for FunctionSlot<F> {
    fn clone(&self) -> FunctionSlot<F> {
        *self
    }
}

impl<F> Copy for FunctionSlot<F> {}

impl<T> Clone for ValueSlot<T> {
    fn clone(&self) -> ValueSlot<T> {
        *self
    }
}

impl<T> Copy for ValueSlot<T> {}
