//! The numbering of functions and values: one slot for every path and signature that was ever loaded.

use std::collections::HashMap;

use liveswap_abi::dispatch::Target;
use liveswap_abi::layout::Fingerprint;

use super::{Function, Functions, Names};
use crate::event::Difference;

/// The slots that were ever given out.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    known: HashMap<String, Vec<Slot>>,
    paths: Vec<String>,
}

/// One path with one signature.
#[derive(Debug)]
struct Slot {
    number: usize,
    fingerprint: Fingerprint,
    /// Every way in which its arguments were called: whoever calls the slot knows one of them.
    names: Vec<Names>,
}

impl Slots {
    /// Numbers the functions of an image.
    ///
    /// The image must not be published yet.
    pub(crate) fn assign(&mut self, functions: &Functions) {
        for (path, function) in &functions.by_path {
            let next = self.paths.len();
            let same_path = self.known.entry((*path).to_owned()).or_default();
            let known = same_path.iter_mut().find(|slot| {
                slot.fingerprint == function.fingerprint && slot.moved(&function.names).is_none()
            });
            let number = match known {
                Some(slot) => {
                    if !slot.names.contains(&function.names) {
                        slot.names.push(function.names.clone());
                    }
                    slot.number
                }
                None => {
                    let (fingerprint, names) = (function.fingerprint, vec![function.names.clone()]);
                    same_path.push(Slot { number: next, fingerprint, names });
                    self.paths.push((*path).to_owned());
                    next
                }
            };
            function.entry.set_slot(number);
        }
    }

    /// The table's targets for an image with these functions; null where it has none for a slot.
    #[must_use]
    pub(crate) fn targets(&self, functions: &Functions) -> Vec<Target> {
        let mut targets = vec![std::ptr::null(); self.paths.len()];
        for function in functions.by_path.values() {
            if let Some(target) = targets.get_mut(function.entry.slot()) {
                *target = function.entry.own();
            }
        }
        targets
    }

    /// The path of the function in `slot`.
    #[must_use]
    pub(crate) fn path(&self, slot: usize) -> &str {
        self.paths.get(slot).map_or("a hot function", String::as_str)
    }

    /// Says whether arguments of a public function changed places among themselves, as callers of its slot know them.
    ///
    /// The host's slot is the first of a path and fingerprint.
    pub(super) fn moved(&self, path: &str, found: &Function) -> Option<Difference> {
        let mut same_path = self.known.get(path)?.iter();
        let slot = same_path.find(|slot| slot.fingerprint == found.fingerprint)?;
        let (place, before, after) = slot.moved(&found.names)?;
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
    fn moved(&self, names: &Names) -> Option<(String, String, String)> {
        self.names.iter().find_map(|before| moved(before, names))
    }
}

/// A name that only changed is a rename; one that stands at another place tells that the meaning did.
fn moved(before: &Names, after: &Names) -> Option<(String, String, String)> {
    // An underscore before a name says only that it is not used.
    let bare = |name: &str| name.trim_start_matches('_').to_owned();
    let (place, name) = after.iter().find(|(place, name)| {
        let name = bare(name);
        let stands_here = before.iter().any(|(other, was)| other == place && bare(was) == name);
        let stood_elsewhere = before.iter().any(|(other, was)| other != place && bare(was) == name);
        !name.is_empty() && stood_elsewhere && !stands_here
    })?;
    let was = before.iter().find(|(other, _)| other == place);
    let was = was.map_or("another pattern", |(_, name)| name.as_str());
    Some((place.clone(), was.to_owned(), name.clone()))
}

#[cfg(test)]
mod tests {
    use super::{Names, moved};

    fn names(names: &[(&str, &str)]) -> Names {
        names.iter().map(|(place, name)| ((*place).to_owned(), (*name).to_owned())).collect()
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
