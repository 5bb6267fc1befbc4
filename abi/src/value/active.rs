//! The replaceable form: a slot in the dispatch tables, whose target is the value in each generation's own image.

use std::marker::PhantomData;

use crate::function::{ExactType, FunctionEntry};
use crate::hot_crate::HotCrate;
use crate::layout::Describe;
use crate::lookup::Reading;

/// A `#[hot] static`: reads the value of the newest generation, or of the pinned one.
///
/// There is deliberately no `Deref`: the value is gone when its generation is unloaded, so it is lent for the length of a
/// closure, or copied.
///
/// `liveswap_macros::hot` shows how it is made and used.
pub struct HotValue<T: 'static> {
    entry: FunctionEntry,
    image: &'static HotCrate,
    value: PhantomData<fn() -> T>,
}

impl<T> HotValue<T> {
    /// Describes the value at `path`, whose form in this image is `own`.
    ///
    /// # Safety
    ///
    /// `own` is a `static`, and so is what refers to it: `T` is [`Sync`], and `describe` describes `T`.
    pub const unsafe fn new(
        path: &'static str,
        public: bool,
        own: &'static T,
        describe: Describe,
        record: &'static [u8],
        image: &'static HotCrate,
    ) -> HotValue<T> {
        let own = std::ptr::from_ref(own).cast();
        let exact = ExactType::of::<T>();
        let entry = FunctionEntry::of_value(path, public, own, exact, describe, record);
        HotValue { entry, image, value: PhantomData }
    }

    /// What the image's list of hot items refers to.
    #[must_use]
    pub const fn entry(&self) -> &FunctionEntry {
        &self.entry
    }

    /// Lends the newest value to `read`, and keeps its generation loaded until `read` returns.
    ///
    /// # Panics
    ///
    /// With `read`'s own panic.
    #[inline]
    pub fn with<R>(&'static self, read: impl FnOnce(&T) -> R) -> R {
        let slot = self.entry.slot();
        let reading = Reading::enter(self.image, slot);
        let value = reading.target(slot).unwrap_or(self.entry.own()).cast::<T>();
        // SAFETY: a slot is given only to values whose type is the same part for part, in images of the same compiler and
        // crate identity, so the target is a `static` of type `T`; its image stays loaded while `reading` holds.
        read(unsafe { &*value })
    }
}
