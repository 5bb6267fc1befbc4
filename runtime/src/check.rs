//! Check: the signatures of an artifact's hot functions, the types of its hot values, and all types that they reach,
//! compared with those the host was compiled against; and what kind of edit that makes of it.

mod escape;
mod explain;
mod outline;
mod slots;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::fmt;

use liveswap_abi::function::FunctionEntry;
use liveswap_abi::layout::{Catalog, Fingerprint, Member, Signature};
use liveswap_abi::manifest;

use crate::event::{Difference, EditClass};
use explain::Explanation;
pub(crate) use outline::Outline;
pub(crate) use slots::Slots;

/// The hot functions and values of one image, by path, and the types that they reach.
#[derive(Debug)]
pub(crate) struct Functions {
    by_path: BTreeMap<&'static str, Function>,
    catalog: Catalog,
}

/// A hot function or value of one image.
struct Function {
    entry: &'static FunctionEntry,
    signature: Signature,
    fingerprint: Fingerprint,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("path", &self.entry.path()).finish_non_exhaustive()
    }
}

/// What a generation shows to a host, kept for as long as it may be current.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Surface {
    /// The public functions and values.
    public: BTreeMap<String, Fingerprint>,
    /// The types whose values are carried over where their layouts change.
    migratable: BTreeMap<String, Fingerprint>,
    /// By which signature addresses inside the image may have got out, in words; `None` where by none.
    pub(crate) escape: Option<String>,
}

/// What a new generation is, compared with the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) class: EditClass,
    /// Public functions and values that the one before did not have, or had with another signature.
    pub(crate) added: Vec<String>,
}

/// Lists the functions and values of an image.
///
/// # Errors
///
/// Paths that two of them share: a swap could not tell them apart.
pub(crate) fn list(entries: &[&'static FunctionEntry]) -> Result<Functions, Vec<Difference>> {
    let (signatures, catalog) =
        Catalog::of_signatures(entries.iter().map(|entry| entry.describe()));
    let mut by_path = BTreeMap::new();
    let mut doubles = Vec::new();
    for (entry, signature) in entries.iter().zip(signatures) {
        let kind = kind(&signature);
        let fingerprint = catalog.signature(&signature);
        let function = Function { entry, signature, fingerprint };
        if by_path.insert(entry.path(), function).is_some() {
            doubles.push(Difference {
                item: format!("{kind} `{}`", entry.path()),
                expected: format!("one hot {kind} of that path"),
                found: "two".to_owned(),
                remedy: format!(
                    "hot {kind}s inside functions or `impl` blocks share their module's path: rename one"
                ),
            });
        }
    }
    if doubles.is_empty() { Ok(Functions { by_path, catalog }) } else { Err(doubles) }
}

/// Everything in which the artifact's functions do not fit what the host calls.
///
/// Functions that are not public are called by the hot crate only, which comes with its own.
#[must_use]
pub(crate) fn compare(host: &Functions, artifact: &Functions, slots: &Slots) -> Vec<Difference> {
    let mut explanation = Explanation::new(&host.catalog, &artifact.catalog);
    for (path, expected) in &host.by_path {
        if !expected.entry.is_public() {
            continue;
        }
        let Some(found) = artifact.by_path.get(path) else {
            explanation.add(missing(path, kind(&expected.signature)));
            continue;
        };
        if expected.fingerprint != found.fingerprint {
            explanation.signatures(path, expected, found);
        } else if let Some(differs) = exact_difference(path, expected, found) {
            explanation.add(differs);
        } else if let Some(moved) = slots.moved(path, found) {
            explanation.add(moved);
        }
    }
    explanation.finish()
}

/// What kind of edit leads from one generation to the next, both of which the host can call.
#[must_use]
pub(crate) fn classify(from: &Surface, to: &Surface) -> Edit {
    // Most edits change bodies only.
    let is_same = from.public == to.public;
    let public = to.public.iter().filter(|_| !is_same);
    let added: Vec<String> = public
        .filter(|(path, fingerprint)| from.public.get(*path) != Some(fingerprint))
        .map(|(path, _)| path.clone())
        .collect();
    let migrates = to.migratable.iter().any(|(name, fingerprint)| {
        from.migratable.get(name).is_some_and(|before| before != fingerprint)
    });
    let class = match (migrates, added.is_empty()) {
        (true, _) => EditClass::Migrates,
        (false, false) => EditClass::Additive,
        (false, true) => EditClass::Body,
    };
    Edit { class, added }
}

impl Functions {
    /// What a host can see of them.
    #[must_use]
    pub(crate) fn surface(&self) -> Surface {
        let public = self.by_path.iter().filter(|(_, function)| function.entry.is_public());
        let public =
            public.map(|(path, function)| ((*path).to_owned(), function.fingerprint)).collect();
        let members = self.catalog.types().flat_map(|(_, ty)| &ty.members);
        let migratable = members
            .filter_map(|member| match member {
                Member::Migratable { of } => {
                    Some((self.catalog.ty(*of).name.clone(), self.catalog.fingerprint(*of)))
                }
                _ => None,
            })
            .collect();
        Surface { public, migratable, escape: self.escape() }
    }

    /// Types of the hot crate that public functions lead to and that do not describe themselves, by short names.
    #[must_use]
    pub(crate) fn undescribed(&self, hot_crate: &str) -> Vec<String> {
        let own = format!("{hot_crate}::");
        let opaque = self.catalog.types().filter(|(_, ty)| !ty.is_described);
        let mut names: Vec<String> = opaque
            .filter(|(_, ty)| ty.name.trim_start_matches("dyn ").starts_with(&own))
            .map(|(_, ty)| words::short(&ty.name))
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// What has the signature, in one word.
fn kind(signature: &Signature) -> &'static str {
    if signature.is_value { "value" } else { "function" }
}

fn missing(path: &str, kind: &str) -> Difference {
    let uses = if kind == "value" { "reads" } else { "calls" };
    Difference {
        item: format!("{kind} `{path}`"),
        expected: format!("the hot {kind} that the program {uses}"),
        found: format!("no hot {kind} of that path"),
        remedy: "put it back, or restart the program".to_owned(),
    }
}

/// What has the same layouts can differ in being `unsafe`, which stands in the name of its exact type. Its identity says too much:
/// it changes with every declaration in it, also of what a state holds and of fields that only changed their order.
fn exact_difference(path: &str, expected: &Function, found: &Function) -> Option<Difference> {
    let (before, after) = (expected.entry.exact(), found.entry.exact());
    (before.name() != after.name()).then(|| Difference {
        item: format!("{} `{path}`", kind(&expected.signature)),
        expected: format!("`{}`", before.name()),
        found: format!("`{}`", after.name()),
        remedy: "change it back, or restart the program to take the new signature".to_owned(),
    })
}

/// The declaration as it was written.
fn declaration(entry: &FunctionEntry) -> String {
    let records = manifest::records(entry.record()).filter_map(Result::ok);
    let lines: Vec<&str> = records.flat_map(str::lines).collect();
    let written = lines
        .iter()
        .find_map(|line| line.strip_prefix("signature=").or_else(|| line.strip_prefix("type=")));
    format!("`{}`", written.unwrap_or(entry.path()))
}
