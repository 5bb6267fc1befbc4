//! States are carried over by name, or the swap is refused and they are as they were.

use crate::harness::{Host, Version, Workbench, swap, v2, v3};

const FILE: &str = "state.rs";

/// What the state is after `make` and one `tick`, by the first version.
const NORTH: &str = "Realm { ticks: 1, name: \"north\", mood: Wild(9), people: [None, Some(Person { health: 3, \
                     pack: Pack { items: [Item { weight: NaN, count: -7 }, Item { weight: 0.5, count: 1099511627776 }] } })] }";

type Edit = (&'static str, &'static str);

fn edited(name: &str, edits: &[Edit]) -> Version {
    let version = v3().with(&format!("// {name}"));
    edits.iter().fold(version, |version, (from, to)| version.edit(FILE, from, to))
}

/// Starts the program with a state that the linked code has made.
#[track_caller]
fn with_state(bench: &Workbench) -> Host {
    let mut host = bench.start();
    host.ask(&["state", "make"]);
    host.ask(&["state", "tick"]);
    assert_eq!(host.ask(&["state", "show"]), NORTH);
    host
}

/// The edit, and what of the shown state is another text afterwards.
type Row = (&'static str, &'static [Edit], &'static [Edit]);

#[rustfmt::skip]
const CARRIED: &[Row] = &[
    ("field added with a default",
     &[("    pub name: String,\n", "    pub name: String,\n    #[serde(default)]\n    pub gold: Option<u64>,\n"),
       ("mood: Mood::Wild(9), people }", "mood: Mood::Wild(9), people, gold: None }")],
     &[("\"north\",", "\"north\", gold: None,")]),
    ("field removed",
     &[("    pub mood: Mood,\n", ""), (" mood: Mood::Wild(9),", "")],
     &[(" mood: Wild(9),", "")]),
    ("field renamed with an alias",
     &[("    pub name: String,\n", "    #[serde(alias = \"name\")]\n    pub title: String,\n"),
       ("name: \"north\"", "title: \"north\"")],
     &[("name: \"north\"", "title: \"north\"")]),
    ("fields reordered",
     &[("    pub ticks: u32,\n    pub name: String,\n", "    pub name: String,\n    pub ticks: u32,\n")],
     &[("ticks: 1, name: \"north\"", "name: \"north\", ticks: 1")]),
    ("field retyped at the same size",
     &[("    pub health: u32,\n", "    pub health: f32,\n"), ("health: 3,", "health: 3.0,")],
     &[("health: 3,", "health: 3.0,")]),
    ("nested three deep, in a vector of optional boxes",
     &[("    pub weight: f64,\n", "    pub weight: f64,\n    #[serde(default)]\n    pub worn: bool,\n"),
       ("NAN, count", "NAN, worn: false, count"), ("0.5, count", "0.5, worn: true, count")],
     &[("weight: NaN, count", "weight: NaN, worn: false, count"), ("weight: 0.5, count", "weight: 0.5, worn: false, count")]),
    ("enum variant added in the middle",
     &[("    Calm,\n", "    Calm,\n    Grim { since: u32 },\n")],
     &[]),
    ("two types at once",
     &[("    pub name: String,\n", "    pub name: String,\n    #[serde(default)]\n    pub gold: Option<u64>,\n"),
       ("mood: Mood::Wild(9), people }", "mood: Mood::Wild(9), people, gold: None }"),
       ("    pub sums: Vec<u64>,", "    pub sums: Vec<i32>,")],
     &[("\"north\",", "\"north\", gold: None,")]),
    ("optional box made plain",
     &[("Vec<Option<Box<Person>>>", "Vec<Option<Person>>"), ("Some(Box::new(person))", "Some(person)")],
     &[]),
];

#[test]
fn every_change_of_a_type_is_carried_over_and_back() {
    let bench = Workbench::new();
    let mut host = with_state(&bench);
    let mut generation = 0;
    for (name, edits, changed) in CARRIED {
        let shown = changed.iter().fold(NORTH.to_owned(), |shown, (from, to)| {
            assert!(shown.contains(from), "{name}");
            shown.replace(from, to)
        });
        generation += 1;
        let line = swap(&bench, &mut host, &edited(name, edits), generation);
        // Where fields stand is the compiler's choice, and it puts these where they were.
        let class = if *name == "fields reordered" { "class=body" } else { "class=migrates" };
        assert!(line.contains(class), "{name}: {line}");
        assert_eq!(host.ask(&["state", "show"]), shown, "{name}");
        assert_eq!(host.ask(&["state", "show-ledger"]), "Ledger { sums: [3, 5] }", "{name}");
        // Where a field was removed its value is gone, so every row begins anew.
        host.ask(&["state", "drop"]);
        generation += 1;
        swap(&bench, &mut host, &v2(), generation);
        host.ask(&["state", "make"]);
        assert_eq!(host.ask(&["state", "tick"]), "1", "{name}");
        assert_eq!(host.ask(&["state", "show"]), NORTH, "{name}");
    }
    host.finish();
}

#[test]
fn the_programs_own_code_gets_an_error_and_old_code_is_unloaded() {
    let bench = Workbench::new();
    let mut host = with_state(&bench);
    assert_eq!(host.ask(&["state", "open"]), "1");
    let (name, edits, _) = CARRIED[0];
    swap(&bench, &mut host, &edited(name, edits), 1);
    let error = host.try_ask(&["state", "open"]).unwrap_err();
    assert!(error.starts_with("OtherLayout state `hot_fixture::state::Realm`: "), "{error}");
    // Back to the layout that it was linked with, by way of the code of another version.
    swap(&bench, &mut host, &v2(), 2);
    host.unloaded(1);
    assert_eq!(host.ask(&["state", "open"]), "1");
    assert_eq!(host.ask(&["state", "show"]), NORTH);
    // Nothing of the unloaded code is needed to drop what it once made.
    swap(&bench, &mut host, &v3(), 3);
    host.unloaded(2);
    host.ask(&["state", "drop"]);
    host.finish();
}

/// The edit, and words of the refusal.
type Refused = (&'static str, &'static [Edit], &'static [&'static str]);

