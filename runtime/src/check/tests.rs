//! What class an edit is of.

use std::collections::BTreeMap;

use liveswap_abi::layout::Fingerprint;

use super::{Edit, Surface, classify};
use crate::event::EditClass::{self, Additive, Body, Migrates};

type Entries<'a> = &'a [(&'a str, u128)];

fn named(entries: Entries<'_>) -> BTreeMap<String, Fingerprint> {
    let entry =
        |(name, number): &(&str, u128)| ((*name).to_owned(), Fingerprint::from_u128(*number));
    entries.iter().map(entry).collect()
}

fn surface(public: Entries<'_>, migratable: Entries<'_>) -> Surface {
    Surface { public: named(public), migratable: named(migratable), escape: None }
}

#[test]
fn classes_follow_from_what_a_host_sees() {
    let from = surface(&[("game::tick", 1), ("game::later", 2)], &[("game::World", 7)]);
    let same: Entries<'_> = &[("game::tick", 1), ("game::later", 2)];
    let world: Entries<'_> = &[("game::World", 7)];
    type Row<'a> = (&'a str, Entries<'a>, Entries<'a>, EditClass, &'a [&'a str]);
    let table: [Row<'_>; 6] = [
        ("nothing", same, world, Body, &[]),
        ("one less", &[("game::tick", 1)], world, Body, &[]),
        ("one more", &[("game::more", 3), ("game::tick", 1)], world, Additive, &["game::more"]),
        ("another signature", &[("game::later", 9)], world, Additive, &["game::later"]),
        ("another state", same, &[("game::World", 8)], Migrates, &[]),
        ("a new state", same, &[("game::Other", 8)], Body, &[]),
    ];
    for (what, public, migratable, class, added) in table {
        let added = added.iter().map(|&path| path.to_owned()).collect();
        let edit = classify(&from, &surface(public, migratable));
        assert_eq!(edit, Edit { class, added }, "{what}");
    }
}
