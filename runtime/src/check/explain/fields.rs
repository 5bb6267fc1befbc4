//! Fields and variants of two types of one name, matched by their names.

use liveswap_abi::layout::{Member, Node, Type};

use super::{Explanation, Pair, Place};
use crate::check::words;

/// A struct's fields, or a variant with its fields.
#[derive(Default)]
struct Group<'a> {
    variant: Option<(&'a str, i128)>,
    fields: Vec<Field<'a>>,
}

#[derive(Clone, Copy)]
struct Field<'a> {
    name: &'a str,
    offset: Option<usize>,
    of: Node,
}

impl<'a> Explanation<'a> {
    pub(super) fn members(&mut self, pair: &Pair, base: &str) {
        let (old, new) = (self.old, self.new);
        let (before, after) = (groups(old.ty(pair.old)), groups(new.ty(pair.new)));
        let is_enum = |groups: &[Group<'_>]| groups.iter().any(|group| group.variant.is_some());
        match (is_enum(&before), is_enum(&after)) {
            (true, true) => self.variants(pair, base, &before, &after),
            (false, false) => {
                let none = Group::default();
                let (before, after) =
                    (before.first().unwrap_or(&none), after.first().unwrap_or(&none));
                self.fields(pair, base, &before.fields, &after.fields);
            }
            (was_enum, _) => {
                let word = |is_enum| if is_enum { "an enum" } else { "a struct" }.to_owned();
                self.differ(pair, base.to_owned(), word(was_enum), word(!was_enum));
            }
        }
    }

    fn variants(&mut self, pair: &Pair, base: &str, before: &[Group<'a>], after: &[Group<'a>]) {
        let find = |groups: &[Group<'a>], name: &str| {
            groups.iter().position(|group| group.variant.is_some_and(|(other, _)| other == name))
        };
        let told = self.found.len();
        for (name, discriminant) in before.iter().filter_map(|group| group.variant) {
            if find(after, name).is_none() {
                let was = format!("a variant, discriminant {discriminant}");
                self.differ(pair, format!("{base}::{name}"), was, "gone".to_owned());
            }
        }
        for (name, discriminant) in after.iter().filter_map(|group| group.variant) {
            if find(before, name).is_none() {
                let is = format!("a new variant, discriminant {discriminant}");
                self.differ(pair, format!("{base}::{name}"), "nothing".to_owned(), is);
            }
        }
        let only_these = self.found.len() == told;
        for group in before {
            let Some((name, discriminant)) = group.variant else { continue };
            let Some(other) = find(after, name).map(|at| &after[at]) else { continue };
            let item = format!("{base}::{name}");
            match other.variant {
                // Where variants came or went, the others' discriminants follow from that.
                Some((_, now)) if now != discriminant && only_these => {
                    let word = |discriminant| format!("discriminant {discriminant}");
                    self.differ(pair, item.clone(), word(discriminant), now.to_string());
                }
                _ => {}
            }
            self.fields(pair, &item, &group.fields, &other.fields);
        }
        let order = |groups: &[Group<'_>]| -> Vec<String> {
            groups
                .iter()
                .filter_map(|group| group.variant.map(|(name, _)| name.to_owned()))
                .collect()
        };
        let (was, is) = (order(before), order(after));
        if was != is && self.found.len() == told {
            let word = |names: &[String]| format!("the variants {}", names.join(", "));
            self.differ(pair, base.to_owned(), word(&was), word(&is));
        }
    }

    fn fields(&mut self, pair: &Pair, base: &str, before: &[Field<'a>], after: &[Field<'a>]) {
        let (old, new) = (self.old, self.new);
        let told = self.found.len();
        let led = self.led;
        let find =
            |fields: &[Field<'a>], name: &str| fields.iter().position(|field| field.name == name);
        let show = |ty: &Type, field: &Field<'_>| {
            format!("{}{}", words::short(&ty.name), words::at(field.offset))
        };
        let mut renamed = Vec::new();
        for (index, field) in before.iter().enumerate() {
            let was = old.ty(field.of);
            let item = format!("{base}.{}", field.name);
            let Some(now) = find(after, field.name).map(|at| after[at]) else {
                // At the same place with the same type, under a name that was not there: it is the same field.
                let same = after.get(index).filter(|now| {
                    now.offset == field.offset
                        && new.ty(now.of).name == was.name
                        && find(before, now.name).is_none()
                });
                let is = match same {
                    Some(now) => {
                        renamed.push(now.name);
                        format!("renamed to `{}`", now.name)
                    }
                    None => "gone".to_owned(),
                };
                self.differ(pair, item, show(was, field), is);
                continue;
            };
            let is = new.ty(now.of);
            if was.name == is.name {
                let place = Place::Type(item);
                self.follow(pair, field.of, now.of, place);
            } else {
                let (was, is) = words::apart(&was.name, &is.name);
                let (was, is) = (was + &words::at(field.offset), is + &words::at(now.offset));
                self.differ(pair, item, was, is);
            }
        }
        for field in after {
            if find(before, field.name).is_none() && !renamed.contains(&field.name) {
                let item = format!("{base}.{}", field.name);
                let is = show(new.ty(field.of), field);
                self.differ(pair, item, "nothing".to_owned(), is);
            }
        }
        if self.found.len() > told || self.led > led {
            // The others are where they are because of that.
            return;
        }
        for field in before {
            let Some(now) = find(after, field.name).map(|at| after[at]) else { continue };
            if field.offset != now.offset {
                let item = format!("{base}.{}", field.name);
                let (was, is) = (show(old.ty(field.of), field), show(new.ty(now.of), &now));
                self.differ(pair, item, was, is);
            }
        }
        let order = |fields: &[Field<'_>]| -> Vec<String> {
            fields.iter().map(|field| field.name.to_owned()).collect()
        };
        // Without offsets, places follow from the order.
        let (was, is) = (order(before), order(after));
        if was != is && before.iter().any(|field| field.offset.is_none()) {
            let word = |names: &[String]| format!("the fields {}", names.join(", "));
            self.differ(pair, base.to_owned(), word(&was), word(&is));
        }
    }
}

fn groups(ty: &Type) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for member in &ty.members {
        match member {
            Member::Variant { name, discriminant } => {
                groups.push(Group { variant: Some((name, *discriminant)), fields: Vec::new() });
            }
            Member::Field { name, offset, of } => {
                if groups.is_empty() {
                    groups.push(Group::default());
                }
                if let Some(group) = groups.last_mut() {
                    group.fields.push(Field { name, offset: *offset, of: *of });
                }
            }
            Member::Part { .. } | Member::Migratable { .. } => {}
        }
    }
    groups
}
