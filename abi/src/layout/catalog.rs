//! The types that an image's signatures reach, each described once.

use std::any::TypeId;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;

use super::describe::{Describe, Describer, Fact, Node, Sink, Subject};
use super::fingerprint::{self, Fingerprint};
use super::hash::Message;

/// Described types with their fingerprints.
///
/// Types are asked one after the other, never one inside another, so neither deep nor cyclic types are a problem.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    types: Vec<Type>,
    fingerprints: Vec<Fingerprint>,
}

/// One type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Type {
    /// The full name.
    pub name: String,
    /// Size and alignment in bytes; `None` for a type without a fixed size.
    pub extent: Option<(usize, usize)>,
    /// Whether a value may hold an address inside the image whose code made it, beside what its members say.
    pub points: bool,
    /// Whether it described itself; else its name, size, alignment and identity are all that is known.
    pub is_described: bool,
    /// Which compiled crate it is of, where it does not describe itself: other versions of a crate have types of the same
    /// name and size.
    pub identity: Option<u64>,
    /// Its `repr` attributes, as in `C, align(16)`.
    pub repr: String,
    /// What it is made of, in the order of the declaration.
    pub members: Vec<Member>,
}

/// One thing that a type is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Member {
    /// A variant, to which the fields that follow belong.
    Variant {
        /// Its name.
        name: String,
        /// Its discriminant.
        discriminant: i128,
    },
    /// A field.
    Field {
        /// Its name, or its number.
        name: String,
        /// Where it is, in bytes from the beginning; `None` in an enum.
        offset: Option<usize>,
        /// Its type.
        of: Node,
    },
    /// A type that values lead to in another way.
    Part {
        /// How a path says so.
        label: String,
        /// The type.
        of: Node,
    },
    /// A type whose values are carried over where its layout changes.
    Migratable {
        /// The type.
        of: Node,
    },
}

/// A hot function's signature, or a hot value's type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    /// Whether it is that of a value, whose type is the result.
    pub is_value: bool,
    /// The arguments, in order.
    pub arguments: Vec<Argument>,
    /// The type of the result; `None` until it was described.
    pub result: Option<Node>,
    /// Which of its lifetimes are the same.
    pub lifetimes: String,
}

/// An argument of a hot function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The names that its pattern binds, each with its place in the pattern (empty for a plain name).
    pub names: Vec<(String, String)>,
    /// Its type.
    pub of: Node,
    /// Whether it is a reference that was written as one, of a lifetime that nothing else has.
    pub is_lent: bool,
}

impl Member {
    /// The name of a field or variant.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Member::Variant { name, .. } | Member::Field { name, .. } => Some(name),
            Member::Part { .. } | Member::Migratable { .. } => None,
        }
    }

    /// The type that the member leads to; none for a variant.
    #[must_use]
    pub fn of(&self) -> Option<Node> {
        match self {
            Member::Variant { .. } => None,
            Member::Field { of, .. } | Member::Part { of, .. } | Member::Migratable { of } => {
                Some(*of)
            }
        }
    }
}

impl Catalog {
    /// Everything that `ask` asks for, and what that leads to.
    pub fn of<R>(ask: impl FnOnce(&mut Describer<'_>) -> R) -> (R, Catalog) {
        let mut collector = Collector::default();
        let asked = ask(&mut Describer::new(&mut collector));
        (asked, collector.finish())
    }

    /// The signatures that `functions` describe, and every type that they lead to.
    pub fn of_signatures(functions: impl Iterator<Item = Describe>) -> (Vec<Signature>, Catalog) {
        let mut collector = Collector::default();
        let signatures = functions.map(|function| collector.signature(function)).collect();
        (signatures, collector.finish())
    }

    /// The type at `node`, which this catalog gave out.
    ///
    /// # Panics
    ///
    /// Possibly, for a node of another catalog.
    #[must_use]
    pub fn ty(&self, node: Node) -> &Type {
        &self.types[node.0 as usize]
    }

    /// The fingerprint of the type at `node`, which this catalog gave out.
    ///
    /// # Panics
    ///
    /// Possibly, for a node of another catalog.
    #[must_use]
    pub fn fingerprint(&self, node: Node) -> Fingerprint {
        self.fingerprints[node.0 as usize]
    }

    /// The fingerprint of a signature: of its arguments' types in order, its result's, and its lifetimes.
    ///
    /// The arguments' names are not part of it, because a name may change. No function has the fingerprint of a value.
    #[must_use]
    pub fn signature(&self, signature: &Signature) -> Fingerprint {
        let mut message = Message::default();
        message
            .text(if signature.is_value { "value" } else { "fn" })
            .number(signature.arguments.len() as u64);
        let arguments = signature.arguments.iter().map(|argument| argument.of);
        for node in arguments.chain(signature.result) {
            message.wide(self.fingerprint(node).as_u128());
        }
        Fingerprint::from_u128(message.text(&signature.lifetimes).hash())
    }

    /// As the types would be with `to` in place of `from` in their names.
    #[cfg(all(test, not(loom)))]
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        self.types.iter_mut().for_each(|ty| ty.name = ty.name.replace(from, to));
        self.fingerprints = fingerprint::of_types(&self.types);
    }

