//! Attributes beside `#[hot]` keep their meaning, wherever they stand.

#![deny(unused, deprecated, unfulfilled_lint_expectations)]

use liveswap_macros::hot;

#[hot]
#[cfg(loom)]
fn configured() -> u32 {
    compile_error!("not configured")
}

#[cfg(not(loom))]
#[hot]
fn configured() -> u32 {
    1
}

#[cfg_attr(all(), hot)]
fn conditionally_hot() -> u32 {
    2
}

#[test]
fn cfg_chooses_among_functions() {
    assert_eq!(configured() + conditionally_hot(), 3);
    #[cfg(debug_assertions)]
    {
        let paths: Vec<_> = crate::hot_crate().functions().iter().map(|f| f.path()).collect();
        for name in ["configured", "conditionally_hot"] {
            let path = format!("expand::attributes::{name}");
            assert_eq!(paths.iter().filter(|found| **found == path).count(), 1, "{path}");
        }
    }
}

/// Needs its answer to be used.
#[hot]
#[must_use = "for nothing else"]
fn must_be_used() -> u32 {
    3
}

#[hot]
#[deprecated(note = "for the test")]
fn old(n: u32) -> u32 {
    if n == 0 { 0 } else { old(n - 1) + 1 }
}

#[hot]
#[allow(unused_variables, unused_mut)]
fn allowed(unused: u32, mut never_changed: u32) -> u32 {
    never_changed
}

#[hot]
#[expect(unused_variables, reason = "an expectation is met inside the body")]
fn expected(unused: u32) -> u32 {
    4
}

#[expect(dead_code, reason = "a hot function that nobody calls is unused like any other")]
#[hot]
fn dead() {}

#[hot]
#[inline(never)]
#[doc(alias = "other")]
#[cold]
fn several() -> u32 {
    5
}

#[hot]
#[cfg_attr(all(), inline(never))]
fn conditionally_inline() -> u32 {
    6
}

#[hot]
#[unsafe(export_name = "liveswap_macros_expand_exported")]
#[allow(unsafe_code)]
extern "C" fn exported(value: u32) -> u32 {
    value + 1
}

#[test]
#[expect(unused_must_use, reason = "the attribute is on what callers see")]
fn must_use_is_seen_by_callers() {
    must_be_used();
}

#[test]
#[expect(deprecated, reason = "the attribute is on what callers see")]
fn deprecated_is_seen_by_callers_and_not_inside() {
    assert_eq!(old(2), 2);
}

#[test]
fn the_rest_compiles_without_a_warning() {
    assert_eq!(allowed(0, 7) + expected(0) + several() + conditionally_inline(), 22);
    unsafe extern "C" {
        safe fn liveswap_macros_expand_exported(value: u32) -> u32;
    }
    assert_eq!((liveswap_macros_expand_exported(8), exported(8)), (9, 9));
}
