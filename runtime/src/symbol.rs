//! Symbols as people read them, however long they say they are.
//!
//! A mangled name refers back to its own parts, so a short one can stand for a text that has no end to speak of.

use std::fmt::{self, Write};

/// Longer than any path that a person wrote, with the types in it. A longer one is cut.
const LONGEST: usize = 8 * 1024;

/// A symbol's name, demangled, without the hash, which tells a person nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Demangled {
    pub(crate) text: String,
    /// Whether nothing was cut off.
    pub(crate) is_whole: bool,
}

/// A Rust path, or `None` where the name is none.
pub(crate) fn path(name: &str) -> Option<Demangled> {
    let demangled = rustc_demangle::try_demangle(name).ok()?;
    Some(written(format_args!("{demangled:#}")))
}

/// A Rust path, or the name itself.
pub(crate) fn readable(name: &str) -> Demangled {
    path(name).unwrap_or_else(|| written(format_args!("{name}")))
}

fn written(text: fmt::Arguments<'_>) -> Demangled {
    let mut cut = Cut { text: String::new() };
    let is_whole = cut.write_fmt(text).is_ok();
    // What the library itself says of a name that is longer than it follows.
    let is_whole = is_whole && !cut.text.contains("{size limit reached}");
    Demangled { text: cut.text, is_whole }
}

/// Takes text up to [`LONGEST`].
struct Cut {
    text: String,
}

impl Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = LONGEST.saturating_sub(self.text.len());
        let end = more.floor_char_boundary(room);
        self.text.push_str(&more[..end]);
        if end == more.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_without_their_hash() {
        let name = "_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE";
        let whole = |text: &str| Demangled { text: text.to_owned(), is_whole: true };
        assert_eq!(path(name), Some(whole("core::fmt::Formatter::write_str")));
        assert_eq!((path("dlopen"), readable("dlopen")), (None, whole("dlopen")));
    }

    #[test]
    fn a_short_name_of_a_long_text_is_cut() {
        // A tuple of a tuple of .. each with the one before twice.
        let mut name = "_RINvC1a1b".to_owned();
        let mut before = None;
        for _ in 0..20 {
            let at = name.len() - 2;
            let inner: String = match before {
                None => "jj".to_owned(),
                Some(from) => format!("B{from}B{from}"),
            };
            name += &format!("T{inner}E");
            before = Some(base_62(at));
        }
        name.push('E');
        let found = path(&name).expect("a name");
        assert!(!found.is_whole);
        assert!(found.text.len() <= LONGEST, "{}", found.text.len());
        assert!(
            found.text.starts_with("a::b::<(usize, usize), ((usize, usize), "),
            "{}",
            &found.text[..60]
        );
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = "é".repeat(LONGEST);
        let found = readable(&name);
        assert_eq!((found.text.len(), found.is_whole), (LONGEST, false));
    }

    /// A place as a mangled name refers to it.
    fn base_62(mut number: usize) -> String {
        const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let Some(less) = number.checked_sub(1) else { return "_".to_owned() };
        number = less;
        let mut digits = Vec::new();
        loop {
            digits.push(char::from(DIGITS[number % 62]));
            number /= 62;
            if number == 0 {
                break;
            }
        }
        digits.iter().rev().collect::<String>() + "_"
    }
}
