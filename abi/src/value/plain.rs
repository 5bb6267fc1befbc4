//! The form in builds whose hot code is not replaceable: the value itself.

/// A `#[hot] static`: in this build the value as it was written.
#[repr(transparent)]
pub struct HotValue<T: 'static>(T);

impl<T> HotValue<T> {
    /// Wraps the value.
    #[must_use]
    pub const fn new(value: T) -> HotValue<T> {
        HotValue(value)
    }

    /// Lends the value to `read`.
    ///
    /// # Panics
    ///
    /// With `read`'s own panic.
    #[inline(always)]
    pub fn with<R>(&'static self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.0)
    }
}
