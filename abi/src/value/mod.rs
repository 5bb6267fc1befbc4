//! The handle that `#[hot]` makes of a `static`: it reads the value of the generation that is current.

#[cfg(any(debug_assertions, feature = "always"))]
mod active;
#[cfg(not(any(debug_assertions, feature = "always")))]
mod plain;

#[cfg(any(debug_assertions, feature = "always"))]
pub use active::HotValue;
#[cfg(not(any(debug_assertions, feature = "always")))]
pub use plain::HotValue;

impl<T: Copy> HotValue<T> {
    /// A copy of the newest value.
    ///
    /// What the copy itself points to, as a `&'static str` in it does, is there only as long as the generation is.
    #[inline(always)]
    #[must_use]
    pub fn get(&'static self) -> T {
        self.with(|value| *value)
    }
}

impl<T> std::fmt::Debug for HotValue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HotValue").finish_non_exhaustive()
    }
}