    /// Every type, in the order in which they were met.
    pub fn types(&self) -> impl Iterator<Item = (Node, &Type)> {
        (0_u32..).map(Node).zip(&self.types)
    }
}

/// A number that is the same in two images for types of the same crates.
fn identity(id: TypeId) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// A catalog while it is being made.
#[derive(Default)]
struct Collector {
    types: Vec<Type>,
    described: HashMap<TypeId, Node>,
    /// By what stands in it too: how much of a type is seen depends on where it was written.
    opaque: HashMap<(TypeId, Vec<Member>), Node>,
    /// Types whose own descriptions are still to be asked for.
    pending: VecDeque<(Node, Describe)>,
    /// The type that is describing itself, if it is a type.
    current: Option<Node>,
    signature: Signature,
}

impl Collector {
    fn signature(&mut self, describe: Describe) -> Signature {
        describe(&mut Describer::new(self));
        mem::take(&mut self.signature)
    }

    fn finish(mut self) -> Catalog {
        while let Some((node, describe)) = self.pending.pop_front() {
            self.current = Some(node);
            describe(&mut Describer::new(&mut self));
        }
        let fingerprints = fingerprint::of_types(&self.types);
        Catalog { types: self.types, fingerprints }
    }

    fn push(&mut self, subject: Subject<'_>, members: Vec<Member>) -> Node {
        // No program has four billion types.
        let node = Node(self.types.len() as u32);
        self.types.push(Type {
            name: subject.name.to_owned(),
            extent: subject.extent,
            points: subject.points,
            is_described: subject.describe.is_some(),
            identity: subject.describe.is_none().then(|| identity(subject.id)),
            repr: String::new(),
            members,
        });
        node
    }
}

impl Sink for Collector {
    fn node(&mut self, subject: Subject<'_>) -> Node {
        let Some(describe) = subject.describe else {
            let part =
                |(label, of): &(&str, Node)| Member::Part { label: (*label).to_owned(), of: *of };
            let members: Vec<Member> = subject.parts.iter().map(part).collect();
            let key = (subject.id, members);
            if let Some(known) = self.opaque.get(&key) {
                return *known;
            }
            let node = self.push(subject, key.1.clone());
            self.opaque.insert(key, node);
            return node;
        };
        if let Some(known) = self.described.get(&subject.id) {
            return *known;
        }
        let node = self.push(subject, Vec::new());
        self.described.insert(subject.id, node);
        self.pending.push_back((node, describe));
        node
    }

    fn fact(&mut self, fact: Fact<'_>) {
        let member = match fact {
            Fact::Argument { names, of, is_lent } => {
                let names = names
                    .iter()
                    .map(|(place, name)| ((*place).to_owned(), (*name).to_owned()))
                    .collect();
                return self.signature.arguments.push(Argument { names, of, is_lent });
            }
            Fact::Value { of } | Fact::Result { of } => {
                self.signature.is_value = matches!(fact, Fact::Value { .. });
                self.signature.result = Some(of);
                return;
            }
            Fact::Lifetimes(text) => {
                self.signature.lifetimes = text.to_owned();
                return;
            }
            // Operations are no part of what a type is.
            Fact::State { .. } => return,
            Fact::Repr(repr) => {
                if let Some(node) = self.current {
                    self.types[node.0 as usize].repr = repr.to_owned();
                }
                return;
            }
            Fact::Variant { name, discriminant } => {
                Member::Variant { name: name.to_owned(), discriminant }
            }
            Fact::Field { name, offset, of } => Member::Field { name: name.to_owned(), offset, of },
            Fact::Part { label, of } => Member::Part { label: label.to_owned(), of },
            Fact::Migratable { of } => Member::Migratable { of },
        };
        if let Some(node) = self.current {
            self.types[node.0 as usize].members.push(member);
        }
    }
}
