//! How a type says what it is made of: calls to whoever asks, with nothing that outlives them.

use std::any::TypeId;

use super::Layout;
use crate::state::StateOps;

/// A type in a [`Catalog`](super::Catalog).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub(super) u32);

impl Node {
    /// The answer of a sink that nobody asks for a type.
    pub(crate) const NONE: Node = Node(u32::MAX);
}

/// What describes a type, or a function's signature.
pub type Describe = fn(&mut Describer<'_>);

/// Receives descriptions; implemented by [`Catalog`](super::Catalog) in the image that asks.
pub trait Sink {
    /// Gives the type its place in the catalog; one that is described by a function is asked later, and once.
    fn node(&mut self, subject: Subject<'_>) -> Node;

    /// Something about the type, or the signature, that is being described.
    fn fact(&mut self, fact: Fact<'_>);
}

/// A type as its own image knows it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Tells types of one image apart, lifetimes aside.
    pub id: TypeId,
    /// The full name.
    pub name: &'a str,
    /// Size and alignment in bytes.
    pub extent: Option<(usize, usize)>,
    /// Whether a value may hold an address inside its image, beside what its parts say; `true` without [`Layout`].
    pub points: bool,
    /// What describes it; `None` for a type without [`Layout`].
    pub describe: Option<Describe>,
    /// For a type without [`Layout`]: the types that stand in it where it was written.
    pub parts: &'a [(&'a str, Node)],
}

/// One thing that a type or a signature says of itself.
#[derive(Debug, Clone, Copy)]
pub enum Fact<'a> {
    /// The `repr` attributes, as in `C, align(16)`.
    Repr(&'a str),
    /// A variant of an enum, to which the fields that follow belong.
    Variant {
        /// Its name.
        name: &'a str,
        /// Its discriminant, where only the low 128 bits count.
        discriminant: i128,
    },
    /// A field.
    Field {
        /// Its name, or its number.
        name: &'a str,
        /// Where it is, in bytes from the beginning; `None` in an enum, whose variants have no offsets to ask for.
        offset: Option<usize>,
        /// Its type.
        of: Node,
    },
    /// A type that values of this type lead to in another way than by a field.
    Part {
        /// How, as it is written in a path: `[]` for elements, nothing for what a pointer points to.
        label: &'a str,
        /// The type.
        of: Node,
    },
    /// As `Part`, but values of that type can be carried over to another layout.
    Migratable {
        /// The type.
        of: Node,
    },
    /// The type is a `State`, whose values are handled by these operations.
    State {
        /// What the image can do with the values.
        ops: &'static StateOps,
    },
    /// The next argument of a function.
    Argument {
        /// The names that its pattern binds, each with its place in the pattern (empty for a plain name).
        names: &'a [(&'a str, &'a str)],
        /// Its type.
        of: Node,
        /// Whether it is a reference that was written as one, of a lifetime that nothing else has.
        is_lent: bool,
    },
    /// The type of a `static`.
    Value {
        /// The type.
        of: Node,
    },
    /// The result of a function.
    Result {
        /// Its type.
        of: Node,
    },
    /// Which lifetimes of a function's signature are the same: one text for all ways to write that.
    Lifetimes(&'a str),
}

/// What a type describes itself to.
pub struct Describer<'a> {
    sink: &'a mut dyn Sink,
}

impl<'a> Describer<'a> {
    /// Describes to `sink`.
    pub fn new(sink: &'a mut dyn Sink) -> Describer<'a> {
        Describer { sink }
    }

    /// The node of a type, which will be described if it was not yet.
    pub fn node<T: Layout + ?Sized>(&mut self) -> Node {
        self.sink.node(Subject {
            id: typeid::of::<T>(),
            name: std::any::type_name::<T>(),
            extent: T::EXTENT,
            points: T::POINTS,
            describe: Some(T::describe),
            parts: &[],
        })
    }

    /// The node of a type that does not describe itself: its name, its size and alignment, and the types that are
    /// known to stand in it.
    pub fn opaque<T: ?Sized>(
        &mut self,
        extent: Option<(usize, usize)>,
        parts: &[(&str, Node)],
    ) -> Node {
        self.sink.node(Subject {
            id: typeid::of::<T>(),
            name: std::any::type_name::<T>(),
            extent,
            points: true,
            describe: None,
            parts,
        })
    }

    /// The `repr` attributes.
    pub fn repr(&mut self, repr: &str) {
        self.sink.fact(Fact::Repr(repr));
    }

    /// A variant, to which the fields that follow belong.
    pub fn variant(&mut self, name: &str, discriminant: i128) {
        self.sink.fact(Fact::Variant { name, discriminant });
    }

    /// A field.
    pub fn field(&mut self, name: &str, offset: Option<usize>, of: Node) {
        self.sink.fact(Fact::Field { name, offset, of });
    }

    /// A type that values lead to, as elements or through a pointer; `label` is how a path says so.
    pub fn part<T: Layout + ?Sized>(&mut self, label: &str) {
        let of = self.node::<T>();
        self.sink.fact(Fact::Part { label, of });
    }

    /// A type whose values are carried over where its layout changes.
    ///
    /// It counts by name only in the fingerprint of the type that says so, and a difference that is reached
    /// only in this way makes an edit migrate instead of being refused.
    pub fn migratable<T: Layout>(&mut self) {
        let of = self.node::<T>();
        self.sink.fact(Fact::Migratable { of });
    }

    /// What this image can do with the values of a state.
    pub fn state(&mut self, ops: &'static StateOps) {
        self.sink.fact(Fact::State { ops });
    }

    /// The next argument of a function, with the names that its pattern binds, and whether it is a reference that cannot
    /// outlive the call.
    pub fn argument(&mut self, names: &[(&str, &str)], of: Node, is_lent: bool) {
        self.sink.fact(Fact::Argument { names, of, is_lent });
    }

    /// The type of a `static`.
    pub fn value(&mut self, of: Node) {
        self.sink.fact(Fact::Value { of });
    }

    /// The result of a function.
    pub fn result(&mut self, of: Node) {
        self.sink.fact(Fact::Result { of });
    }

    /// Which lifetimes of a function's signature are the same.
    pub fn lifetimes(&mut self, text: &str) {
        self.sink.fact(Fact::Lifetimes(text));
    }
}