#[rustfmt::skip]
const REFUSED: &[Refused] = &[
    ("field added without a default",
     &[("    pub name: String,\n", "    pub name: String,\n    pub gold: u64,\n"), ("mood: Mood::Wild(9), people }", "mood: Mood::Wild(9), people, gold: 1 }")],
     &["missing field `gold`", "#[serde(default)]"]),
    ("a second type that cannot follow where the first one could",
     &[("    pub name: String,\n", "    pub name: String,\n    #[serde(default)]\n    pub gold: Option<u64>,\n"),
       ("mood: Mood::Wild(9), people }", "mood: Mood::Wild(9), people, gold: None }"),
       ("    pub sums: Vec<u64>,", "    pub sums: Vec<String>,"), ("vec![3, 5]", "Vec::new()")],
     &["state `hot_fixture::state::Ledger`", "`sums[0]`", "integer `3`"]),
    ("a value that does not fit",
     &[("    pub count: i64,\n", "    pub count: u64,\n"), ("count: -7", "count: 7")],
     &["`people[1].pack.items[0].count`", "integer `-7`"]),
    ("unknown fields denied",
     &[("    pub mood: Mood,\n", ""), (" mood: Mood::Wild(9),", ""),
       ("#[derive(Debug, Layout, Serialize, Deserialize)]\npub struct Realm {", "#[derive(Debug, Layout, Serialize, Deserialize)]\n#[serde(deny_unknown_fields)]\npub struct Realm {")],
     &["unknown field `mood`"]),
    ("a variant that is gone",
     &[("    Wild(u8),\n", "    Wilder(u8),\n"), ("Mood::Wild(9)", "Mood::Wilder(9)")],
     &["`mood`", "unknown variant `Wild`"]),
    ("a custom error",
     &[("    pub ticks: u32,\n", "    #[serde(deserialize_with = \"never\")]\n    pub ticks: u64,\n"),
       ("// end", "fn never<'de, D: serde::Deserializer<'de>>(_: D) -> Result<u64, D::Error> { Err(serde::de::Error::custom(\"never today\")) }"),
       ("Result<u32, OpenError> {\n    atlas.realm.with(|realm| {\n        realm.ticks += 1;\n        realm.ticks\n", "Result<u32, OpenError> {\n    atlas.realm.with(|realm| {\n        realm.ticks += 1;\n        realm.ticks as u32\n"),
       ("        signal.wait();\n        realm.ticks\n", "        signal.wait();\n        realm.ticks as u32\n")],
     &["`ticks`: never today"]),
    ("a panic while reading",
     &[("    pub ticks: u32,\n", "    #[serde(deserialize_with = \"never\")]\n    pub ticks: u64,\n"),
       ("// end", "fn never<'de, D: serde::Deserializer<'de>>(_: D) -> Result<u64, D::Error> { panic!(\"fell over\") }"),
       ("Result<u32, OpenError> {\n    atlas.realm.with(|realm| {\n        realm.ticks += 1;\n        realm.ticks\n", "Result<u32, OpenError> {\n    atlas.realm.with(|realm| {\n        realm.ticks += 1;\n        realm.ticks as u32\n"),
       ("        signal.wait();\n        realm.ticks\n", "        signal.wait();\n        realm.ticks as u32\n")],
     &["a panic: fell over"]),
];

