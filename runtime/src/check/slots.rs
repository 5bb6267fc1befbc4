//! The numbering of functions and values: one slot for every path and signature that was ever loaded.

use std::collections::HashMap;

use liveswap_abi::dispatch::Target;
use liveswap_abi::layout::{Fingerprint, Signature};

use super::{Function, Functions};
use crate::event::Difference;

/// The names that a function's arguments bind, argument by argument, each with its place in the argument's pattern.
type Names = Vec<Vec<(String, String)>>;

/// The slots that were ever given out.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    known: HashMap<String, Vec<Slot>>,
    items: Vec<Item>,
}

/// What a slot was given to.
#[derive(Debug)]
struct Item {
    path: String,
    is_value: bool,
}

/// One path with one signature.
#[derive(Debug)]
struct Slot {
    number: usize,
    fingerprint: Fingerprint,
    /// The name of the exact type: of what has one fingerprint, `unsafe` functions differ in it.
    exact: String,
    /// Every way in which its arguments were called: whoever calls the slot knows one of them.
    names: Vec<Names>,
}

impl Slots {
    /// Numbers the functions of an image.
    ///
    /// The image must not be published yet.
    pub(crate) fn assign(&mut self, functions: &Functions) {
        for (path, function) in &functions.by_path {
            let (next, exact) = (self.items.len(), function.entry.exact().name());
            if !self.known.contains_key(*path) {
                self.known.insert((*path).to_owned(), Vec::new());
            }
            // Put there above, if it was not.
            let Some(same_path) = self.known.get_mut(*path) else { continue };
            let known = same_path.iter_mut().find(|slot| {
                slot.fingerprint == function.fingerprint
                    && slot.exact == exact
                    && slot.moved(function).is_none()
            });
            let number = match known {
                Some(slot) => {
                    if !slot.names.iter().any(|names| same(names, &function.signature)) {
                        slot.names.push(names(&function.signature));
                    }
                    slot.number
                }
                None => {
                    let names = vec![names(&function.signature)];
                    let fingerprint = function.fingerprint;
                    let exact = exact.to_owned();
                    same_path.push(Slot { number: next, fingerprint, exact, names });
                    let is_value = function.signature.is_value;
                    self.items.push(Item { path: (*path).to_owned(), is_value });
                    next
                }
            };
            function.entry.set_slot(number);
        }
    }

    /// The table's targets for an image with these functions; null where it has none for a slot.
    #[must_use]
    pub(crate) fn targets(&self, functions: &Functions) -> Vec<Target> {
        let mut targets = vec![std::ptr::null(); self.items.len()];
        for function in functions.by_path.values() {
            if let Some(target) = targets.get_mut(function.entry.slot()) {
                *target = function.entry.own();
            }
        }
        targets
    }

    /// The path of the function or value in `slot`.
    #[must_use]
    pub(crate) fn path(&self, slot: usize) -> &str {
        self.items.get(slot).map_or("a hot function", |item| item.path.as_str())
    }

    /// Whether a value is in `slot`.
    #[must_use]
    pub(crate) fn is_value(&self, slot: usize) -> bool {
        self.items.get(slot).is_some_and(|item| item.is_value)
    }

    /// Says whether arguments of a public function changed places among themselves, as callers of its slot know them.
    ///
    /// The host's slot is the first of a path and fingerprint.
    pub(super) fn moved(&self, path: &str, found: &Function) -> Option<Difference> {
        let mut same_path = self.known.get(path)?.iter();
        let slot = same_path.find(|slot| slot.fingerprint == found.fingerprint)?;
        let (place, before, after) = slot.moved(found)?;
        Some(Difference {
            item: format!("function `{path}`, argument {place}"),
            expected: format!("`{before}`"),
            found: format!("`{after}`, which stood elsewhere"),
            remedy: "arguments of one type changed places, and the program passes them in the old order: change them \
                     back, or restart the program"
                .to_owned(),
        })
    }
}

impl Slot {
    /// A place whose name stood at another place before: the place, its name before, and its name now.
    fn moved(&self, function: &Function) -> Option<(String, String, String)> {
        let signature = &function.signature;
        let mut others = self.names.iter().filter(|before| !same(before, signature)).peekable();
        others.peek()?;
        let after = names(signature);
        others.find_map(|before| moved(before, &after))
    }
}

fn names(signature: &Signature) -> Names {
    signature.arguments.iter().map(|argument| argument.names.clone()).collect()
}

/// Whether a signature has these names. Nearly always it has, so nothing is allocated.
fn same(names: &Names, signature: &Signature) -> bool {
    names.iter().eq(signature.arguments.iter().map(|argument| &argument.names))
}

/// The names with their places: the argument's number, and what follows it for a part of one.
fn places(names: &Names) -> impl Iterator<Item = ((usize, &str), &str)> {
    names.iter().enumerate().flat_map(|(index, names)| {
        names.iter().map(move |(place, name)| ((index, place.as_str()), name.as_str()))
    })
}

/// A name that only changed is a rename; one that stands at another place tells that the meaning did.
fn moved(before: &Names, after: &Names) -> Option<(String, String, String)> {
    // An underscore before a name says only that it is not used.
    fn bare(name: &str) -> &str {
        name.trim_start_matches('_')
    }
    let (place, name) = places(after).find(|(place, name)| {
        let name = bare(name);
        let same = places(before).filter(|(_, was)| bare(was) == name);
        let (mut here, mut elsewhere) = (false, false);
        for (other, _) in same {
            *(if other == *place { &mut here } else { &mut elsewhere }) = true;
        }
        !name.is_empty() && elsewhere && !here
    })?;
    let was = places(before).find(|(other, _)| *other == place);
    let was = was.map_or("another pattern", |(_, name)| name);
    let (index, part) = place;
    Some((format!("{index}{part}"), was.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Names, moved};

    fn names(names: &[(&str, &str)]) -> Names {
        let mut all = Names::new();
        for (place, name) in names {
            let (index, part) = place.split_at(1);
            let index: usize = index.parse().unwrap();
            all.resize(all.len().max(index + 1), Vec::new());
            all[index].push((part.to_owned(), (*name).to_owned()));
        }
        all
    }

    #[test]
    fn a_name_at_another_place_is_more_than_a_new_name() {
        let before = names(&[("0", "a"), ("1.0", "x"), ("1.1", "y")]);
        let renamed = [
            names(&[("0", "a"), ("1.0", "x"), ("1.1", "y")]),
            names(&[("0", "_a"), ("1.0", "left"), ("1.1", "right")]),
            names(&[("0", "z"), ("1", "pair")]),
            names(&[]),
        ];
        for after in renamed {
            assert_eq!(moved(&before, &after), None, "{after:?}");
        }
        let told = |place: &str, before: &str, after: &str| {
            Some((place.to_owned(), before.to_owned(), after.to_owned()))
        };
        let swapped = names(&[("0", "a"), ("1.0", "y"), ("1.1", "x")]);
        assert_eq!(moved(&before, &swapped), told("1.0", "x", "y"));
        let taken = names(&[("0", "_y"), ("1", "pair")]);
        assert_eq!(moved(&before, &taken), told("0", "a", "_y"));
    }
}
