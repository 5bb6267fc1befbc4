//! What `#[hot]` leaves beside a function or a `static`: its name, its slot, and the body or value compiled with it.

use std::any::TypeId;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dispatch::{Target, UNASSIGNED};
use crate::gate::{Claim, Entered};
use crate::hot_crate::HotCrate;
use crate::layout::Describe;
use crate::panic::{Fenced, PanicOut, PanicSlot};

/// One hot function, or one hot `static`, as its image lists it.
#[repr(C)]
pub struct FunctionEntry {
    path: &'static str,
    public: bool,
    own: Target,
    exact: ExactType,
    describe: Describe,
    record: &'static [u8],
    slot: AtomicUsize,
}

/// A type as the compiler tells it from all others: with its lifetimes and its safety, but without its layout.
///
/// Equal in two images only when both mean the same type of the same crates.
#[derive(Debug, Clone, Copy)]
pub struct ExactType {
    id: TypeId,
    name: fn() -> &'static str,
}

impl ExactType {
    /// The function pointer's type of a function, without `extern`, or the type of a value.
    #[must_use]
    pub const fn of<T: ?Sized + 'static>() -> ExactType {
        ExactType { id: TypeId::of::<T>(), name: std::any::type_name::<T> }
    }

    /// What tells it from others.
    #[must_use]
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// Its name; lent references in a function's type are written `&'_`, those for ever without a lifetime.
    #[must_use]
    pub fn name(&self) -> &'static str {
        (self.name)()
    }
}

// SAFETY: `own` is a code address, or that of a `static`, which is `Sync`; the rest is immutable or atomic.
unsafe impl Sync for FunctionEntry {}
// SAFETY: as above.
unsafe impl Send for FunctionEntry {}

impl FunctionEntry {
    /// Lists a `#[hot] static`, whose target is the value itself.
    #[cfg(any(debug_assertions, feature = "always"))]
    pub(crate) const fn of_value(
        path: &'static str,
        public: bool,
        own: Target,
        exact: ExactType,
        describe: Describe,
        record: &'static [u8],
    ) -> FunctionEntry {
        let slot = AtomicUsize::new(UNASSIGNED);
        FunctionEntry { path, public, own, exact, describe, record, slot }
    }

    /// The function's path, beginning with the crate's name.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Whether code outside the hot crate can name the function.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.public
    }

    /// The fenced body, or the value, in this entry's own image.
    #[must_use]
    pub fn own(&self) -> Target {
        self.own
    }

    /// The function's type as a pointer, or the value's.
    #[must_use]
    pub fn exact(&self) -> ExactType {
        self.exact
    }

    /// What describes the signature, or the type of the value.
    #[must_use]
    pub fn describe(&self) -> Describe {
        self.describe
    }

    /// The function's manifest record.
    #[must_use]
    pub fn record(&self) -> &'static [u8] {
        self.record
    }

    /// Numbers the function; done by the runtime before its image's generation is published.
    pub fn set_slot(&self, slot: usize) {
        // Relaxed: the swap's release store publishes it to those that call the new generation, and a caller in the
        // host that still sees none calls the body beside it, which is what it would have called before.
        self.slot.store(slot, Ordering::Relaxed);
    }

    /// The function's slot, or [`UNASSIGNED`].
    #[inline(always)]
    #[must_use]
    pub fn slot(&self) -> usize {
        self.slot.load(Ordering::Relaxed)
    }
}

/// A hot function together with the type `F` of its fenced body, a function pointer.
#[repr(transparent)]
pub struct HotFunction<F> {
    entry: FunctionEntry,
    body: PhantomData<F>,
}

impl<F: Copy> HotFunction<F> {
    /// Describes the function at `path`, whose fenced body in this image is `own`.
    ///
    /// # Panics
    ///
    /// In a constant, so as a compile error, if `F` is not the size of a function pointer.
    ///
    /// # Safety
    ///
    /// `F` is a function pointer type, `own` never unwinds, and `exact` is the type of the function behind it.
    pub const unsafe fn new(
        path: &'static str,
        public: bool,
        own: F,
        exact: ExactType,
        describe: Describe,
        record: &'static [u8],
    ) -> HotFunction<F> {
        const { assert!(size_of::<F>() == size_of::<Target>(), "F must be a function pointer") };
        // SAFETY: F is a function pointer (the caller's obligation), whose bytes are those of a code address.
        let own = unsafe { std::mem::transmute_copy::<F, Target>(&own) };
        let slot = AtomicUsize::new(UNASSIGNED);
        let entry = FunctionEntry { path, public, own, exact, describe, record, slot };
        HotFunction { entry, body: PhantomData }
    }

    /// What the image's list of functions refers to.
    #[must_use]
    pub const fn entry(&self) -> &FunctionEntry {
        &self.entry
    }

    /// Enters the generation to call and finds the body there; `None` where [`HotFunction::call_nested`] is needed:
    /// inside another call, in an artifact's code, and where the thread has no record.
    #[inline(always)]
    pub fn enter(&'static self, local: Option<Claim>) -> Option<Call<F>> {
        let slot = self.entry.slot();
        let entered = local?.enter(slot)?;
        let target = entered.dispatch().target(slot).unwrap_or(self.entry.own);
        Some(Call { target, entered, body: PhantomData })
    }

    /// The whole call, whatever this thread is inside already.
    ///
    /// # Panics
    ///
    /// With the body's own panic.
    ///
    /// # Safety
    ///
    /// `call` calls the body that it is given once, with that `PanicOut`, and returns what the body returned.
    #[inline]
    pub unsafe fn call_nested<R>(
        &'static self,
        local: Option<Claim>,
        image: &'static HotCrate,
        call: impl FnOnce(F, PanicOut) -> Fenced<R>,
    ) -> R {
        let slot = self.entry.slot();
        let entered = match local {
            Some(claim) => claim.enter_nested(slot),
            None => image.enter_nested(slot),
        };
        let target = entered.dispatch().target(slot).unwrap_or(self.entry.own);
        let panic = PanicSlot::new();
        // SAFETY: the slot outlives the call.
        let out = unsafe { panic.out() };
        let result = call(body(target), out);
        // SAFETY: the slot and the result are those of one call (the caller's obligation).
        unsafe { result.into_result(panic, image, || entered.leave()) }
    }
}

/// A call about to happen: the body to call, and the hold that keeps it there until it is finished.
#[must_use = "the generation is held until `finish`"]
pub struct Call<F> {
    target: Target,
    entered: Entered,
    body: PhantomData<F>,
}

impl<F: Copy> Call<F> {
    /// The body to call.
    #[inline(always)]
    #[must_use]
    pub fn target(&self) -> F {
        body(self.target)
    }

    /// Ends the hold, after the body returned, and gives its result.
    ///
    /// # Panics
    ///
    /// With the body's own panic.
    ///
    /// # Safety
    ///
    /// `result` is what the body returned, and `panic` the slot it was called with.
    #[inline(always)]
    pub unsafe fn finish<R>(
        self,
        result: Fenced<R>,
        panic: PanicSlot,
        image: &'static HotCrate,
    ) -> R {
        // SAFETY: the slot and the result are those of one call (the caller's obligation).
        unsafe { result.into_result(panic, image, || self.entered.leave()) }
    }
}

#[inline(always)]
fn body<F: Copy>(target: Target) -> F {
    // SAFETY: a slot is given only to functions whose signature is the same part for part, in images of the same compiler
    // and crate identity, so the target is a fenced body of type `F`; `own` is one by construction.
    unsafe { std::mem::transmute_copy::<Target, F>(&target) }
}
