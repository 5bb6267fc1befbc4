//! Fingerprints: what changes them, and what must not.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::{Catalog, Describer, Fingerprint, Layout, Member};

/// The same type to all appearances, with whatever `describe` says of it.
macro_rules! version {
    ($module:ident, $describe:expr) => {
        pub(super) mod $module {
            use super::*;

            pub(crate) struct World;

            // SAFETY: nothing in these tests uses values of the type.
            unsafe impl Layout for World {
                const EXTENT: Option<(usize, usize)> = Some((24, 8));
                fn describe(describer: &mut Describer<'_>) {
                    let describe: fn(&mut Describer<'_>) = $describe;
                    describe(describer);
                }
            }
        }
    };
}

version!(first, |describer| {
    let node = describer.node::<Vec<Option<Box<World>>>>();
    describer.field("worlds", Some(0), node);
    let node = describer.node::<u32>();
    describer.field("health", Some(8), node);
});
version!(retyped, |describer| {
    let node = describer.node::<Vec<Option<Box<World>>>>();
    describer.field("worlds", Some(0), node);
    let node = describer.node::<f32>();
    describer.field("health", Some(8), node);
});
version!(moved, |describer| {
    let node = describer.node::<Vec<Option<Box<World>>>>();
    describer.field("worlds", Some(0), node);
    let node = describer.node::<u32>();
    describer.field("health", Some(12), node);
});
version!(renamed, |describer| {
    let node = describer.node::<Vec<Option<Box<World>>>>();
    describer.field("worlds", Some(0), node);
    let node = describer.node::<u32>();
    describer.field("life", Some(8), node);
});

/// The names in a catalog without the module that tells versions apart.
fn fingerprint<T: Layout>(version: &str) -> Fingerprint {
    let (node, mut catalog) = Catalog::of(|describer| describer.node::<Vec<Option<Box<T>>>>());
    catalog.rename(&format!("{version}::"), "");
    catalog.fingerprint(node)
}

#[test]
fn a_difference_anywhere_in_a_cycle_changes_the_fingerprint_of_all_that_reaches_it() {
    let versions = [
        fingerprint::<first::World>("first"),
        fingerprint::<retyped::World>("retyped"),
        fingerprint::<moved::World>("moved"),
        fingerprint::<renamed::World>("renamed"),
    ];
    for (index, one) in versions.iter().enumerate() {
        assert!(!versions[index + 1..].contains(one), "{versions:?}");
    }
}

mod again {
    use super::*;

    version!(first, |describer| {
        let node = describer.node::<Vec<Option<Box<World>>>>();
        describer.field("worlds", Some(0), node);
        let node = describer.node::<u32>();
        describer.field("health", Some(8), node);
    });
}

#[test]
fn equal_descriptions_have_equal_fingerprints_wherever_one_begins() {
    let one = fingerprint::<first::World>("first");
    assert_eq!(one, fingerprint::<again::first::World>("again::first"));
    // Met first through another type of the cycle, and with other types beside it.
    let ((_, list), mut catalog) = Catalog::of(|describer| {
        let before = describer.node::<Option<Box<first::World>>>();
        describer.node::<HashMap<String, Rc<first::World>>>();
        (before, describer.node::<Vec<Option<Box<first::World>>>>())
    });
    catalog.rename("first::", "");
    assert_eq!(catalog.fingerprint(list), one);
}

#[test]
fn each_type_is_asked_once_however_often_it_is_met() {
    struct Link<const N: usize>;
    // SAFETY: nothing uses values of the type.
    unsafe impl<const N: usize> Layout for Link<N> {
        const EXTENT: Option<(usize, usize)> = Some((0, 1));
        fn describe(describer: &mut Describer<'_>) {
            describer.part::<Link<0>>("");
            describer.part::<Box<Link<1>>>("");
        }
    }
    let (_, catalog) = Catalog::of(|describer| describer.node::<(Link<2>, Link<2>, Link<0>)>());
    assert_eq!(catalog.types().count(), 5);
}

#[test]
fn what_migrates_counts_by_its_name_only() {
    struct State<T>(std::marker::PhantomData<T>);
    // SAFETY: nothing uses values of the type.
    unsafe impl<T: Layout> Layout for State<T> {
        const EXTENT: Option<(usize, usize)> = Some((8, 8));
        fn describe(describer: &mut Describer<'_>) {
            describer.migratable::<T>();
        }
    }
    let of = |version: &str, ask: fn(&mut Describer<'_>) -> super::Node| {
        let (node, mut catalog) = Catalog::of(ask);
        catalog.rename(&format!("{version}::"), "");
        (catalog.fingerprint(node), catalog.ty(node).members.clone())
    };
    let (one, members) = of("first", |describer| describer.node::<State<first::World>>());
    let (other, _) = of("moved", |describer| describer.node::<State<moved::World>>());
    assert_eq!(one, other);
    assert!(matches!(members[..], [Member::Migratable { .. }]));
}

#[test]
fn the_standard_library_s_types_lead_to_their_arguments() {
    let names = |ask: fn(&mut Describer<'_>) -> super::Node| -> Vec<String> {
        let (_, catalog) = Catalog::of(ask);
        catalog.types().map(|(_, ty)| ty.name.clone()).collect()
    };
    let met = names(|describer| describer.node::<BTreeMap<u8, std::borrow::Cow<'static, [i16]>>>());
    for name in ["u8", "[i16]", "i16", "alloc::vec::Vec<i16>"] {
        assert!(met.iter().any(|met| met == name), "{name} in {met:?}");
    }
    let met = names(|describer| describer.node::<fn(&'static str, u8) -> [char; 2]>());
    assert_eq!(met[1..], ["&str", "u8", "[char; 2]", "str", "char"]);
}

#[test]
fn a_fingerprint_can_be_kept_as_a_number() {
    let fingerprint = Fingerprint::of::<u8>();
    assert_eq!(Fingerprint::from_u128(fingerprint.as_u128()), fingerprint);
    assert_eq!(fingerprint.to_string().len(), 32);
    assert_ne!(fingerprint, Fingerprint::of::<i8>());
}
