//! What an image says of its hot functions.

use std::collections::BTreeMap;

use liveswap_abi::function::FunctionEntry;
use liveswap_abi::layout::{Catalog, Signature};
use liveswap_abi::manifest;
use liveswap_macros::hot;

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

fn signature(name: &str) -> (Signature, Catalog) {
    let (mut signatures, catalog) = Catalog::of_signatures([entry(name).describe()].into_iter());
    (signatures.remove(0), catalog)
}

type Extent = Option<(usize, usize)>;

/// Name, size and alignment of every type that is met, and whether it describes itself.
fn types(catalog: &Catalog) -> BTreeMap<&str, (Extent, bool)> {
    let types = catalog.types().map(|(_, ty)| (ty.name.as_str(), (ty.extent, ty.is_described)));
    types.collect()
}

#[test]
fn a_signature_leads_to_every_type_in_it() {
    let (signature, catalog) = signature("everything");
    let names = |index: usize| -> Vec<(&str, &str)> {
        let names = &signature.arguments[index].names;
        names.iter().map(|(place, name)| (place.as_str(), name.as_str())).collect()
    };
    assert_eq!(signature.arguments.len(), 9);
    assert_eq!(names(0), [("", "plain")]);
    assert_eq!(names(1), [(".0", "a"), (".1", "b")]);
    assert_eq!(names(8), [("", "alias")]);
    let met = types(&catalog);
    let word = size_of::<usize>();
    let expected = [
        ("u32", Some((4, 4)), true),
        ("(f64, [u8; 3])", Some((16, 8)), true),
        ("[u8; 3]", Some((3, 1)), true),
        ("str", None, true),
        (
            "&mut alloc::vec::Vec<core::option::Option<alloc::boxed::Box<u16>>>",
            Some((word, word)),
            true,
        ),
        ("core::option::Option<alloc::boxed::Box<u16>>", Some((word, word)), true),
        ("*const [i8]", Some((2 * word, word)), true),
        ("i8", Some((1, 1)), true),
        ("&dyn core::fmt::Debug", Some((2 * word, word)), false),
        ("dyn core::fmt::Debug", None, false),
        (std::any::type_name::<fn(&str) -> usize>(), Some((word, word)), false),
        ("expand::describe::Grid<3>", Some((3, 1)), false),
        ("alloc::vec::Vec<u16>", Some((3 * word, word)), true),
        ("core::result::Result<(), alloc::string::String>", Some((3 * word, word)), true),
        ("alloc::string::String", Some((3 * word, word)), true),
        ("()", Some((0, 1)), true),
    ];
    for (name, extent, is_described) in expected {
        assert_eq!(met.get(name), Some(&(extent, is_described)), "{name} in {met:?}");
    }
    let (signature, catalog) = self::signature("private");
    let result = signature.result.map(|of| catalog.ty(of).name.as_str());
    assert_eq!((signature.arguments.len(), result), (0, Some("()")));
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

mod alike {
    use super::hot;

    #[hot]
    pub(super) fn elided(text: &str, count: u8) -> &str {
        &text[usize::from(count)..]
    }

    #[hot]
    #[allow(clippy::needless_lifetimes)]
    pub(super) fn named<'text>(words: &'text str, other: u8) -> &'text str {
        &words[usize::from(other)..]
    }

    #[hot]
    pub(super) fn lasting(text: &'static str, count: u8) -> &'static str {
        &text[usize::from(count)..]
    }

    #[hot]
    pub(super) fn lasting_result(text: &str, count: u8) -> &'static str {
        if text.len() > usize::from(count) { "long" } else { "short" }
    }

    #[hot]
    pub(super) fn first<'a>(one: &'a str, _other: &str) -> &'a str {
        one
    }

    #[hot]
    pub(super) fn second<'a>(_one: &str, other: &'a str) -> &'a str {
        other
    }

    #[hot]
    pub(super) fn either<'a>(one: &'a str, other: &'a str) -> &'a str {
        if one.is_empty() { other } else { one }
    }
}

#[test]
fn what_a_result_borrows_from_is_part_of_the_signature_however_it_is_written() {
    let fingerprint = |name: &str| {
        let (signature, catalog) = signature(&format!("alike::{name}"));
        catalog.signature(&signature)
    };
    assert_eq!(fingerprint("elided"), fingerprint("named"));
    let different = ["elided", "lasting", "lasting_result", "first", "second", "either"];
    for (index, one) in different.iter().enumerate() {
        for other in &different[index + 1..] {
            assert_ne!(fingerprint(one), fingerprint(other), "{one} and {other}");
        }
    }
    assert_eq!(alike::elided("ab", 1), alike::named("ab", 1));
    assert_eq!((alike::lasting("ab", 1), alike::lasting_result("ab", 1)), ("b", "long"));
    assert_eq!(alike::first(alike::either("", "a"), alike::second("b", "c")), "a");
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

type Kept = &'static str;

#[hot]
#[allow(clippy::too_many_arguments)]
pub fn lends<'a>(
    _: &str,
    _: &mut Vec<u32>,
    _: &'_ (u8, &str),
    _: &'a str,
    _: &'static str,
    _: Kept,
    _: Option<&str>,
    _: *const u8,
    _: fn(&str),
    _: Grid<3>,
) -> &'a str {
    ""
}

#[test]
fn only_references_without_a_name_for_their_lifetime_are_lent() {
    let (list, pair, none) = (&mut Vec::new(), &(0, ""), std::ptr::null());
    lends("", list, pair, "", "", "", None, none, |_| (), Grid([0; 3]));
    let (signature, _) = signature("lends");
    let lent: Vec<bool> = signature.arguments.iter().map(|argument| argument.is_lent).collect();
    let no = [false; 7];
    assert_eq!(lent, [&[true, true, true], &no[..]].concat());
}

#[derive(liveswap_macros::Layout)]
pub struct Sealed {
    _scores: Vec<u32>,
    _of: Option<Box<Sealed>>,
}

#[derive(liveswap_macros::Layout)]
pub enum Open {
    _Nothing,
    _Name { _text: Option<&'static str> },
}

#[hot]
pub fn seals(_: &mut Sealed) -> Option<Sealed> {
    None
}

#[hot]
pub fn opens(_: &mut Open) {}

#[test]
fn a_derived_type_lets_out_what_its_fields_do() {
    assert!(seals(&mut Sealed { _scores: Vec::new(), _of: None }).is_none());
    opens(&mut Open::_Nothing);
    opens(&mut Open::_Name { _text: None });
    let (sealed, catalog) = signature("seals");
    assert_eq!(catalog.escape(&sealed), None);
    let (open, catalog) = signature("opens");
    let escape = catalog.escape(&open).expect("a field is a reference");
    let name = &catalog.ty(escape.of).name;
    assert_eq!((escape.path.as_str(), name.as_str()), ("._text", "&str"));
}
