//! Asking any type, chosen at compile time: the trait's answer where the type has it, else what the compiler knows.
//!
//! An inherent item whose bounds hold wins over a trait's of the same name. That works only where the type is written
//! out, so the macros write these calls for each type in a signature or a field.

use std::marker::PhantomData;

use super::{Describer, Layout, Node};

/// Asks `T` for its node.
pub struct Probe<T: ?Sized>(PhantomData<T>);

impl<T: Layout + ?Sized> Probe<T> {
    /// The node of a type that describes itself.
    pub fn node(
        describer: &mut Describer<'_>,
        _extent: Option<(usize, usize)>,
        _parts: &[(&str, Node)],
    ) -> Node {
        describer.node::<T>()
    }
}

/// The answer for types that do not describe themselves.
pub trait Opaque {
    /// The node of a type by its name, its size and alignment, and what stands in it.
    fn node(
        describer: &mut Describer<'_>,
        extent: Option<(usize, usize)>,
        parts: &[(&str, Node)],
    ) -> Node;
}

impl<T: ?Sized> Opaque for Probe<T> {
    fn node(
        describer: &mut Describer<'_>,
        extent: Option<(usize, usize)>,
        parts: &[(&str, Node)],
    ) -> Node {
        describer.opaque::<T>(extent, parts)
    }
}

/// Asks `T` for its size and alignment.
pub struct Extent<T: ?Sized>(PhantomData<T>);

impl<T> Extent<T> {
    /// Size and alignment in bytes.
    pub const OF: Option<(usize, usize)> = Some((size_of::<T>(), align_of::<T>()));
}

/// The answer for types without a fixed size.
pub trait Unsized {
    /// Nothing is known of them.
    const OF: Option<(usize, usize)> = None;
}

impl<T: ?Sized> Unsized for Extent<T> {}
