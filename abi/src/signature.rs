//! What a hot function's arguments and result are, as far as the compiler can say without more help.
//!
//! A [`Part`] is described at load, by the image that contains the function; the runtime compares the parts of
//! host and artifact one by one and names those that differ.

use std::marker::PhantomData;

/// One type in a signature: an argument, the result, or what a reference among them points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Where it stands: `argument 1 (dt)`, `result`, `argument 0 (world) behind &mut`.
    pub place: &'a str,
    /// The type's full name.
    pub name: &'a str,
    /// Its size and alignment in bytes; `None` for a type without a fixed size.
    pub layout: Option<(usize, usize)>,
}

/// Receives the parts of a signature in order.
pub type Describe<'a> = &'a mut dyn FnMut(Part<'_>);

/// Answers with the layout of a type if it has a fixed size, chosen at compile time.
///
/// The inherent constant exists only for sized types and wins over the trait's.
pub struct Facts<T: ?Sized>(PhantomData<T>);

impl<T> Facts<T> {
    /// Size and alignment in bytes.
    pub const LAYOUT: Option<(usize, usize)> = Some((size_of::<T>(), align_of::<T>()));
}

/// The answer for types without a fixed size.
pub trait Unsized {
    /// Always `None`.
    const LAYOUT: Option<(usize, usize)> = None;
}

impl<T: ?Sized> Unsized for Facts<T> {}

/// Sends one part, with the name of `T` and the layout that the caller's [`Facts`] chose.
pub fn part<T: ?Sized>(sink: Describe<'_>, place: &str, layout: Option<(usize, usize)>) {
    sink(Part { place, name: std::any::type_name::<T>(), layout });
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Facts, Unsized as _};

    #[test]
    fn sized_types_have_a_layout_and_others_none() {
        assert_eq!(Facts::<u32>::LAYOUT, Some((4, 4)));
        assert_eq!(Facts::<[u8]>::LAYOUT, None);
        assert_eq!(Facts::<str>::LAYOUT, None);
        assert_eq!(Facts::<dyn Send>::LAYOUT, None);
    }
}
