//! Types in words.

use liveswap_abi::layout::Type;

/// A type's name without the modules that its parts are in: `Vec<World>` for `alloc::vec::Vec<game::World>`.
#[must_use]
pub(super) fn short(name: &str) -> String {
    let mut text = String::new();
    let mut rest = name;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("::") {
            // What stands before is a module, unless it ended in a bracket.
            match text.trim_end_matches(is_of_name).len() {
                all if all == text.len() => text.push_str("::"),
                kept => text.truncate(kept),
            }
            rest = after;
        } else {
            text.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    text
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Two types' names, as short as they can be and still differ.
#[must_use]
pub(super) fn apart(before: &str, after: &str) -> (String, String) {
    let (short_before, short_after) = (short(before), short(after));
    if short_before == short_after {
        (before.to_owned(), after.to_owned())
    } else {
        (short_before, short_after)
    }
}

/// Size and alignment.
#[must_use]
pub(super) fn extent(ty: &Type) -> String {
    match ty.extent {
        Some((size, align)) => format!("size {size}, align {align}"),
        None => "no fixed size".to_owned(),
    }
}

/// Where a field is, as it follows its type: ` at 8`, and nothing in an enum.
#[must_use]
pub(super) fn at(offset: Option<usize>) -> String {
    offset.map_or_else(String::new, |offset| format!(" at {offset}"))
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn short_names_have_no_modules() {
        let table = [
            ("u32", "u32"),
            (
                "alloc::vec::Vec<core::option::Option<alloc::boxed::Box<game::World>>>",
                "Vec<Option<Box<World>>>",
            ),
            ("&mut game::world::World<'_, 3>", "&mut World<'_, 3>"),
            ("fn(game::A, &str) -> [game::b::C; 2]", "fn(A, &str) -> [C; 2]"),
            ("dyn game::Rule + core::marker::Send", "dyn Rule + Send"),
            ("<game::A as game::B>::C", "<A as B>::C"),
        ];
        for (name, expected) in table {
            assert_eq!(short(name), expected);
        }
    }
}
