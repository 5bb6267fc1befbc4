//! Why fingerprints differ: both catalogs are walked together, only where they do, and each type is explained once.

mod fields;

use std::collections::{HashSet, VecDeque};

use liveswap_abi::layout::{Catalog, Member, Node, Type};

use super::{Function, declaration, kind, words};
use crate::event::Difference;

/// How many differences are told; more would not be read.
const TOLD: usize = 100;

/// Differences found so far, and pairs of types still to be looked at.
pub(super) struct Explanation<'a> {
    old: &'a Catalog,
    new: &'a Catalog,
    seen: HashSet<(Node, Node)>,
    pending: VecDeque<Pair>,
    /// How often two types led to others that differ.
    led: usize,
    found: Vec<Difference>,
}

/// Two types of one name, in the same place, with different fingerprints.
struct Pair {
    old: Node,
    new: Node,
    place: Place,
    /// The function that leads there.
    reached_by: String,
}

/// Where a type stands.
#[derive(Clone)]
enum Place {
    /// In a signature, possibly behind pointers and in containers: a path begins with its name.
    Signature,
    /// In a type, as in `World.player`.
    Type(String),
}

impl<'a> Explanation<'a> {
    pub(super) fn new(old: &'a Catalog, new: &'a Catalog) -> Explanation<'a> {
        Explanation {
            old,
            new,
            seen: HashSet::new(),
            pending: VecDeque::new(),
            led: 0,
            found: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, difference: Difference) {
        self.found.push(difference);
    }

    /// Everything that was found, outermost first.
    pub(super) fn finish(mut self) -> Vec<Difference> {
        while let Some(pair) = self.pending.pop_front() {
            self.types(&pair);
        }
        if self.found.len() > TOLD {
            let more = self.found.len() - TOLD;
            self.found.truncate(TOLD);
            self.found.push(Difference {
                item: format!("{more} more"),
                expected: "as they were".to_owned(),
                found: "changed".to_owned(),
                remedy: "restart the program".to_owned(),
            });
        }
        self.found
    }

    /// Two signatures of different fingerprints.
    pub(super) fn signatures(&mut self, path: &str, old: &Function, new: &Function) {
        let kind = kind(&old.signature);
        let of = if kind == "value" { "type" } else { "signature" };
        let remedy = format!("change it back, or restart the program to take the new {of}");
        let whole = |(old, new): (&Function, &Function)| Difference {
            item: format!("{kind} `{path}`"),
            expected: declaration(old.entry),
            found: declaration(new.entry),
            remedy: remedy.clone(),
        };
        let (before, after) = (&old.signature, &new.signature);
        if before.is_value != after.is_value || before.arguments.len() != after.arguments.len() {
            return self.add(whole((old, new)));
        }
        let arguments = before.arguments.iter().zip(&after.arguments).enumerate();
        let mut places: Vec<(String, Node, Node)> = arguments
            .map(|(index, (old, new))| {
                let name = match &old.names[..] {
                    [(place, name)] if place.is_empty() => format!(" ({name})"),
                    _ => String::new(),
                };
                (format!("{kind} `{path}`, argument {index}{name}"), old.of, new.of)
            })
            .collect();
        if let (Some(old), Some(new)) = (before.result, after.result) {
            let place = if before.is_value { "" } else { ", result" };
            places.push((format!("{kind} `{path}`{place}"), old, new));
        }
        places.retain(|(_, old, new)| self.old.fingerprint(*old) != self.new.fingerprint(*new));
        if places.is_empty() {
            // Which lifetimes are the same is all that is left.
            return self.add(whole((old, new)));
        }
        for (place, old, new) in places {
            let (before, after) = (self.old.ty(old), self.new.ty(new));
            if before.name == after.name {
                let (place, reached_by) = (Place::Signature, path.to_owned());
                self.pending.push_back(Pair { old, new, place, reached_by });
                continue;
            }
            let (expected, found) = words::apart(&before.name, &after.name);
            self.add(Difference {
                item: place,
                expected: format!("`{expected}` ({})", words::extent(before)),
                found: format!("`{found}` ({})", words::extent(after)),
                remedy: remedy.clone(),
            });
        }
    }

    fn types(&mut self, pair: &Pair) {
        if !self.seen.insert((pair.old, pair.new)) {
            return;
        }
        let (before, after) = (self.old.ty(pair.old), self.new.ty(pair.new));
        let base = match &pair.place {
            Place::Signature => words::short(&before.name),
            Place::Type(path) => path.clone(),
        };
        let told = self.found.len();
        let led = self.led;
        if before.is_described != after.is_described {
            // A container describes itself where its arguments do: then it is one of them that changed.
            self.parts(pair, before, after);
            if self.led > led {
                return;
            }
            let known = |ty: &Type| match ty.is_described {
                true => "described by its fields".to_owned(),
                false => "known by its size only".to_owned(),
            };
            self.differ(pair, base, known(before), known(after));
            return;
        }
        if before.repr != after.repr {
            let repr = |ty: &Type| match ty.repr.as_str() {
                "" => "no `repr`".to_owned(),
                repr => format!("repr({repr})"),
            };
            self.differ(pair, base.clone(), repr(before), repr(after));
        }
        let has_fields = |ty: &Type| ty.members.iter().any(|member| member.name().is_some());
        if has_fields(before) || has_fields(after) {
            self.members(pair, &base);
        } else {
            self.parts(pair, before, after);
        }
        let (has_own, leads_on) = (self.found.len() > told, self.led > led);
        if before.extent != after.extent && (has_own || !leads_on) {
            self.sizes(pair, base, before, after);
        } else if !has_own && !leads_on && before.identity != after.identity {
            let expected = "a type of the crate that the program was compiled with".to_owned();
            let found = "one of that name in another version or build of that crate".to_owned();
            self.differ(pair, base, expected, found);
        } else if !has_own && !leads_on {
            // No silent refusal, whatever a description leaves out.
            self.differ(pair, base, "its former layout".to_owned(), "another one".to_owned());
        }
    }

    fn sizes(&mut self, pair: &Pair, base: String, before: &Type, after: &Type) {
        match (before.extent, after.extent) {
            (Some((old, align)), Some((new, same))) if align == same => {
                self.differ(pair, base, format!("size {old}"), new.to_string());
            }
            _ => self.differ(pair, base, words::extent(before), words::extent(after)),
        }
    }

    /// Types that the two lead to without a field: elements, or what a pointer points to.
    fn parts(&mut self, pair: &Pair, before: &Type, after: &Type) {
        for (old, new) in before.members.iter().zip(&after.members) {
            let (Member::Part { label, of: old }, Member::Part { of: new, .. }) = (old, new) else {
                continue;
            };
            let place = match &pair.place {
                Place::Type(path) if !label.starts_with('<') => {
                    Place::Type(format!("{path}{label}"))
                }
                place => place.clone(),
            };
            self.follow(pair, *old, *new, place);
        }
    }

    /// Looks at a pair of types later, if they differ and are not looked at anyway.
    fn follow(&mut self, from: &Pair, old: Node, new: Node, place: Place) {
        if self.old.fingerprint(old) == self.new.fingerprint(new) {
            return;
        }
        self.led += 1;
        if !self.seen.contains(&(old, new)) {
            let reached_by = from.reached_by.clone();
            self.pending.push_back(Pair { old, new, place, reached_by });
        }
    }

    fn differ(&mut self, pair: &Pair, item: String, expected: String, found: String) {
        let remedy =
            format!("change it back, or restart the program: `{}` reaches it", pair.reached_by);
        self.add(Difference { item, expected, found, remedy });
    }
}