#[test]
fn a_refused_change_leaves_every_byte_as_it_was() {
    let bench = Workbench::new();
    let mut host = with_state(&bench);
    let before = host.ask(&["state", "bytes"]);
    for (name, edits, words) in REFUSED {
        bench.install(&edited(name, edits));
        let line = host.event(&["refused "]);
        assert!(line.starts_with("refused step=migrate "), "{name}: {line}");
        assert!(line.contains("state `hot_fixture::state::"), "{name}: {line}");
        for word in *words {
            assert!(line.contains(word), "{name}: no {word:?} in {line}");
        }
        assert_eq!(host.ask(&["state", "bytes"]), before, "{name}");
        assert_eq!(host.ask(&["state", "open"]), "1", "{name}");
        assert_eq!(host.ask(&["generation"]), "0", "{name}");
    }
    let (name, edits, _) = CARRIED[0];
    swap(&bench, &mut host, &edited(name, edits), 1);
    host.finish();
}

/// The name becomes a title, which only a function can know.
fn retitled(name: &str, body: &str) -> Version {
    let function = format!(
        "#[hot(migrate)]\nfn retitled(old: liveswap_abi::state::Saved<'_>) -> Result<Realm, String> {{\n\
         #[derive(Deserialize)]\n\
         struct Old {{ ticks: u32, name: String, mood: Mood, people: Vec<Option<Box<Person>>> }}\n\
         let Old {{ ticks, name, mood, people }} = old.read()?;\n{body}\n}}"
    );
    v3().with(&format!("// {name}"))
        .edit(FILE, "    pub name: String,\n", "    pub title: String,\n")
        .edit(FILE, "name: \"north\"", "title: \"north\"")
        .edit(FILE, "// end", &function)
}

#[test]
fn a_function_may_make_the_new_value_and_its_refusal_leaves_the_old_one() {
    let bench = Workbench::new();
    let mut host = with_state(&bench);
    let before = host.ask(&["state", "bytes"]);
    let refusals = [
        (
            "a migration says no",
            "let _ = (ticks, name, mood, people); Err(\"no realm today\".to_owned())",
            "no realm today",
        ),
        (
            "a migration panics",
            "let _ = (ticks, name, mood, people); panic!(\"fell over\")",
            "a panic: fell over",
        ),
    ];
    for (name, body, words) in refusals {
        bench.install(&retitled(name, body));
        let line = host.event(&["refused "]);
        assert!(line.starts_with("refused step=migrate "), "{name}: {line}");
        for word in ["`hot_fixture::state::retitled`", words] {
            assert!(line.contains(word), "{name}: no {word:?} in {line}");
        }
        assert_eq!(host.ask(&["state", "bytes"]), before, "{name}");
        assert_eq!(host.ask(&["generation"]), "0", "{name}");
    }
    let made = "Ok(Realm { ticks: ticks * 10, title: name + \"ern\", mood, people })";
    let line = swap(&bench, &mut host, &retitled("a migration", made), 1);
    assert!(line.contains("class=migrates"), "{line}");
    let shown = NORTH.replace("ticks: 1, name: \"north\"", "ticks: 10, title: \"northern\"");
    assert_eq!(host.ask(&["state", "show"]), shown);
    host.finish();
}

