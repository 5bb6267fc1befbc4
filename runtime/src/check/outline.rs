//! What is asked for by name, compared with what has the name: argument by argument, with all that each type reaches.

use liveswap_abi::function::FunctionEntry;
use liveswap_abi::layout::{Catalog, Describe, Fingerprint, Node, Signature};

use super::{Functions, kind, words};
use crate::event::Difference;

/// A signature that needs neither its image nor a catalog any more.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    pub(crate) kind: &'static str,
    /// Of the whole, with its lifetimes.
    pub(crate) fingerprint: Fingerprint,
    types: Vec<OuterType>,
}

/// The type of an argument, of the result or of a value.
#[derive(Debug, Clone)]
struct OuterType {
    /// How it is told after the path: `, argument 1 (dt)`; nothing for a value.
    place: String,
    name: String,
    extent: String,
    fingerprint: Fingerprint,
}

impl Outline {
    /// What `describe` describes in this image.
    #[must_use]
    pub(crate) fn described_by(describe: Describe) -> Outline {
        let (signatures, catalog) = Catalog::of_signatures(std::iter::once(describe));
        Outline::of(&signatures[0], &catalog)
    }

    fn of(signature: &Signature, catalog: &Catalog) -> Outline {
        let outer = |place: String, node: Node| {
            let ty = catalog.ty(node);
            let (name, extent) = (ty.name.clone(), words::extent(ty));
            OuterType { place, name, extent, fingerprint: catalog.fingerprint(node) }
        };
        let arguments = signature.arguments.iter().enumerate().map(|(index, argument)| {
            let name = match &argument.names[..] {
                [(place, name)] if place.is_empty() => format!(" ({name})"),
                _ => String::new(),
            };
            outer(format!(", argument {index}{name}"), argument.of)
        });
        let place = if signature.is_value { "" } else { ", result" };
        let result = signature.result.map(|node| outer(place.to_owned(), node));
        Outline {
            kind: kind(signature),
            fingerprint: catalog.signature(signature),
            types: arguments.chain(result).collect(),
        }
    }

    /// In which types what was found is not what is asked for; `None` where it has more arguments or fewer.
    ///
    /// The places are told as what was found names them.
    pub(crate) fn differences(
        &self,
        found: &Outline,
        path: &str,
        remedy: &str,
    ) -> Option<Vec<Difference>> {
        if self.types.len() != found.types.len() {
            return None;
        }
        let pairs = self.types.iter().zip(&found.types);
        let differ = pairs.filter(|(asked, found)| asked.fingerprint != found.fingerprint);
        let difference = |(asked, found): (&OuterType, &OuterType)| {
            let (expected, was) = if asked.name == found.name && asked.extent == found.extent {
                ("its layout in the program".to_owned(), "another layout".to_owned())
            } else {
                let (expected, was) = words::apart(&asked.name, &found.name);
                (format!("`{expected}` ({})", asked.extent), format!("`{was}` ({})", found.extent))
            };
            Difference {
                item: format!("{} `{path}`{}", self.kind, found.place),
                expected,
                found: was,
                remedy: remedy.to_owned(),
            }
        };
        Some(differ.map(difference).collect())
    }
}

impl Functions {
    /// Every function and value, with its path and outline.
    pub(crate) fn outlines(
        &self,
    ) -> impl Iterator<Item = (&'static str, &'static FunctionEntry, Outline)> {
        self.by_path.iter().map(|(path, function)| {
            (*path, function.entry, Outline::of(&function.signature, &self.catalog))
        })
    }

    /// The function or value at `path`.
    pub(crate) fn outline(&self, path: &str) -> Option<(&'static FunctionEntry, Outline)> {
        let function = self.by_path.get(path)?;
        Some((function.entry, Outline::of(&function.signature, &self.catalog)))
    }
}
