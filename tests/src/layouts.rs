//! What kind of edit a version is: each is swapped in with its class, or refused with its differences, word by word; and the
//! program's states are afterwards what they were. Edits of the states' own types are in `state.rs`.

use crate::harness::{Kept, Version, Workbench, swap, v2, v3};

const FILE: &str = "layouts.rs";

/// An edit: what stands in the file, and what takes its place.
type Edit = (&'static str, &'static str);

/// A difference: the item, what the program has, and what the artifact has.
type Told = (&'static str, &'static str, &'static str);

fn edited(name: &str, edits: &[Edit]) -> Version {
    let version = v3().with(&format!("// {name}"));
    edits.iter().fold(version, |version, (from, to)| version.edit(FILE, from, to))
}

/// Has one program refuse every version of the table, and swap in a good one afterwards.
#[track_caller]
fn refused(table: &[(&str, &[Edit], &[Told])]) {
    let bench = Workbench::new();
    let mut host = bench.program().start();
    swap(&bench, &mut host, &v2(), 1);
    let states = Kept::made_by(&mut host);
    for (name, edits, told) in table {
        bench.install(&edited(name, edits));
        let line = host.event(&["refused "]);
        assert!(line.starts_with("refused step=check "), "{name}: {line}");
        let mut differences = line.split(" item={").skip(1);
        for (item, expected, found) in *told {
            let difference = differences.next().unwrap_or_default();
            let words = format!("{item}}} expected={{{expected}}} found={{{found}}} remedy={{");
            assert!(difference.starts_with(&words), "{name}: {words} in {line}");
            assert!(difference.contains("restart the program"), "{name}: a remedy in {line}");
        }
        assert_eq!(differences.next(), None, "{name}: nothing else in {line}");
        host.runs(2);
        states.assert_untouched(&mut host, name);
    }
    assert_eq!(host.ask(&["generation"]), "1");
    swap(&bench, &mut host, &v3(), 2);
    host.runs(3);
    states.assert_untouched(&mut host, "a good one");
    host.finish();
}

#[test]
fn fields_that_came_went_or_changed() {
    refused(&[
        (
            "added",
            &[("    pub score: u64,\n", "    pub score: u64,\n    pub lives: u64,\n")],
            &[("World.lives", "nothing", "u64 at 32"), ("World", "size 112", "120")],
        ),
        (
            "removed",
            &[("    pub score: u64,\n", "")],
            &[("World.score", "u64 at 24", "gone"), ("World", "size 112", "104")],
        ),
        (
            "renamed",
            &[("    pub score: u64,\n", "    pub points: u64,\n")],
            &[("World.score", "u64 at 24", "renamed to `points`")],
        ),
        (
            "reordered",
            &[
                ("    pub tick: u64,\n", "    pub score: u64,\n"),
                ("Player,\n    pub score: u64,\n", "Player,\n    pub tick: u64,\n"),
            ],
            &[("World.tick", "u64 at 0", "u64 at 24"), ("World.score", "u64 at 24", "u64 at 0")],
        ),
        (
            "retyped at the same size",
            &[("    pub health: u32,\n", "    pub health: f32,\n")],
            &[("World.player.health", "u32 at 0", "f32 at 0")],
        ),
        (
            "nested three deep",
            &[("    pub thickness: u16,\n", "    pub thickness: i16,\n")],
            &[("World.player.armor.plates[].thickness", "u16 at 2", "i16 at 2")],
        ),
        (
            "in a vector of optional boxes",
            &[("    pub size: u32,\n", "    pub size: i32,\n")],
            &[("World.parties[].size", "u32 at 24", "i32 at 24")],
        ),
        (
            "of a type that does not describe itself",
            &[("pub struct Foreign(pub [u64; 2]);", "pub struct Foreign(pub [u64; 3]);")],
            &[("World.foreign", "size 16", "24")],
        ),
    ]);
}

#[test]
fn types_that_changed_as_a_whole() {
    refused(&[
        (
            "a variant in the middle",
            &[("    Rope(u8),\n", "    Axe,\n    Rope(u8),\n")],
            &[("World.tool::Axe", "nothing", "a new variant, discriminant 1")],
        ),
        (
            "a variant less",
            &[("    Lamp,\n", "")],
            &[("World.tool::Lamp", "a variant, discriminant 2", "gone")],
        ),
        (
            "a variant's field",
            &[("Sword { damage: u32 }", "Sword { damage: f32 }")],
            &[("World.tool::Sword.damage", "u32", "f32")],
        ),
        (
            "variants in another order",
            &[("    Rope(u8),\n    Lamp,\n", "    Lamp,\n    Rope(u8),\n")],
            &[
                ("World.tool::Rope", "discriminant 1", "2"),
                ("World.tool::Lamp", "discriminant 2", "1"),
            ],
        ),
        ("a discriminant", &[("High = 5", "High = 6")], &[("Rank::High", "discriminant 5", "6")]),
        (
            "a parameter's default",
            &[("Grid<T = u32>", "Grid<T = u64>")],
            &[("World.grid.0", "Vec<u32> at 0", "Vec<u64> at 0")],
        ),
        (
            "its representation",
            &[("#[repr(u8)]\npub enum Rank", "#[repr(i8)]\npub enum Rank")],
            &[("Rank", "repr(u8)", "repr(i8)")],
        ),
        (
            "no description any more",
            &[("#[derive(Layout)]\npub struct Loose", "pub struct Loose")],
            &[("Loose", "described by its fields", "known by its size only")],
        ),
    ]);
}

#[test]
fn signatures_that_changed() {
    refused(&[
        (
            "an argument more",
            &[
                ("area(width: u32, height: u32)", "area(width: u32, height: u32, depth: u32)"),
                ("0 * height", "0 * height * depth"),
            ],
            &[(
                "function `hot_fixture::layouts::area`",
                "`fn area(width: u32, height: u32) -> u32`",
                "`fn area(width: u32, height: u32, depth: u32) -> u32`",
            )],
        ),
        (
            "arguments of one type in another order",
            &[("area(width: u32, height: u32)", "area(height: u32, width: u32)")],
            &[(
                "function `hot_fixture::layouts::area`, argument 0",
                "`width`",
                "`height`, which stood elsewhere",
            )],
        ),
        (
            "another result",
            &[
                ("height: u32) -> u32 {\n    width", "height: u32) -> u64 {\n    u64::from(width)"),
                ("0 * height", "u64::from(0 * height)"),
            ],
            &[(
                "function `hot_fixture::layouts::area`, result",
                "`u32` (size 4, align 4)",
                "`u64` (size 8, align 8)",
            )],
        ),
        (
            "a result that borrows from less",
            &[("_other: &'a str) -> &'a str", "_other: &str) -> &'a str")],
            &[(
                "function `hot_fixture::layouts::pick`",
                "`fn pick<'a>(one: &'a str, _other: &'a str) -> &'a str`",
                "`fn pick<'a>(one: &'a str, _other: &str) -> &'a str`",
            )],
        ),
    ]);
}

#[test]
fn edits_that_the_program_cannot_see_are_swapped_in_with_their_class() {
    let table: [(&str, &[Edit], &str); 9] = [
        ("a body", &[("width + 0 * height", "width + 1 * height")], "class=body added=[]"),
        (
            "a new name for an argument",
            &[
                ("area(width: u32, height: u32)", "area(wide: u32, height: u32)"),
                ("    width + 0", "    wide + 0"),
            ],
            "class=body added=[]",
        ),
        (
            "an argument that is not used any more",
            &[
                ("area(width: u32, height: u32)", "area(width: u32, _height: u32)"),
                ("width + 0 * height", "width"),
            ],
            "class=body added=[]",
        ),
        (
            "fields in another order at the same places",
            &[(
                "    pub wide: u64,\n    pub small: u8,\n",
                "    pub small: u8,\n    pub wide: u64,\n",
            )],
            "class=body added=[]",
        ),
        (
            "the same lifetimes in other words",
            &[(
                "pick<'a>(one: &'a str, _other: &'a str) -> &'a str",
                "pick<'x>(one: &'x str, _other: &'x str) -> &'x str",
            )],
            "class=body added=[]",
        ),
        (
            "a private type and a private function's signature",
            &[("struct Secret(u8);", "struct Secret(u32);"), ("u32::from(secret.0)", "secret.0")],
            "class=body added=[]",
        ),
        (
            "a private function less",
            &[
                ("    hidden(&Secret(7))", "    7"),
                ("#[hot]\nfn hidden", "#[allow(dead_code)]\nfn hidden"),
            ],
            "class=body added=[]",
        ),
        (
            "a new private function",
            &[("// end", "#[hot]\nfn unseen() {}\n// end")],
            "class=body added=[]",
        ),
        (
            "a new function of a new type",
            &[(
                "// end",
                "#[derive(Layout)]\npub struct Fresh(pub u8);\n#[hot]\npub fn fresh() -> Fresh {\n    Fresh(1)\n}\n// end",
            )],
            r#"class=additive added=["hot_fixture::layouts::fresh"]"#,
        ),
    ];
    let bench = Workbench::new();
    let mut host = bench.program().start();
    let states = Kept::made_by(&mut host);
    let mut generation = 0;
    for (name, edits, class) in table {
        generation += 1;
        let line = swap(&bench, &mut host, &edited(name, edits), generation);
        assert!(line.contains(class), "{name}: {class} in {line}");
        host.runs(3);
        states.assert_untouched(&mut host, name);
        generation += 1;
        swap(&bench, &mut host, &v2(), generation);
        host.runs(2);
    }
    host.finish();
}
