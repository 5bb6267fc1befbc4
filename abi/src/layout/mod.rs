//! What types are made of, so that two images can be compared before values of one are used by the other.
//!
//! [`Layout`] describes a type; `#[derive(Layout)]` of `liveswap-macros` writes it. A [`Catalog`] collects descriptions,
//! each type once, and gives every type a [`Fingerprint`] of all it reaches: through fields, references and containers.
//! A type without the trait counts by its name, size and alignment ([`probe`]).
//!
//! A catalog belongs to the image that asks; the image that is asked only calls its [`Sink`], with borrowed texts. So
//! nothing that an artifact said outlives the artifact, and no memory changes sides.

mod catalog;
mod containers;
mod describe;
mod escape;
mod fingerprint;
mod hash;
mod primitives;
pub mod probe;
#[cfg(all(test, not(loom)))]
mod tests;

pub use catalog::{Argument, Catalog, Member, Signature, Type};
pub use describe::{Describe, Describer, Fact, Node, Sink, Subject};
pub use escape::{Escape, Through};
pub use fingerprint::Fingerprint;

/// A type that can say what it is made of.
///
/// Derived by `#[derive(Layout)]` for structs and enums; a generic type has it for arguments that have it. The standard
/// library's types have it where their arguments do.
///
/// ```
/// use liveswap_abi::layout::{Catalog, Fingerprint};
///
/// type Players = Vec<Option<Box<(u32, String)>>>;
///
/// let (players, catalog) = Catalog::of(|describer| describer.node::<Players>());
/// assert_eq!(catalog.types().count(), 6);
/// assert_eq!(catalog.fingerprint(players), Fingerprint::of::<Players>());
/// assert_ne!(Fingerprint::of::<Players>(), Fingerprint::of::<Vec<Option<Box<(u32, u32)>>>>());
/// ```
///
/// # Safety
///
/// Descriptions decide whether values made by one version of a crate are used by another. An implementation describes
/// every field that code may read, so that two versions of the type with equal descriptions, compiled by the same
/// compiler with the same flags, can be used in place of each other.
#[diagnostic::on_unimplemented(
    message = "the layout of `{Self}` is not described",
    label = "this type does not implement `Layout`",
    note = "put `#[derive(Layout)]` of `liveswap_macros` on its declaration"
)]
pub unsafe trait Layout {
    /// Size and alignment in bytes; `None` for a type without a fixed size.
    const EXTENT: Option<(usize, usize)>;

    /// Whether a value may hold an address inside the image whose code made it, beside what its fields and parts say of
    /// themselves.
    ///
    /// `true` is always right, and keeps code from being known to have let nothing out ([`Escape`]). `false` for types that are
    /// made of their fields and of memory that was allocated.
    const POINTS: bool = true;

    /// Says what the type is made of: its variants, fields and parts, in the order of the declaration.
    fn describe(describer: &mut Describer<'_>);
}
