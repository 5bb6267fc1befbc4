//! The replaceable form: a slot in the dispatch tables, whose target is the value in each generation's own image.

use std::marker::PhantomData;

use crate::dispatch::Dispatch;
use crate::function::FunctionEntry;
use crate::gate::Nested;
use crate::hot_crate::HotCrate;
use crate::layout::Describe;

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

/// Ends the hold of a read, however the read ends.
struct Reading(Option<Nested>);

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
        let entry = FunctionEntry::of_value(path, public, own, describe, record);
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
        let reading = Reading(Some(self.image.enter_nested(slot)));
        let found = reading.dispatch().and_then(|dispatch| dispatch.target(slot));
        let value = found.unwrap_or(self.entry.own()).cast::<T>();
        // SAFETY: a slot is given only to values whose type is the same part for part, in images of the same compiler and
        // crate identity, so the target is a `static` of type `T`; its image stays loaded while `reading` holds.
        read(unsafe { &*value })
    }
}

impl Reading {
    fn dispatch(&self) -> Option<&Dispatch> {
        self.0.as_ref().map(Nested::dispatch)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(entered) = self.0.take() {
            entered.leave();
        }
    }
}
