//! Judging by signatures: whether an address inside an image can have got out of it at all.
//!
//! Whoever has an address of code, constants or variables of an image got it from code of that image: in a value, or by
//! way of somebody whom that code called. Whom it calls is seen in its imports, and judged by the runtime. This is about
//! values. All of them cross where a signature says so, and a signature leads to their types; so where no type that it leads to
//! can hold such an address, none was let out, and nobody has to look for one. The ways, one by one:
//!
//! 1. *A result* is the caller's to keep: all that its type leads to counts.
//! 2. *An argument* is the caller's, and hot code writes where it leads: into what is borrowed mutably, into cells and locks. All
//!    that its type leads to counts, also what cannot be written to: telling cells from constants is not worth a
//!    mistake. What does not count is a reference that the argument itself is (`&str`, `&mut World`): the caller made it, and
//!    the callee gets a copy.
//! 3. *A caller in another generation* passes addresses of its own image to the newest, which may keep them in its variables. What
//!    an argument holds counts for that (case 2), and a reference itself cannot be kept if its lifetime is that of the call. So
//!    only one counts for nothing whose lifetime was left out where it was written: one with a name may be `'static`, by a bound
//!    that some type implies, and so may one behind an alias. Private functions count like public ones.
//! 4. *A hot `static`* is read by the program, which may copy what is in it: as a result.
//! 5. *A state* is a value of the program's that hot code writes: its type counts where a signature leads to it. One that no
//!    signature leads to counts for every image, once a state of such a type was made (`state::pointing`).
//! 6. *A type that does not describe itself* (of another crate, `dyn Trait`, without the derive) may hold anything.
//! 7. *A lease* holds addresses of its image and is counted as long as it lives: what it lends counts, by its type.
//!    `Lease<dyn Trait>` is a type of case 6, because methods of the trait may answer with anything. One that hot code gives to
//!    the program's executor by `spawn!` answers with nothing.
//! 8. *A panic* that leaves a hot function, a lease or an operation of a state arrives with a copy of its message (`panic.rs`,
//!    `state/ops.rs`). Before that, where the standard library is the program's, the program's panic hook is shown the payload
//!    itself, which may be a `&'static str` of the image: whoever judges by signatures has to know that there was none.
//! 9. *Hooks and migrations* answer with nothing, with a `String`, or with a state's value (case 5).
//! 10. *Descriptions*, names of functions and of types are borrowed by the runtime, which lets go of them before an image is closed.
//! 11. *Memory that hot code allocated* has no address of its image: all images free each other's (`allocator.rs`).
//! 12. *An address as a number* (`usize`, bytes) is none, until unsafe code makes it one; and unsafe code can let out what it
//!     likes. A quarantine is the answer to that, as to what an `impl Layout` says wrongly.
//!
//! What a type holds beside its fields and parts is said by [`Layout::POINTS`](super::Layout::POINTS).

use std::collections::{HashSet, VecDeque};

use super::catalog::{Catalog, Member, Signature};
use super::describe::Node;

/// A way by which a signature lets out addresses inside the image that it was compiled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escape {
    /// What the caller has afterwards.
    pub through: Through,
    /// How that leads to it: `.players[].name`; empty for the type itself.
    pub path: String,
    /// The type that may hold an address.
    pub of: Node,
}

/// Where a value crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// In the argument of that number.
    Argument(usize),
    /// In the result, or in a hot value.
    Result,
}

impl Catalog {
    /// The first way by which a function of this signature, or a value, may let an address inside its image out; `None` where
    /// there is none.
    ///
    /// ```
    /// use liveswap_abi::layout::{Catalog, Describe, Through};
    ///
    /// // fn names(text: &str) -> Vec<&str>
    /// let names: Describe = |describer| {
    ///     let text = describer.node::<&str>();
    ///     describer.argument(&[("", "text")], text, true);
    ///     let result = describer.node::<Vec<&str>>();
    ///     describer.result(result);
    /// };
    /// let (signatures, catalog) = Catalog::of_signatures(std::iter::once(names));
    /// let escape = catalog.escape(&signatures[0]).unwrap();
    /// assert_eq!((escape.through, escape.path.as_str()), (Through::Result, "[]"));
    /// assert_eq!(catalog.ty(escape.of).name, "&str");
    /// ```
    #[must_use]
    pub fn escape(&self, signature: &Signature) -> Option<Escape> {
        let result = signature.result.map(|node| (Through::Result, node, false));
        let arguments = signature.arguments.iter().enumerate();
        let arguments = arguments
            .map(|(index, argument)| (Through::Argument(index), argument.of, argument.is_lent));
        result.into_iter().chain(arguments).find_map(|(through, node, is_lent)| {
            // Its description says what a reference leads to; without one nothing is known.
            let is_lent = is_lent && self.ty(node).is_described;
            let (path, of) = self.pointing(node, is_lent)?;
            Some(Escape { through, path, of })
        })
    }

    /// How a value of the type at `node` leads to a type that may hold an address inside an image, the nearest first.
    ///
    /// `beyond` says that only what it leads to counts, not it itself.
    pub(crate) fn pointing(&self, node: Node, beyond: bool) -> Option<(String, Node)> {
        let mut seen = HashSet::new();
        let mut pending = VecDeque::from([(String::new(), node, beyond)]);
        while let Some((path, node, beyond)) = pending.pop_front() {
            let ty = self.ty(node);
            if ty.points && !beyond {
                return Some((path, node));
            }
            // The first is not seen yet: where it is met again, it itself counts.
            for member in &ty.members {
                let (step, of) = match member {
                    Member::Variant { .. } => continue,
                    Member::Field { name, of, .. } => (format!(".{name}"), *of),
                    Member::Part { label, of } => (label.clone(), *of),
                    Member::Migratable { of } => (String::new(), *of),
                };
                if seen.insert(of) {
                    pending.push_back((format!("{path}{step}"), of, false));
                }
            }
        }
        None
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
