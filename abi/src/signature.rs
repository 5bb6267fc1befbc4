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

/// Sends a type with its layout if it has a fixed size, chosen at compile time.
///
/// The inherent function exists only for sized types and wins over the trait's.
pub struct Facts<T: ?Sized>(PhantomData<T>);

impl<T> Facts<T> {
    /// Sends the type at `place` with its size and alignment.
    pub fn send(sink: Describe<'_>, place: &str) {
        let layout = Some((size_of::<T>(), align_of::<T>()));
        sink(Part { place, name: std::any::type_name::<T>(), layout });
    }
}

/// The answer for types without a fixed size.
pub trait Unsized {
    /// Sends the type at `place` without a layout.
    fn send(sink: Describe<'_>, place: &str);
}

impl<T: ?Sized> Unsized for Facts<T> {
    fn send(sink: Describe<'_>, place: &str) {
        sink(Part { place, name: std::any::type_name::<T>(), layout: None });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Facts, Unsized as _};

    #[test]
    fn sized_types_have_a_layout_and_others_none() {
        let mut layouts = Vec::new();
        let mut sink = |part: super::Part<'_>| layouts.push(part.layout);
        Facts::<u32>::send(&mut sink, "");
        Facts::<[u8]>::send(&mut sink, "");
        Facts::<str>::send(&mut sink, "");
        Facts::<dyn Send>::send(&mut sink, "");
        assert_eq!(layouts, [Some((4, 4)), None, None, None]);
    }
}
