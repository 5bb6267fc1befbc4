//! What the current generation has under which name, and what of it the program uses by name.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use liveswap_abi::function::{ExactType, FunctionEntry};
use liveswap_abi::layout::Describe;

use crate::check::{Functions, Outline};
use crate::event::Difference;
use crate::lookup::{InUse, ItemKind, LookupError};

/// How many near names an error tells.
const NEAR: usize = 3;

/// The hot functions and values of one generation, by path. It keeps nothing of the image.
#[derive(Debug, Default)]
pub(crate) struct Exports(BTreeMap<String, Export>);

#[derive(Debug)]
struct Export {
    kind: ItemKind,
    public: bool,
    exact: Exact,
    outline: Outline,
    slot: usize,
}

/// What an [`ExactType`] says, when its image may be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exact {
    id: TypeId,
    name: String,
}

/// What is asked for.
pub(crate) struct Wanted {
    pub(crate) kind: ItemKind,
    pub(crate) path: String,
    pub(crate) exact: ExactType,
    pub(crate) describe: Describe,
}

/// What is given for it.
pub(crate) struct Found {
    pub(crate) slot: usize,
    pub(crate) in_use: Arc<InUse>,
}

/// What the program uses by name.
#[derive(Debug, Default)]
pub(crate) struct Uses(Vec<Use>);

#[derive(Debug)]
struct Use {
    /// Gone when the last handle is.
    in_use: Weak<InUse>,
    exact: Exact,
    outline: Outline,
}

impl Exports {
    /// Lists the entries of an image, which are numbered.
    pub(crate) fn of(functions: &Functions) -> Exports {
        let one = |(path, entry, outline): (&'static str, &'static FunctionEntry, Outline)| {
            let (kind, exact) = (kind(&outline), Exact::of(entry.exact()));
            let (public, slot) = (entry.is_public(), entry.slot());
            (path.to_owned(), Export { kind, public, exact, outline, slot })
        };
        Exports(functions.outlines().map(one).collect())
    }

    /// The slot of what is asked for, which counts as used from now on.
    ///
    /// # Errors
    ///
    /// Every reason why it cannot be given.
    pub(crate) fn find(&self, wanted: &Wanted, uses: &mut Uses) -> Result<Found, LookupError> {
        let (kind, path) = (wanted.kind, wanted.path.clone());
        let Some(export) = self.0.get(&path) else {
            let near = self.near(kind, &path);
            return Err(LookupError::NotFound { kind, path, near });
        };
        if export.kind != kind {
            return Err(LookupError::OtherKind { asked: kind, found: export.kind, path });
        }
        if !export.public {
            return Err(LookupError::Private { kind, path });
        }
        let differences = export.differences(wanted);
        if !differences.is_empty() {
            return Err(LookupError::Differs { differences });
        }
        let in_use = Arc::new(InUse { path, kind });
        uses.0.push(Use {
            in_use: Arc::downgrade(&in_use),
            exact: export.exact.clone(),
            outline: export.outline.clone(),
        });
        Ok(Found { slot: export.slot, in_use })
    }

    /// Paths of public items of that kind that somebody who wrote `path` may have meant.
    fn near(&self, kind: ItemKind, path: &str) -> Vec<String> {
        let of_kind = self.0.iter().filter(|(_, export)| export.public && export.kind == kind);
        let mut near: Vec<(usize, usize, &str)> = of_kind
            .filter_map(|(known, _)| {
                let (asked, name) = (last(path), last(known));
                let names = distance(asked, name);
                let close = names * 3 <= asked.len().max(name.len());
                close.then(|| (names, distance(path, known), known.as_str()))
            })
            .collect();
        near.sort();
        near.into_iter().take(NEAR).map(|(.., known)| known.to_owned()).collect()
    }
}

impl Export {
    fn differences(&self, wanted: &Wanted) -> Vec<Difference> {
        let Wanted { kind, path, exact, .. } = wanted;
        let asked = Outline::described_by(wanted.describe);
        let remedy = "ask for the type that it has";
        let whole = |expected: String, found: String, remedy: &str| Difference {
            item: format!("{kind} `{path}`"),
            expected,
            found,
            remedy: remedy.to_owned(),
        };
        let quoted = |name: &str| format!("`{name}`");
        let Some(mut differences) = asked.differences(&self.outline, path, remedy) else {
            return vec![whole(quoted(exact.name()), quoted(&self.exact.name), remedy)];
        };
        if differences.is_empty() && exact.id() != self.exact.id {
            let same_name = exact.name() == self.exact.name;
            let remedy = if same_name {
                "a type in it is of another build of its crate: build both with the same dependencies and profile"
            } else {
                remedy
            };
            differences.push(whole(quoted(exact.name()), quoted(&self.exact.name), remedy));
        }
        differences
    }
}

impl Uses {
    /// Everything in which the artifact's items do not fit those that the program uses by name.
    ///
    /// One that is missing is no difference: the handle says so when it is used.
    pub(crate) fn compare(&mut self, artifact: &Functions) -> Vec<Difference> {
        self.0.retain(|used| used.in_use.strong_count() > 0);
        let mut differences = Vec::new();
        for used in &self.0 {
            let Some(in_use) = used.in_use.upgrade() else { continue };
            let Some((entry, outline)) = artifact.outline(&in_use.path) else { continue };
            let remedy = "change it back, or drop what was looked up by this name";
            let mut found = Vec::new();
            if used.outline.fingerprint != outline.fingerprint {
                found =
                    used.outline.differences(&outline, &in_use.path, remedy).unwrap_or_default();
            }
            let exact = Exact::of(entry.exact());
            if found.is_empty() && exact.name != used.exact.name {
                found.push(Difference {
                    item: format!("{} `{}`", in_use.kind, in_use.path),
                    expected: format!("`{}`", used.exact.name),
                    found: format!("`{}`", exact.name),
                    remedy: remedy.to_owned(),
                });
            }
            // Several handles to one item, or one that the program is linked with as well.
            differences.extend(found);
        }
        differences.dedup();
        differences
    }
}

impl Exact {
    fn of(exact: ExactType) -> Exact {
        Exact { id: exact.id(), name: exact.name().to_owned() }
    }
}

fn kind(outline: &Outline) -> ItemKind {
    if outline.kind == "value" { ItemKind::Value } else { ItemKind::Function }
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// How many characters must be inserted, removed or replaced to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, character) in one.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (index, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *against);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests;
