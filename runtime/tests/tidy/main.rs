//! What ARCHITECTURE.md promises of the text itself, kept by tests.

#![deny(unsafe_code)]

mod crates;
mod places;
mod source;
mod text;
mod tree;

use std::sync::LazyLock;

use tree::{Tree, assert_tidy};

static TREE: LazyLock<Tree> = LazyLock::new(Tree::of_checkout);

#[test]
fn unsafe_code_is_where_the_architecture_says() {
    assert_tidy(&places::unsafe_code(&TREE));
}

#[test]
fn unsafe_code_is_denied_where_no_place_is_for_it() {
    assert_tidy(&crates::lints(&TREE, &places::unsafe_places(&TREE)));
}

#[test]
fn modules_of_the_runtime_name_only_lower_floors() {
    assert_tidy(&places::floors(&TREE));
}

#[test]
fn the_code_map_is_complete() {
    assert_tidy(&places::code_map(&TREE));
}

#[test]
fn crates_depend_along_the_arrows() {
    assert_tidy(&crates::arrows(&TREE));
}

#[test]
fn hot_crates_do_not_reach_the_runtime() {
    assert_tidy(&crates::hot_crates(&TREE));
}

#[test]
fn nothing_is_left_unfinished() {
    assert_tidy(&text::unfinished(&TREE));
}

#[test]
fn libraries_do_not_print() {
    assert_tidy(&text::printing(&TREE));
}

#[test]
fn files_are_short() {
    assert_tidy(&text::length(&TREE));
}

#[test]
fn our_own_crates_are_imported_by_name() {
    assert_tidy(&text::wildcards(&TREE));
}

#[test]
fn spelling_is_american() {
    assert_tidy(&text::spelling(&TREE));
}

#[test]
fn public_names_use_the_words_of_the_design() {
    assert_tidy(&text::vocabulary(&TREE));
}

#[test]
fn the_guide_explains_the_words() {
    assert_tidy(&text::explained(&TREE));
}

#[test]
fn links_lead_somewhere() {
    assert_tidy(&text::links(&TREE));
}
