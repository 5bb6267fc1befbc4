use super::*;

#[test]
fn distances_count_edits() {
    for (one, other, edits) in [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("version", "versoin", 2),
        ("game::tick", "game::tock", 1),
        ("tick", "ticks", 1),
        ("straße", "strasse", 2),
    ] {
        assert_eq!(distance(one, other), edits, "{one} {other}");
        assert_eq!(distance(other, one), edits, "{other} {one}");
    }
}

fn exports(paths: &[(&str, ItemKind, bool)]) -> Exports {
    let one = |(slot, (path, kind, public)): (usize, &(&str, ItemKind, bool))| {
        let exact = Exact::of(ExactType::of::<fn(u32)>());
        let describe = <fn(u32) as liveswap_abi::lookup::FnType>::describe;
        let outline = Outline::described_by(describe);
        let export = Export { kind: *kind, public: *public, exact, outline, slot };
        ((*path).to_owned(), export)
    };
    Exports(paths.iter().enumerate().map(one).collect())
}

fn wanted(path: &str) -> Wanted {
    Wanted {
        kind: ItemKind::Function,
        path: path.to_owned(),
        exact: ExactType::of::<fn(u32)>(),
        describe: <fn(u32) as liveswap_abi::lookup::FnType>::describe,
    }
}

#[test]
fn near_names_are_few_public_and_the_nearest_first() {
    use ItemKind::{Function, Value};
    let exports = exports(&[
        ("game::rules::tick", Function, true),
        ("game::rules::tics", Function, true),
        ("game::rules::tickle", Function, true),
        ("game::other::tick", Function, false),
        ("game::rules::tock", Function, false),
        ("game::rules::tic", Value, true),
        ("elsewhere::far::away::tik", Function, true),
        ("game::something_else_altogether", Function, true),
    ]);
    let near = |path| exports.near(Function, path);
    assert_eq!(
        near("game::rules::tic"),
        ["game::rules::tick", "game::rules::tics", "elsewhere::far::away::tik"]
    );
    assert_eq!(near("tik")[0], "elsewhere::far::away::tik", "the same name elsewhere");
    assert_eq!(near("nothing::like::it"), Vec::<String>::new());
}

#[test]
fn what_is_found_counts_as_used_until_its_last_handle_is_gone() {
    let exports = exports(&[("game::tick", ItemKind::Function, true)]);
    let none = crate::check::list(&[]).unwrap();
    let mut uses = Uses::default();
    let found = exports.find(&wanted("game::tick"), &mut uses).unwrap();
    assert_eq!(found.slot, 0);
    assert!(uses.compare(&none).is_empty(), "a missing one is told when it is used");
    assert_eq!(uses.0.len(), 1);
    drop(found);
    assert!(uses.compare(&none).is_empty());
    assert!(uses.0.is_empty());
    let error = exports.find(&wanted("game::tock"), &mut uses).map(|found| found.slot);
    let near = vec!["game::tick".to_owned()];
    let path = "game::tock".to_owned();
    assert_eq!(error, Err(LookupError::NotFound { kind: ItemKind::Function, path, near }));
    assert!(uses.0.is_empty(), "what is not found is not used");
}