#[test]
fn a_panic_of_the_old_code_refuses_the_next_swap() {
    let bench = Workbench::new();
    let mut host = with_state(&bench);
    let falls = edited(
        "a panic while writing",
        &[
            (
                "    pub name: String,\n",
                "    #[serde(serialize_with = \"never\")]\n    pub name: String,\n",
            ),
            (
                "// end",
                "fn never<S: serde::Serializer>(_: &String, _: S) -> Result<S::Ok, S::Error> { panic!(\"fell over\") }",
            ),
        ],
    );
    let line = swap(&bench, &mut host, &falls, 1);
    assert!(line.contains("class=body"), "{line}");
    let (name, edits, _) = CARRIED[0];
    bench.install(&edited(name, edits));
    let line = host.event(&["refused step=migrate"]);
    assert!(line.contains("fell over"), "{line}");
    assert_eq!(host.ask(&["state", "show"]), NORTH);
    host.finish();
}

#[test]
fn a_state_that_stays_open_refuses_the_swap_and_names_its_thread() {
    let bench = Workbench::new();
    let mut host = bench.program().arg("--migrate-deadline", "200").start();
    host.ask(&["state", "make"]);
    host.ask(&["worker", "keeper"]);
    host.ask(&["begin", "keeper", "state", "hold", "held"]);
    host.ask(&["signal", "held", "wait-entered", "1"]);
    let (name, edits, _) = CARRIED[0];
    bench.install(&edited(name, edits));
    let line = host.event(&["refused step=migrate"]);
    assert!(line.contains("thread `keeper` has had it open for"), "{line}");
    host.ask(&["signal", "held", "open"]);
    assert_eq!(host.ask(&["answer", "keeper"]), "0");
    // The same artifact, asked for once more, is taken now.
    assert!(host.ask(&["reload-now"]).starts_with("swapped generation=1 "));
    assert!(host.ask(&["state", "show"]).contains("gold: None"));
    host.finish();
}

#[test]
fn threads_that_open_a_state_all_the_time_notice_nothing_of_a_swap() {
    let bench = Workbench::new();
    let mut host = with_state(&bench);
    let workers = ["one", "two", "three", "four"];
    for worker in workers {
        host.ask(&["worker", worker]);
        host.ask(&["begin", worker, "state", "ticks", "storm"]);
    }
    host.ask(&["signal", "storm", "wait-entered", "4"]);
    for generation in 1..=6 {
        let (name, edits, _) = CARRIED[0];
        let version = if generation % 2 == 1 { edited(name, edits) } else { v2() };
        swap(&bench, &mut host, &version, generation);
    }
    host.ask(&["signal", "storm", "open"]);
    let ticked: u32 =
        workers.iter().map(|worker| host.ask(&["answer", worker]).parse::<u32>().unwrap()).sum();
    assert_eq!(host.ask(&["state", "tick"]), (ticked + 2).to_string(), "no tick is lost");
    host.finish();
}

#[test]
fn a_state_goes_through_a_file_into_another_version() {
    let bench = Workbench::new();
    let path = bench.root().join("realm.state");
    let path = path.to_str().unwrap();
    let mut host = with_state(&bench);
    host.ask(&["state", "save", path]);
    host.ask(&["state", "tick"]);
    let (name, edits, _) = CARRIED[0];
    swap(&bench, &mut host, &edited(name, edits), 1);
    host.ask(&["state", "restore", path]);
    let shown = host.ask(&["state", "show"]);
    assert!(shown.starts_with("Realm { ticks: 1, name: \"north\", gold: None,"), "{shown}");
    let whole = std::fs::read(path).unwrap();
    std::fs::write(path, &whole[..whole.len() - 1]).unwrap();
    assert!(
        host.try_ask(&["state", "restore", path]).unwrap_err().contains("not a whole saved state")
    );
    assert_eq!(host.ask(&["state", "show"]), shown);
    host.finish();
}

#[test]
fn named_states_survive_a_restart_of_the_program() {
    let bench = Workbench::new();
    let directory = bench.root().join("states");
    let start = || bench.program().env("LIVESWAP_STATE_DIR", &directory).start();
    let mut host = start();
    host.ask(&["state", "make"]);
    host.ask(&["state", "tick"]);
    host.finish();
    let mut host = start();
    host.ask(&["state", "make"]);
    assert_eq!(host.ask(&["state", "show"]), NORTH);
    assert_eq!(host.ask(&["state", "tick"]), "2");
    host.finish();
}
