//! Every kind of signature that can be hot.

use std::fmt::{Debug, Display};

use liveswap_macros::hot;

#[hot]
fn elided(text: &str) -> &str {
    text.trim()
}

#[hot]
fn named<'a>(text: &'a str, _prefix: &str) -> &'a str {
    text
}

struct Words<'a> {
    first: &'a str,
    rest: &'a str,
}

#[hot]
#[allow(clippy::needless_lifetimes)]
fn hidden<'text, 'words>(words: &'words Words<'text>, swap: bool) -> &'text str {
    if swap { words.rest } else { words.first }
}

#[hot]
fn anonymous(words: &Words<'_>) -> String {
    format!("{}+{}", words.first, words.rest)
}

#[test]
fn lifetimes_tie_the_result_to_the_same_argument() {
    let owned = String::from("  padded ");
    assert_eq!(elided(&owned), "padded");
    let kept = {
        let prefix = String::from("gone");
        named(&owned, &prefix)
    };
    assert_eq!(kept, "  padded ");
    let kept = {
        let words = Words { first: &owned[2..3], rest: &owned[3..] };
        assert_eq!(anonymous(&words), "p+added ");
        hidden(&words, false)
    };
    assert_eq!(kept, "p");
}

struct Point {
    x: i32,
    y: i32,
}

#[hot]
fn patterns(
    (a, mut b): (u32, u32),
    Point { x, y: ref height }: Point,
    [first, .., last]: [u8; 4],
    whole @ &Words { first: word, .. }: &Words<'_>,
    _: bool,
) -> String {
    b += 1;
    format!("{a} {b} {x} {height} {first} {last} {word} {}", whole.rest)
}

#[hot]
fn mutable(mut count: u32, mut items: Vec<u32>) -> Vec<u32> {
    while count > 0 {
        items.push(count);
        count -= 1;
    }
    items
}

#[test]
fn patterns_and_mut_belong_to_the_body() {
    let words = Words { first: "one", rest: "two" };
    let text = patterns((1, 2), Point { x: 3, y: 4 }, [5, 6, 7, 8], &words, true);
    assert_eq!(text, "1 3 3 4 5 8 one two");
    assert_eq!(mutable(2, vec![9]), [9, 2, 1]);
}

/// Reads what `pointer` points to, plus one.
///
/// # Safety
///
/// It points to a `u32`.
#[hot]
unsafe fn dangerous(pointer: *const u32) -> u32 {
    // SAFETY: the caller's obligation.
    unsafe { *pointer + 1 }
}

#[hot]
extern "C" fn foreign(value: f64, count: u8) -> f64 {
    value * f64::from(count)
}

/// Writes through `out`.
///
/// # Safety
///
/// It points to a `u16`.
#[hot]
unsafe extern "C" fn foreign_and_dangerous(out: *mut u16) {
    // SAFETY: the caller's obligation.
    unsafe { *out = 7 };
}

#[test]
fn unsafe_and_foreign_functions_keep_their_type() {
    // SAFETY: a reference is valid.
    assert_eq!(unsafe { dangerous(&4) }, 5);
    let pointer: unsafe fn(*const u32) -> u32 = dangerous;
    // SAFETY: as above.
    assert_eq!(unsafe { pointer(&5) }, 6);

    assert_eq!(foreign(1.5, 3).to_bits(), 4.5_f64.to_bits());
    let pointer: extern "C" fn(f64, u8) -> f64 = foreign;
    assert_eq!(pointer(0.5, 4).to_bits(), 2_f64.to_bits());

    let mut out = 0;
    let pointer: unsafe extern "C" fn(*mut u16) = foreign_and_dangerous;
    // SAFETY: as above.
    unsafe { pointer(&raw mut out) };
    assert_eq!(out, 7);
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Large {
    numbers: [u64; 40],
    ratio: f32,
}

#[repr(align(64))]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Aligned(u8);

#[hot]
fn large(mut value: Large, ratio: f32, at: usize) -> Large {
    value.numbers[at] += 1;
    value.ratio = ratio;
    value
}

#[hot]
#[allow(clippy::too_many_arguments)]
fn many(
    a: f32,
    b: u8,
    c: f64,
    d: i128,
    e: u128,
    f: Aligned,
    g: char,
    h: bool,
    i: [u8; 3],
) -> String {
    format!("{a} {b} {c} {d} {e} {f:?} {g} {h} {i:?}")
}

#[hot]
fn wide(value: u128) -> u128 {
    value.rotate_left(64) + 1
}

#[hot]
fn aligned(value: Aligned) -> (Aligned, usize) {
    (value, (&raw const value).align_offset(64))
}

#[hot]
fn nothing() {}

#[hot]
fn unit(value: ()) -> ((), u8) {
    (value, 1)
}

#[test]
fn values_of_every_size_pass_unchanged() {
    let value = Large { numbers: [3; 40], ratio: 0.0 };
    let changed = large(value, 2.5, 39);
    assert_eq!(changed.numbers[..39], value.numbers[..39]);
    assert_eq!((changed.numbers[39], changed.ratio.to_bits()), (4, 2.5_f32.to_bits()));
    assert_eq!(
        many(1.5, 2, 2.5, -(1 << 100), u128::MAX, Aligned(3), 'é', true, [1, 2, 3]),
        "1.5 2 2.5 -1267650600228229401496703205376 340282366920938463463374607431768211455 Aligned(3) é \
         true [1, 2, 3]"
    );
    assert_eq!(wide(1), (1 << 64) + 1);
    assert_eq!(aligned(Aligned(9)), (Aligned(9), 0));
    nothing();
    assert_eq!(unit(()), ((), 1));
}

#[hot]
fn slices<'b, 't>(bytes: &'b mut [u8], text: &'t str) -> (&'b mut [u8], &'t [u8]) {
    bytes.reverse();
    (&mut bytes[1..], text.as_bytes())
}

#[hot]
fn objects(
    shown: &dyn Display,
    each: &mut dyn FnMut(u32) -> bool,
    held: Box<dyn Debug + Send>,
) -> String {
    let mut count = 0;
    while each(count) {
        count += 1;
    }
    format!("{shown} {count} {held:?}")
}

#[hot]
fn callbacks(apply: fn(&str) -> usize, text: &str) -> usize {
    apply(text)
}

#[hot]
fn higher(pick: &dyn for<'x> Fn(&'x str) -> &'x str, text: &str) -> String {
    pick(text).to_owned()
}

#[test]
fn references_to_slices_text_and_trait_objects_pass() {
    let mut bytes = [1, 2, 3];
    let (rest, text) = slices(&mut bytes, "hi");
    rest[0] = 9;
    assert_eq!((text, bytes), (b"hi".as_slice(), [3, 9, 1]));
    assert_eq!(objects(&1.5, &mut |count| count < 4, Box::new("box")), "1.5 4 \"box\"");
    assert_eq!(callbacks(str::len, "four"), 4);
    assert_eq!(higher(&str::trim, " x "), "x");
}

#[hot]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[hot]
fn is_even(n: u32) -> bool {
    n == 0 || is_odd(n - 1)
}

#[hot]
fn is_odd(n: u32) -> bool {
    n != 0 && is_even(n - 1)
}

#[test]
fn functions_call_themselves_and_each_other() {
    assert_eq!(factorial(20), 2_432_902_008_176_640_000);
    assert!(is_even(100) && !is_odd(100));
    let pointer: fn(u64) -> u64 = factorial;
    assert_eq!([3, 4].map(pointer), [6, 24]);
}
