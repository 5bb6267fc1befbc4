//! Names that the expansion could get in the way of, and functions in any number of modules and files.

use liveswap_macros::hot;

mod deeper;

#[hot]
fn r#match(r#type: u32, r#fn: u32) -> u32 {
    r#type * 10 + r#fn
}

#[test]
fn raw_identifiers_are_names() {
    assert_eq!(r#match(1, 2), 12);
}

#[hot]
fn awkward(result: u32, call: u32, panic: u32, sink: u32, image: u32, local: u32) -> u32 {
    result + call + panic + sink + image + local
}

#[hot]
#[allow(non_snake_case, clippy::too_many_arguments)]
fn reserved(
    __call: u32,
    __panic: u32,
    __result: u32,
    __out: u32,
    __target: u32,
    __argument_1: u32,
    __argument_0: u32,
    _unused: u32,
) -> u32 {
    __call
        + 2 * __panic
        + 3 * __result
        + 4 * __out
        + 5 * __target
        + 6 * __argument_1
        + 7 * __argument_0
}

#[hot]
fn __body(__fenced: u32, __describe: u32) -> u32 {
    if __fenced == 0 { __describe } else { __body(__fenced - 1, __describe + 1) }
}

#[hot]
fn __nested(__nested_too: u32, __body: u32) -> u32 {
    if __nested_too == 0 { __body } else { __nested(__nested_too - 1, __body + 1) }
}

#[test]
fn arguments_may_have_the_expansion_s_names() {
    assert_eq!(awkward(1, 2, 3, 4, 5, 6), 21);
    assert_eq!(reserved(1, 1, 1, 1, 1, 1, 1, 100), 28);
    assert_eq!(__body(3, 4), 7);
    assert_eq!(__nested(3, 4), 7);
}

/// A module whose own items are named like what the expansion uses.
mod shadows {
    #![allow(dead_code, non_camel_case_types)]

    use liveswap_macros::hot;

    pub struct Facts(pub u32);
    pub struct Unsized;
    pub enum Option {
        Some,
        None,
    }
    pub struct Some;
    pub struct None;
    pub struct u8(pub u16);
    pub mod core {}
    pub mod std {}
    pub mod linkme {}
    #[allow(unused_macros)]
    macro_rules! concat {
        ($($t:tt)*) => {
            compile_error!("not this one")
        };
    }

    #[hot]
    pub fn facts(facts: Facts, _: &Unsized, option: Option, byte: u8) -> u16 {
        match option {
            Option::Some => byte.0,
            Option::None => u16::try_from(facts.0).unwrap_or(0),
        }
    }
}

#[test]
fn items_may_have_the_expansion_s_names() {
    use shadows::{Facts, Option, Unsized, facts, u8};
    assert_eq!(facts(Facts(3), &Unsized, Option::None, u8(4)), 3);
    assert_eq!(facts(Facts(3), &Unsized, Option::Some, u8(4)), 4);
}

macro_rules! make {
    ($name:ident, $argument:ident, $ty:ty) => {
        #[hot]
        fn $name($argument: $ty, inner: $ty) -> $ty {
            $argument * 2 + inner
        }
    };
}

make!(made_by_a_macro, inner, u32);

#[test]
fn a_macro_s_names_stay_apart() {
    assert_eq!(made_by_a_macro(10, 1), 21);
}

#[test]
fn modules_and_files_have_their_own_functions() {
    assert_eq!(deeper::name(), "deeper");
    assert_eq!(deeper::inside::name(), "inside");
    assert_eq!(deeper::inside::visible(), "visible");
    assert_eq!(deeper::local(), 3);
}
