//! What people write beside an order, with what can be understood of it.

use std::sync::LazyLock;

use liveswap_macros::hot;
use regex::Regex;
use tracing::debug;

/// Something understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A day by which it must be there, as in `by 2031-05-17`.
    Day {
        /// The year.
        year: u16,
        /// From 1 to 12.
        month: u8,
        /// From 1 to 31.
        day: u8,
    },
    /// A telephone number, digits only.
    Telephone(String),
    /// A voucher, as in `#SPRING25`.
    Voucher(String),
}

/// A pattern, compiled when it is first used; `None` where it is none.
type Pattern = LazyLock<Option<Regex>>;

static DAY: Pattern =
    LazyLock::new(|| Regex::new(r"(?i)\bby\s+(\d{4})-(0[1-9]|1[0-2])-([0-2]\d|3[01])\b").ok());
static TELEPHONE: Pattern = LazyLock::new(|| Regex::new(r"\+?\d(?:[ /-]?\d){6,14}").ok());
static VOUCHER: Pattern = LazyLock::new(|| Regex::new(r"#([A-Z]{3,12}\d{0,3})\b").ok());

/// What a text says, in this order: days, telephone numbers, vouchers.
///
/// ```
/// use bench_deps::{Note, notes};
///
/// assert_eq!(notes("for #SPRING25"), [Note::Voucher("SPRING25".to_owned())]);
/// ```
#[hot]
#[must_use]
pub fn notes(text: &str) -> Vec<Note> {
    let mut found = Vec::new();
    for days in DAY.iter().flat_map(|pattern| pattern.captures_iter(text)) {
        let number = |group: usize| days.get(group).map_or("", |it| it.as_str());
        if let (Ok(year), Ok(month), Ok(day)) =
            (number(1).parse(), number(2).parse(), number(3).parse())
        {
            found.push(Note::Day { year, month, day });
        }
    }
    let rest = match &*DAY {
        Some(pattern) => pattern.replace_all(text, ""),
        None => text.into(),
    };
    for number in TELEPHONE.iter().flat_map(|pattern| pattern.find_iter(&rest)) {
        let digits = number.as_str().chars().filter(char::is_ascii_digit);
        found.push(Note::Telephone(digits.collect()));
    }
    for voucher in VOUCHER.iter().flat_map(|pattern| pattern.captures_iter(text)) {
        found.extend(voucher.get(1).map(|it| Note::Voucher(it.as_str().to_owned())));
    }
    debug!(found = found.len(), "read a note");
    found
}

#[cfg(test)]
mod tests {
    use super::{Note, notes};

    #[test]
    fn all_kinds_are_found_and_a_day_is_no_telephone_number() {
        let found = notes("By 2031-05-17 please, call 0041 44-555 12 12, #SPRING25");
        let expected = [
            Note::Day { year: 2031, month: 5, day: 17 },
            Note::Telephone("0041445551212".to_owned()),
            Note::Voucher("SPRING25".to_owned()),
        ];
        assert_eq!(found, expected);
        assert_eq!(notes("nothing to see"), []);
    }
}
