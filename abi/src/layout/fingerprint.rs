//! One number for all that a type reaches.
//!
//! A type's fingerprint is the hash of its own description with the fingerprints of the types in it. Types that reach
//! each other have none to begin with: they get colors, first from their own descriptions, then again and again from
//! those of their neighbors, until no more of them can be told apart; then the hash of all colors together with a type's
//! own is its fingerprint. It depends neither on where in the cycle one began nor on what else the catalog has.

use std::collections::BTreeSet;
use std::fmt;

use super::Layout;
use super::catalog::{Catalog, Member, Type};
use super::describe::Node;
use super::hash::Message;

/// Equal for two types when all that they reach is equal: names, sizes, alignments, fields, offsets, variants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of `T`, made anew: remember it rather than asking twice.
    #[must_use]
    pub fn of<T: Layout + ?Sized>() -> Fingerprint {
        let (node, catalog) = Catalog::of(|describer| describer.node::<T>());
        catalog.fingerprint(node)
    }

    /// The number, to be kept where a fingerprint cannot.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// The fingerprint that was this number.
    #[must_use]
    pub const fn from_u128(number: u128) -> Fingerprint {
        Fingerprint(number)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The fingerprints of all types, in their order.
pub(super) fn of_types(types: &[Type]) -> Vec<Fingerprint> {
    let ordered: Vec<Vec<&Member>> = types.iter().map(in_memory_order).collect();
    let edges: Vec<Vec<usize>> = ordered.iter().map(|members| neighbors(members)).collect();
    let graph = Graph { types, ordered, edges };
    let mut done = vec![None; types.len()];
    let mut colors = vec![0; types.len()];
    for component in components(&graph.edges) {
        color(&graph, &component, &mut done, &mut colors);
    }
    // Every type is in one component.
    done.into_iter().map(|number| Fingerprint(number.unwrap_or_default())).collect()
}

/// Types with what is asked of them more than once.
struct Graph<'a> {
    types: &'a [Type],
    ordered: Vec<Vec<&'a Member>>,
    edges: Vec<Vec<usize>>,
}

/// The types that count in another's fingerprint by all they are.
fn neighbors(members: &[&Member]) -> Vec<usize> {
    let of = |member: &&Member| match member {
        Member::Variant { .. } | Member::Migratable { .. } => None,
        Member::Field { of: Node(of), .. } | Member::Part { of: Node(of), .. } => {
            Some(*of as usize)
        }
    };
    members.iter().filter_map(of).collect()
}

/// Fills in the fingerprints of types that all reach each other; those of the types outside that they reach are there.
///
/// Types outside have the color 0.
fn color(graph: &Graph<'_>, component: &[usize], done: &mut [Option<u128>], colors: &mut [u128]) {
    if let &[index] = component
        && !graph.edges[index].contains(&index)
    {
        done[index] = Some(describe(graph, index, done).hash());
        return;
    }
    let mut next: Vec<u128> =
        component.iter().map(|&index| describe(graph, index, done).hash()).collect();
    let mut told_apart = 0;
    loop {
        for (&index, color) in component.iter().zip(&next) {
            colors[index] = *color;
        }
        let distinct = next.iter().collect::<BTreeSet<_>>().len();
        if distinct == told_apart {
            break;
        }
        told_apart = distinct;
        next = component
            .iter()
            .map(|&index| {
                let mut message = Message::default();
                message.wide(colors[index]);
                graph.edges[index].iter().for_each(|&next| {
                    message.wide(colors[next]);
                });
                message.hash()
            })
            .collect();
    }
    let mut all = Message::default();
    next.iter().collect::<BTreeSet<_>>().into_iter().for_each(|color| {
        all.wide(*color);
    });
    let all = all.hash();
    for (&index, color) in component.iter().zip(&next) {
        done[index] = Some(Message::default().wide(all).wide(*color).hash());
        colors[index] = 0;
    }
}

/// A type's own description, with the fingerprints of the types in it that have one.
fn describe(graph: &Graph<'_>, index: usize, done: &[Option<u128>]) -> Message {
    let ty = &graph.types[index];
    let mut message = Message::default();
    message.text(&ty.name).text(&ty.repr).number(u64::from(ty.is_described));
    // No type is as large as the address space.
    let (size, align) = ty.extent.unwrap_or((usize::MAX, 0));
    message.number(size as u64).number(align as u64).number(ty.identity.unwrap_or_default());
    for member in &graph.ordered[index] {
        match member {
            Member::Variant { name, discriminant } => {
                message.text("variant").text(name).wide(*discriminant as u128);
            }
            Member::Field { name, offset, of } => {
                message.text("field").text(name);
                message.number(offset.map_or(u64::MAX, |offset| offset as u64));
                message.wide(done[of.0 as usize].unwrap_or_default());
            }
            Member::Part { label, of } => {
                message.text("part").text(label).wide(done[of.0 as usize].unwrap_or_default());
            }
            Member::Migratable { of } => {
                message.text("migratable").text(&graph.types[of.0 as usize].name);
            }
        }
    }
    message
}

/// Fields by their offsets where they have any: there the order of the declaration changes nothing.
fn in_memory_order(ty: &Type) -> Vec<&Member> {
    let mut members: Vec<&Member> = ty.members.iter().collect();
    let offset = |member: &Member| match member {
        Member::Field { offset, .. } => *offset,
        _ => None,
    };
    if members.iter().all(|member| offset(member).is_some()) {
        members.sort_by_key(|member| (offset(member), member.name()));
    }
    members
}

/// Sets of types that all reach each other, each set after those it reaches.
///
/// Tarjan's algorithm with a stack of its own, because chains of types can be long.
fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let (mut order, mut low) = (vec![UNSEEN; edges.len()], vec![UNSEEN; edges.len()]);
    let mut is_open = vec![false; edges.len()];
    let (mut open, mut found, mut seen) = (Vec::new(), Vec::new(), 0);
    for root in 0..edges.len() {
        if order[root] != UNSEEN {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((index, edge)) = path.last_mut() {
            let index = *index;
            if *edge == 0 && order[index] == UNSEEN {
                (order[index], low[index]) = (seen, seen);
                seen += 1;
                open.push(index);
                is_open[index] = true;
            }
            if let Some(&next) = edges[index].get(*edge) {
                *edge += 1;
                if order[next] == UNSEEN {
                    path.push((next, 0));
                } else if is_open[next] {
                    low[index] = low[index].min(order[next]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[index]);
            }
            if low[index] == order[index] {
                let at = open.iter().rposition(|&other| other == index).unwrap_or_default();
                let component = open.split_off(at);
                component.iter().for_each(|&member| is_open[member] = false);
                found.push(component);
            }
        }
    }
    found
}
