//! Which addresses inside an image nobody follows, whoever has them, by the image's symbols.
//!
//! 1. *What is Liveswap's own*: the statics of `liveswap-abi` and those that its macros leave beside hot functions. The program has no
//!    name for them. The runtime, whose lists lead to them, lets go of all of it before the image is closed
//!    ([`HotCrate::disconnect`](liveswap_abi::HotCrate::disconnect), the drop order in `generation.rs`).
//! 2. *The inside of a function*: a function is called by its first address. An address after that is one to return to, and is
//!    followed from a stack. Those that are in a block of the heap were copied there from a stack, in the parts of
//!    a value that nobody wrote. A call that such a stack belongs to is counted by the gate.
//!
//! An image without symbols has neither: everything counts.

use std::fs::File;
use std::ops::Range;

use object::read::ReadCache;
use object::{Object, ObjectSymbol, SymbolKind};

/// What macros of Liveswap call their statics, and what is inside of those.
const BESIDE: &[&str] = &["__ENTRY", "__FUNCTION", "__HOOK", "__MIGRATION"];

/// What `hot_crate!` calls its statics, in a module of that name; and slices, which begin with these.
const IN_MODULE: &[&str] = &["CRATE", "EXPORTED", "LISTED", "MANIFEST"];
const SLICES: &[&str] = &["FUNCTIONS_OF_", "HOOKS_OF_", "MIGRATIONS_OF_"];

/// What is known of an image by its symbols. Addresses are relative to its base.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    /// Liveswap's own.
    own: Vec<Range<u64>>,
    /// By where they begin.
    functions: Vec<Range<u64>>,
    /// The longest.
    longest: u64,
}

impl Symbols {
    /// Reads those of a file.
    pub(super) fn of<'a>(file: &object::File<'a, &'a ReadCache<File>>) -> Symbols {
        let (mut own, mut functions) = (Vec::new(), Vec::new());
        for symbol in file.symbols() {
            if !symbol.is_definition() || symbol.size() == 0 {
                continue;
            }
            let range = symbol.address()..symbol.address() + symbol.size();
            match symbol.kind() {
                SymbolKind::Text => functions.push(range),
                SymbolKind::Data if symbol.name().is_ok_and(is_own) => own.push(range),
                _ => {}
            }
        }
        Symbols::new(own, functions)
    }

    pub(super) fn new(own: Vec<Range<u64>>, mut functions: Vec<Range<u64>>) -> Symbols {
        functions.sort_by_key(|function| function.start);
        let longest = functions.iter().map(|function| function.end - function.start).max();
        Symbols { own, functions, longest: longest.unwrap_or_default() }
    }

    /// Whether `offset` leads to what is Liveswap's own.
    pub(super) fn is_own(&self, offset: u64) -> bool {
        self.own.iter().any(|own| own.contains(&offset))
    }

    /// Whether `offset` is inside a function, and none begins there.
    pub(super) fn is_inside_function(&self, offset: u64) -> bool {
        let after = self.functions.partition_point(|function| function.start <= offset);
        let mut before = self.functions[..after]
            .iter()
            .rev()
            .take_while(|function| offset - function.start < self.longest)
            .peekable();
        let begins_here = before.peek().is_some_and(|function| function.start == offset);
        !begins_here && before.any(|function| function.contains(&offset))
    }
}

/// Whether the static with this name, as it is in the file, is Liveswap's own.
fn is_own(name: &str) -> bool {
    if name.starts_with("__liveswap_") {
        return true;
    }
    // Without this most names would be taken apart for nothing.
    if !name.contains("liveswap_abi") && !name.contains("hot_crate") && !name.contains("__") {
        return false;
    }
    let name = format!("{:#}", rustc_demangle::demangle(name));
    let mut parts = name.split("::");
    if parts.clone().next() == Some("liveswap_abi") || parts.clone().any(|it| BESIDE.contains(&it))
    {
        return true;
    }
    let of_module = parts.find(|part| *part == "hot_crate").and_then(|_| parts.next());
    of_module.is_some_and(|part| {
        IN_MODULE.contains(&part) || SLICES.iter().any(|slice| part.starts_with(slice))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_our_own_is_told_by_its_name() {
        for name in [
            "__liveswap_shop",
            "_ZN12liveswap_abi9interpose8platform4HOST17ha25d4fdeab1021c0E",
            "_ZN13bench_hostile9hot_crate5CRATE17hc42c076431f1e923E",
            "_ZN13bench_hostile9hot_crate26FUNCTIONS_OF_BENCH_HOSTILE13LINKME_PLEASE17h2f45fa5e66c27c3dE",
            "_ZN13bench_hostile9hot_crate22HOOKS_OF_BENCH_HOSTILE17hb03031fa8b48e910E",
            "_ZN4shop5price10__FUNCTION17h0123456789abcdefE",
            "_ZN4shop5price10__FUNCTION6RECORD17h0123456789abcdefE",
            "_RNvNvCs1234_4shop5price10___FUNCTION",
        ] {
            assert!(is_own(name), "{name}");
        }
        for name in [
            "_ZN4shop5RULES17h0123456789abcdefE",
            "_ZN4shop9hot_crate5RULES17h0123456789abcdefE",
            "_ZN4shop5CRATE17h0123456789abcdefE",
            "_ZN4shop12liveswap_abi5RULES17h0123456789abcdefE",
            "_ZN4shop2of15FUNCTIONS_OF_US17h0123456789abcdefE",
            "FUNCTIONS_OF_SHOP",
            "__FUNCTIONS",
            "environ",
        ] {
            assert!(!is_own(name), "{name}");
        }
    }

    #[test]
    fn a_function_is_called_by_its_first_address_only() {
        let symbols =
            Symbols::new(Vec::new(), vec![100..200, 10..20, 120..140, 30..40, 110..112, 100..104]);
        let inside = |offset| symbols.is_inside_function(offset);
        for offset in [11, 19, 39, 101, 105, 111, 115, 121, 139, 141, 199] {
            assert!(inside(offset), "{offset}");
        }
        for offset in [9, 10, 20, 29, 30, 40, 99, 100, 110, 120, 200, 1000] {
            assert!(!inside(offset), "{offset}");
        }
    }

    #[test]
    fn an_image_without_symbols_has_nothing_that_does_not_count() {
        let symbols = Symbols::default();
        assert!(!symbols.is_own(0) && !symbols.is_inside_function(0));
    }
}
