//! What a derived type says of itself.

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::mem::offset_of;

use liveswap_abi::layout::{Catalog, Fingerprint, Layout, Member, Node, Type};
use liveswap_macros::Layout;

/// What a type says, with names in place of nodes.
fn said<T: Layout + ?Sized>() -> (Type, Vec<String>) {
    let (node, catalog) = Catalog::of(|describer| describer.node::<T>());
    let ty = catalog.ty(node).clone();
    let members = ty.members.iter().map(|member| show(member, &catalog)).collect();
    (ty, members)
}

fn show(member: &Member, catalog: &Catalog) -> String {
    let name = |of: Node| {
        let ty = catalog.ty(of);
        format!("{}{}", ty.name, if ty.is_described { "" } else { " (opaque)" })
    };
    match member {
        Member::Variant { name, discriminant } => format!("{name} = {discriminant}"),
        Member::Field { name: field, offset: Some(offset), of } => {
            format!("{field}: {} at {offset}", name(*of))
        }
        Member::Field { name: field, offset: None, of } => format!("{field}: {}", name(*of)),
        Member::Part { label, of } => format!("{label:?} {}", name(*of)),
        Member::Migratable { of } => format!("migratable {}", name(*of)),
    }
}

#[derive(Layout)]
#[repr(C, align(16))]
struct World<'a, T, const N: usize>
where
    T: Clone,
{
    r#type: u8,
    cells: [T; N],
    name: &'a str,
    foreign: Vec<Option<Foreign>>,
}

struct Foreign(#[allow(dead_code)] u16);

#[test]
fn a_struct_says_its_repr_and_its_fields_with_their_places() {
    let (ty, members) = said::<World<'_, u32, 3>>();
    assert_eq!(ty.name, "expand::layout::World<'_, u32, 3>");
    assert_eq!(ty.repr, "C, align(16)");
    assert_eq!(ty.extent, Some((size_of::<World<'_, u32, 3>>(), 16)));
    assert!(ty.is_described);
    let at = offset_of!(World<'_, u32, 3>, foreign);
    assert_eq!(
        members,
        [
            "type: u8 at 0".to_owned(),
            "cells: [u32; 3] at 4".to_owned(),
            "name: &str at 16".to_owned(),
            format!(
                "foreign: alloc::vec::Vec<core::option::Option<expand::layout::Foreign>> (opaque) at {at}"
            ),
        ]
    );
}

#[test]
fn a_type_without_the_trait_counts_by_its_size_however_deep_it_stands() {
    let (_, catalog) = Catalog::of(|describer| describer.node::<World<'static, u8, 1>>());
    let foreign = catalog.types().find(|(_, ty)| ty.name == "expand::layout::Foreign");
    assert_eq!(foreign.map(|(_, ty)| (ty.extent, ty.is_described)), Some((Some((2, 2)), false)));
    let _ = Foreign(0);
}

#[derive(Layout)]
struct Unit;

#[derive(Layout)]
struct Pair(u8, #[allow(dead_code)] Box<Pair>);

#[derive(Layout)]
#[repr(transparent)]
struct Tail<T: ?Sized>(T);

#[derive(Layout)]
#[repr(C)]
struct Text {
    len: u32,
    bytes: str,
}

#[derive(Layout)]
#[repr(C, packed(2))]
struct Packed {
    small: u8,
    large: u64,
}

#[test]
fn structs_of_every_form_are_described() {
    assert_eq!(said::<Unit>().1, [""; 0]);
    let (_, members) = said::<Pair>();
    assert_eq!(members[0], format!("0: u8 at {}", offset_of!(Pair, 0)));
    // Where a parameter may have no size, generic code knows none; the field's type has its own.
    assert_eq!(said::<Tail<u8>>().0.extent, None);
    assert_eq!(said::<Tail<u8>>().1, ["0: u8"]);
    let (ty, members) = said::<Tail<[u8]>>();
    assert_eq!((ty.extent, members), (None, vec!["0: [u8]".to_owned()]));
    assert_eq!(said::<Text>().1, ["len: u32 at 0", "bytes: str"]);
    let (ty, members) = said::<Packed>();
    assert_eq!(ty.repr, "C, packed(2)");
    assert_eq!(members, ["small: u8 at 0", "large: u64 at 2"]);
    let _ = (Unit, Tail(0_u8), Packed { small: 0, large: 0 });
}

const FIRST: u8 = 7;

#[derive(Layout)]
#[repr(u8)]
#[allow(dead_code)]
enum Tool {
    Sword { damage: u32 } = FIRST,
    Rope(u8, Unit),
    Lamp = 1 + 1,
    Hand,
}

#[derive(Layout)]
#[allow(dead_code)]
enum Signed {
    Less = -1,
    Equal,
}

#[derive(Layout)]
enum Never {}

#[test]
fn enums_say_their_variants_with_discriminants_and_fields() {
    let (ty, members) = said::<Tool>();
    assert_eq!(ty.repr, "u8");
    let expected = [
        "Sword = 7",
        "damage: u32",
        "Rope = 8",
        "0: u8",
        "1: expand::layout::Unit",
        "Lamp = 2",
        "Hand = 3",
    ];
    assert_eq!(members, expected);
    assert_eq!(said::<Signed>().1, ["Less = -1", "Equal = 0"]);
    assert_eq!(said::<Never>().0.extent, Some((0, 1)));
}

mod before {
    #[derive(liveswap_macros::Layout)]
    pub(super) struct Node<T> {
        pub(super) value: T,
        pub(super) next: Option<Box<Node<T>>>,
        pub(super) others: Vec<Self>,
    }
}

#[test]
fn types_may_contain_themselves_and_differ_by_their_arguments() {
    let (node, catalog) = Catalog::of(|describer| describer.node::<before::Node<u8>>());
    assert_eq!(catalog.types().filter(|(_, ty)| ty.name.ends_with("::Node<u8>")).count(), 2 - 1);
    assert_eq!(catalog.fingerprint(node), Fingerprint::of::<before::Node<u8>>());
    assert_ne!(catalog.fingerprint(node), Fingerprint::of::<before::Node<i8>>());
    let _ = before::Node { value: 0_u8, next: None, others: Vec::new() };
}

trait Rule {
    type Value;
}

#[derive(Layout)]
#[allow(dead_code, clippy::type_complexity)]
struct Everything<'a, R: Rule, S>
where
    R::Value: Clone,
{
    value: R::Value,
    rule: PhantomData<R>,
    seed: S,
    call: for<'x> fn(&'x S) -> &'x str,
    plain: fn(u8) -> Unit,
    object: Box<dyn Fn(&S) -> u8 + Send + 'a>,
    maps: (HashMap<String, Vec<u8>>, BTreeMap<u8, Pair>),
    pointer: *const [S],
    macro_type: std::rc::Rc<std::cell::RefCell<Unit>>,
}

impl Rule for Unit {
    type Value = u64;
}

#[test]
fn any_type_may_be_a_field() {
    let (_, members) = said::<Everything<'_, Unit, u8>>();
    assert_eq!(members.len(), 9);
    // In generic code the compiler knows of an associated type no more than its bounds.
    assert!(members[0].starts_with("value: u64 (opaque) at "), "{members:?}");
    assert!(members[4].starts_with("plain: fn(u8) -> expand::layout::Unit at "), "{members:?}");
    assert!(members[5].contains("dyn") && members[5].contains("(opaque)"), "{members:?}");
    let (_, catalog) = Catalog::of(|describer| describer.node::<Everything<'_, Unit, u8>>());
    assert!(catalog.types().any(|(_, ty)| ty.name == "expand::layout::Pair" && ty.is_described));
}
