//! What an image says of its hot functions.

use std::collections::BTreeMap;

use liveswap_abi::function::FunctionEntry;
use liveswap_abi::manifest;
use liveswap_macros::hot;

type Part = (String, String, Option<(usize, usize)>);

pub struct Grid<const WIDTH: usize>([u8; WIDTH]);

const WIDTH: usize = 3;

type Alias = Vec<u16>;

#[hot]
#[allow(clippy::too_many_arguments)]
pub fn everything(
    plain: u32,
    (a, b): (f64, [u8; WIDTH]),
    text: &str,
    list: &mut Vec<Option<Box<u16>>>,
    pointer: *const [i8],
    object: &dyn std::fmt::Debug,
    function: fn(&str) -> usize,
    grid: Grid<WIDTH>,
    mut alias: Alias,
) -> Result<(), String> {
    alias.push(u16::try_from(plain).unwrap_or(0) + u16::from(b[0]) + u16::from(grid.0[0]));
    list.clear();
    let _ = (a, text, pointer, object, function);
    Ok(())
}

#[hot]
fn private() {}

fn entry(name: &str) -> &'static FunctionEntry {
    let functions = crate::hot_crate().functions();
    let path = format!("{}::{name}", module_path!());
    let mut found = functions.iter().filter(|entry| entry.path() == path);
    let entry = found.next().unwrap_or_else(|| panic!("`{path}` is not listed"));
    assert!(found.next().is_none(), "`{path}` is listed twice");
    entry
}

fn parts(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    entry(name).describe(&mut |part| {
        parts.push((part.place.to_owned(), part.name.to_owned(), part.layout));
    });
    parts
}

#[test]
fn the_parts_of_a_signature_are_every_type_in_it() {
    let part = |place: &str, name: &str, layout| (place.to_owned(), name.to_owned(), layout);
    let word = size_of::<usize>();
    assert_eq!(
        parts("everything"),
        [
            part("argument 0 (plain)", "u32", Some((4, 4))),
            part("argument 1", "(f64, [u8; 3])", Some((16, 8))),
            part("argument 1.0", "f64", Some((8, 8))),
            part("argument 1.1", "[u8; 3]", Some((3, 1))),
            part("argument 1.1, its elements", "u8", Some((1, 1))),
            part("argument 2 (text)", "&str", Some((2 * word, word))),
            part("argument 2 (text) behind &", "str", None),
            part(
                "argument 3 (list)",
                "&mut alloc::vec::Vec<core::option::Option<alloc::boxed::Box<u16>>>",
                Some((word, word))
            ),
            part(
                "argument 3 (list) behind &mut",
                "alloc::vec::Vec<core::option::Option<alloc::boxed::Box<u16>>>",
                Some((3 * word, word))
            ),
            part(
                "argument 3 (list) behind &mut in Vec",
                "core::option::Option<alloc::boxed::Box<u16>>",
                Some((word, word))
            ),
            part(
                "argument 3 (list) behind &mut in Vec in Option",
                "alloc::boxed::Box<u16>",
                Some((word, word))
            ),
            part("argument 3 (list) behind &mut in Vec in Option in Box", "u16", Some((2, 2))),
            part("argument 4 (pointer)", "*const [i8]", Some((2 * word, word))),
            part("argument 4 (pointer) behind a pointer", "[i8]", None),
            part("argument 4 (pointer) behind a pointer, its elements", "i8", Some((1, 1))),
            part("argument 5 (object)", "&dyn core::fmt::Debug", Some((2 * word, word))),
            part("argument 5 (object) behind &", "dyn core::fmt::Debug", None),
            part(
                "argument 6 (function)",
                std::any::type_name::<fn(&str) -> usize>(),
                Some((word, word))
            ),
            part("argument 7 (grid)", "expand::describe::Grid<3>", Some((3, 1))),
            part("argument 8 (alias)", "alloc::vec::Vec<u16>", Some((3 * word, word))),
            part(
                "result",
                "core::result::Result<(), alloc::string::String>",
                Some((3 * word, word))
            ),
            part("result in Result", "()", Some((0, 1))),
            part("result in Result", "alloc::string::String", Some((3 * word, word))),
        ]
    );
    assert_eq!(parts("private"), [part("result", "()", Some((0, 1)))]);
    assert!(
        everything(
            1,
            (0.0, [0; 3]),
            "",
            &mut Vec::new(),
            &raw const *[].as_slice(),
            &(),
            str::len,
            Grid([0; 3]),
            Vec::new()
        )
        .is_ok()
    );
    private();
}

fn record(name: &str) -> BTreeMap<String, String> {
    let texts: Vec<_> = manifest::records(entry(name).record()).collect();
    let [Ok(text)] = texts[..] else { panic!("one record, not {texts:?}") };
    text.lines()
        .map(|line| line.split_once('=').expect("key=value"))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_record_says_where_the_function_is_and_how_it_is_declared() {
    let found = record("private");
    let expected = [
        ("file", file!()),
        ("function", "expand::describe::private"),
        ("line", found["line"].as_str()),
        ("public", "false"),
        ("signature", "fn private()"),
    ];
    assert_eq!(
        found,
        expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect()
    );
    let source = include_str!("describe.rs");
    let at: usize = found["line"].parse().unwrap();
    let line = source.lines().nth(at).unwrap();
    assert_eq!(line, "fn private() {}", "the line after the attribute's");

    let found = record("everything");
    assert_eq!(found["public"], "true");
    assert_eq!(
        found["signature"],
        "fn everything(plain: u32, (a, b): (f64, [u8; WIDTH]), text: &str, \
         list: &mut Vec<Option<Box<u16>>>, pointer: *const [i8], object: &dyn std::fmt::Debug, \
         function: fn(&str) -> usize, grid: Grid<WIDTH>, mut alias: Alias) -> Result<(), String>"
    );
    assert!(entry("everything").is_public() && !entry("private").is_public());
}

#[test]
fn the_crate_says_of_itself_what_a_host_compares() {
    let hot_crate = crate::hot_crate();
    assert_eq!(hot_crate.name(), "expand");
    assert!(hot_crate.is_active());
    let texts: Vec<_> = manifest::records(hot_crate.manifest()).collect();
    let [Ok(text)] = texts[..] else { panic!("one record, not {texts:?}") };
    assert!(text.starts_with("crate=expand\nformat=1\n"), "{text}");
    for key in
        ["version=", "abi=", "rustc=rustc ", "target=", "panic=unwind", "debug_assertions=true"]
    {
        assert!(text.lines().any(|line| line.starts_with(key)), "{key} in {text}");
    }
}
