//! States carried over by swaps of shared artifacts, and states that a refused one leaves as they were.

use super::lab::{Edit, Lab};

/// What the state is after `make` and one `tick`, by the first version.
const NORTH: &str = "Realm { ticks: 1, name: \"north\", mood: Wild(9), people: [None, Some(Person { health: 3, \
                     pack: Pack { items: [Item { weight: NaN, count: -7 }, Item { weight: 0.5, count: 1099511627776 }] } })] }";

/// The edit, and what of the shown state is another text afterwards.
type Row = (&'static str, &'static [Edit], &'static [Edit]);

#[rustfmt::skip]
const CARRIED: &[Row] = &[
    ("field added with a default, in two types at once",
     &[("    pub name: String,\n", "    pub name: String,\n    #[serde(default)]\n    pub gold: Option<u64>,\n"),
       ("mood: Mood::Wild(9), people }", "mood: Mood::Wild(9), people, gold: None }"),
       ("    pub sums: Vec<u64>,", "    pub sums: Vec<i32>,")],
     &[("\"north\",", "\"north\", gold: None,")]),
    ("field renamed with an alias",
     &[("    pub name: String,\n", "    #[serde(alias = \"name\")]\n    pub title: String,\n"), ("name: \"north\"", "title: \"north\"")],
     &[("name: \"north\"", "title: \"north\"")]),
    ("fields reordered, with one that is retyped",
     &[("    pub ticks: u32,\n    pub name: String,\n", "    pub name: String,\n    pub ticks: u32,\n"),
       ("    pub health: u32,\n", "    pub health: f32,\n"), ("health: 3,", "health: 3.0,")],
     &[("ticks: 1, name: \"north\"", "name: \"north\", ticks: 1"), ("health: 3,", "health: 3.0,")]),
    ("nested in a vector of optional boxes",
     &[("    pub weight: f64,\n", "    pub weight: f64,\n    #[serde(default)]\n    pub worn: bool,\n"),
       ("NAN, count", "NAN, worn: false, count"), ("0.5, count", "0.5, worn: true, count")],
     &[("weight: NaN, count", "weight: NaN, worn: false, count"), ("weight: 0.5, count", "weight: 0.5, worn: false, count")]),
];

/// The edit, and words of the refusal.
type Refused = (&'static str, &'static [Edit], &'static [&'static str]);

#[rustfmt::skip]
const REFUSED: &[Refused] = &[
    ("field added without a default",
     &[("    pub name: String,\n", "    pub name: String,\n    pub gold: u64,\n"), ("mood: Mood::Wild(9), people }", "mood: Mood::Wild(9), people, gold: 1 }")],
     &["state `hot::state::Realm`", "missing field `gold`"]),
    ("a second type that cannot follow where the first one could",
     &[("    pub name: String,\n", "    pub name: String,\n    #[serde(default)]\n    pub gold: Option<u64>,\n"),
       ("mood: Mood::Wild(9), people }", "mood: Mood::Wild(9), people, gold: None }"),
       ("    pub sums: Vec<u64>,", "    pub sums: Vec<String>,"), ("vec![3, 5]", "Vec::new()")],
     &["state `hot::state::Ledger`", "`sums[0]`", "integer `3`"]),
    ("a panic while reading",
     &[("    pub sums: Vec<u64>,", "    #[serde(deserialize_with = \"never\")]\n    pub sums: Vec<i64>,"),
       ("// end", "fn never<'de, D: serde::Deserializer<'de>>(_: D) -> Result<Vec<i64>, D::Error> { panic!(\"fell over\") }")],
     &["state `hot::state::Ledger`", "a panic: fell over"]),
];

fn with_states() -> Lab {
    let mut lab = Lab::start();
    lab.ask(&["state", "make"]);
    assert_eq!(lab.ask(&["state", "tick"]), "1");
    assert_eq!(lab.ask(&["state", "show"]), NORTH);
    lab
}

#[test]
fn a_shared_artifact_takes_the_states_over_in_their_new_shape() {
    let mut lab = with_states();
    let mut generation = 0;
    for (name, edits, changed) in CARRIED {
        let shown = changed.iter().fold(NORTH.to_owned(), |shown, (from, to)| {
            assert!(shown.contains(from), "{name}");
            shown.replace(from, to)
        });
        generation += 1;
        let line = lab.swap_edited(generation, edits);
        assert!(line.contains("class=migrates"), "{name}: {line}");
        assert_eq!(lab.ask(&["state", "show"]), shown, "{name}");
        assert_eq!(lab.ask(&["state", "show-ledger"]), "Ledger { sums: [3, 5] }", "{name}");
        // A renamed field is not known by the code that comes next, so every row begins anew.
        lab.ask(&["state", "drop"]);
        generation += 1;
        lab.swap(generation);
        lab.ask(&["state", "make"]);
        assert_eq!(lab.ask(&["state", "tick"]), "1", "{name}");
    }
    assert_eq!(lab.events(&["refused"]), "0");
    lab.finish();
}

#[test]
fn a_shared_artifact_whose_migration_fails_leaves_every_state_as_it_was() {
    let mut lab = with_states();
    let before = lab.ask(&["state", "bytes"]);
    for (name, edits, words) in REFUSED {
        lab.install_edited(edits);
        let line = lab.event(&["refused "]);
        assert!(line.starts_with("refused step=migrate "), "{name}: {line}");
        for word in *words {
            assert!(line.contains(word), "{name}: no {word:?} in {line}");
        }
        assert_eq!(lab.ask(&["state", "bytes"]), before, "{name}");
        assert_eq!(lab.ask(&["state", "show"]), NORTH, "{name}");
        assert_eq!(lab.ask(&["state", "open"]), "1", "{name}");
        assert_eq!(lab.ask(&["generation"]), "0", "{name}");
    }
    // The same program takes a good one afterwards.
    let (_, edits, _) = CARRIED[0];
    lab.swap_edited(1, edits);
    assert!(lab.ask(&["state", "show"]).contains("gold: None"));
    lab.finish();
}
