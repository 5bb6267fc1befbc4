//! A hot crate that forbids and denies what it can: the expansion is no reason to allow any of it.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    single_use_lifetimes,
    unused_lifetimes,
    unused_qualifications
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![forbid(
    clippy::unwrap_used,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block
)]
#![deny(
    clippy::absolute_paths,
    clippy::allow_attributes,
    clippy::exhaustive_structs,
    clippy::missing_docs_in_private_items,
    clippy::pub_use,
    clippy::shadow_unrelated
)]

use liveswap_macros::{Layout, hot};

liveswap_abi::hot_crate!();

/// What a rule did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Layout)]
pub enum Outcome {
    /// So many values are gone.
    Removed(usize),
}

/// Values with the texts they come from.
#[derive(Debug, Default, Layout)]
#[non_exhaustive]
pub struct Sources<'text, T> {
    /// The values.
    pub values: Vec<Option<Box<T>>>,
    /// The texts.
    pub texts: Vec<&'text str>,
}

/// Removes what is not wanted.
///
/// # Errors
///
/// Where nothing is left.
#[hot]
pub fn filter(values: &mut Vec<Option<Box<u8>>>, wanted: u8) -> Result<Outcome, String> {
    let before = values.len();
    values.retain(|value| value.as_deref() == Some(&wanted));
    if values.is_empty() {
        return Err(format!("no {wanted}"));
    }
    Ok(Outcome::Removed(before - values.len()))
}

/// The longer of two texts.
#[hot]
#[must_use]
pub fn longer<'a>(one: &'a str, other: &'a str) -> &'a str {
    if one.len() < other.len() { other } else { one }
}

/// The first word.
#[hot]
fn word(text: &str) -> Option<&str> {
    text.split(' ').next()
}

/// Looks at one of its arguments.
#[hot]
fn patterns(_: u8, _ignored: &str, (left, mut right): (u8, u8)) -> u8 {
    right = right.saturating_mul(2);
    left.saturating_add(right)
}

/// Has more arguments than it should.
#[hot]
#[expect(clippy::too_many_arguments, reason = "met once, by the function as it is written")]
fn crowded(a: u8, b: u8, c: u8, list: &[u8], text: &str, wide: u64, ratio: f32, on: bool) -> bool {
    let ratio_is_known = ratio.is_finite();
    on && ratio_is_known && list == [a, b, c] && text.len() as u64 == wide
}

/// What a rule is played with.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Tuning {
    /// How many, at most.
    pub limit: u8,
}

/// Read by everyone.
#[hot]
pub static TUNING: Tuning = Tuning { limit: 3 };

/// Read here.
#[hot]
static NAMES: [&str; 2] = ["one", "two"];

#[test]
fn it_compiles_and_works() {
    let mut values = vec![Some(Box::new(1)), None, Some(Box::new(2))];
    assert_eq!(filter(&mut values, 2), Ok(Outcome::Removed(2)));
    assert_eq!(filter(&mut values, 3), Err("no 3".to_owned()));
    let sources = Sources::<u8>::default();
    assert_eq!((sources.values.len(), sources.texts.len()), (0, 0));
    assert_eq!(longer("one", "three"), "three");
    assert_eq!(word("two words"), Some("two"));
    assert_eq!(patterns(0, "", (1, 2)), 5);
    assert_eq!(TUNING.get().limit, 3);
    assert_eq!(NAMES.with(|names| names.concat()), "onetwo");
    assert!(crowded(1, 2, 3, &[1, 2, 3], "four", 4, 0.5, true));
}
