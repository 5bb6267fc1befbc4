//! Return addresses in a copy of a stack, and the functions that addresses belong to.
//!
//! The words of a stack are taken for return addresses where they point behind a call instruction in the code of a loaded
//! image. What a frame left over from an earlier call looks the same, so this is what may have been called, the innermost
//! first; nothing is unwound, because the stack is gone. Code and symbols are read from the images' files.

use std::fs::File;
use std::path::{Path, PathBuf};

use object::read::ReadCache;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use super::{MappedImage, sys};

/// How many functions are named.
const LONGEST: usize = 12;

/// The function that `address` is in, as far as the symbols of its image tell.
pub(crate) fn function(address: usize) -> Option<String> {
    let images = sys::images()?;
    let image = images.iter().find(|image| image.contains(address))?;
    named(image, &[address], false)?.pop()?.1
}

/// The functions that the return addresses among `stack`'s words are in, the innermost first.
pub(crate) fn callers(stack: &[usize]) -> Vec<String> {
    let mut found: Vec<(usize, Option<String>)> = Vec::new();
    for image in sys::images().unwrap_or_default() {
        let code = |word: usize| {
            let segments = image.segments.iter().filter(|segment| segment.executable);
            segments.into_iter().any(|segment| segment.range.contains(&word))
        };
        let inside: Vec<usize> = stack.iter().copied().filter(|word| code(*word)).collect();
        if !inside.is_empty() {
            found.extend(named(&image, &inside, true).unwrap_or_default());
        }
    }
    let name = |word: &usize| found.iter().find(|(address, _)| address == word)?.1.clone();
    let mut callers: Vec<String> = stack.iter().filter_map(name).collect();
    callers.dedup();
    callers.truncate(LONGEST);
    callers
}

/// The functions of one image that these addresses are in; only of those behind a call, if they are to be `returns`.
fn named(
    image: &MappedImage,
    addresses: &[usize],
    returns: bool,
) -> Option<Vec<(usize, Option<String>)>> {
    let path: PathBuf = match image.path.as_os_str().is_empty() {
        true => Path::new("/proc/self/exe").to_owned(),
        false => image.path.clone(),
    };
    let data = ReadCache::new(File::open(path).ok()?);
    let file = object::File::parse(&data).ok()?;
    let mut found: Vec<(usize, u64, Option<String>)> = addresses
        .iter()
        .map(|&address| (address, (address.wrapping_sub(image.base)) as u64, None))
        .filter(|(_, at, _)| !returns || follows_call(&file, *at))
        .collect();
    // A call is before the address to which it returns, which may be the next function's.
    let back = u64::from(returns);
    for symbol in file.symbols().chain(file.dynamic_symbols()) {
        if symbol.kind() != SymbolKind::Text || symbol.size() == 0 {
            continue;
        }
        let range = symbol.address()..symbol.address().saturating_add(symbol.size());
        for (_, at, name) in &mut found {
            if name.is_none() && range.contains(&at.wrapping_sub(back)) {
                *name =
                    symbol.name().ok().map(|name| format!("{:#}", rustc_demangle::demangle(name)));
            }
        }
    }
    Some(found.into_iter().map(|(address, _, name)| (address, name)).collect())
}

/// Whether the instruction before `at` is a call.
fn follows_call<'data>(file: &impl Object<'data>, at: u64) -> bool {
    const LONGEST_CALL: u64 = 7;
    let Some(from) = at.checked_sub(LONGEST_CALL) else { return false };
    let text = file.sections().filter(|section| section.kind() == SectionKind::Text);
    let read = |section| ObjectSection::data_range(&section, from, LONGEST_CALL).ok().flatten();
    text.into_iter().find_map(read).is_some_and(is_call)
}

/// Whether these bytes end with a call instruction.
#[cfg(target_arch = "x86_64")]
fn is_call(code: &[u8]) -> bool {
    let last = |count: usize| code.len().checked_sub(count).and_then(|start| code.get(start..));
    if last(5).is_some_and(|call| call[0] == 0xe8) {
        return true;
    }
    // `call r/m64` is FF /2, with as many more bytes as its operand needs.
    (2..=7).any(|length| {
        let Some([0xff, operand, rest @ ..]) = last(length) else { return false };
        let (mode, extension, register) = (operand >> 6, operand >> 3 & 7, operand & 7);
        let scaled = usize::from(mode != 3 && register == 4);
        let displaced = match (mode, register) {
            (0, 5) | (2, _) => 4,
            (0, 4) if rest.first().is_some_and(|scale| scale & 7 == 5) => 4,
            (1, _) => 1,
            _ => 0,
        };
        extension == 2 && rest.len() == scaled + displaced
    })
}

/// Whether these bytes end with a call instruction.
#[cfg(target_arch = "aarch64")]
fn is_call(code: &[u8]) -> bool {
    let Some(word) = code.last_chunk().map(|bytes| u32::from_le_bytes(*bytes)) else {
        return false;
    };
    // `bl` and `blr`.
    word & 0xfc00_0000 == 0x9400_0000 || word & 0xffff_fc1f == 0xd63f_0000
}

/// Whether these bytes end with a call instruction: on this machine, nobody knows.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn is_call(_: &[u8]) -> bool {
    true
}

#[cfg(all(test, target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use std::hint::black_box;

    use super::*;

    /// A function whose address is looked up.
    #[inline(never)]
    fn known(x: u32) -> u32 {
        black_box(x) + 1
    }

    #[test]
    fn functions_are_found_by_an_address_inside() {
        let address = black_box(known as fn(u32) -> u32) as usize;
        let name = function(address).unwrap();
        assert!(name.ends_with("backtrace::tests::known"), "{name}");
        assert_eq!(function(1), None);
    }

    #[test]
    fn only_what_follows_a_call_is_a_return_address() {
        let entry = black_box(known as fn(u32) -> u32) as usize;
        assert_eq!(callers(&[entry, 0, 1, usize::MAX]), Vec::<String>::new());
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn calls_are_told_from_other_instructions() {
        for call in [
            &[0xe8, 1, 2, 3, 4][..],
            &[0xff, 0xd0],
            &[0x41, 0xff, 0xd4],
            &[0xff, 0x15, 1, 2, 3, 4],
            &[0xff, 0x50, 0x18],
            &[0xff, 0x54, 0x24, 8],
            &[0xff, 0x14, 0xc1],
            &[0xff, 0x94, 0xc1, 1, 2, 3, 4],
        ] {
            let code = [&[0x90; 7][..], call].concat();
            assert!(is_call(&code[code.len() - 7..]), "{call:x?}");
        }
        for other in [&[0xff, 0x25, 1, 2, 3, 4][..], &[0xff, 0xe0], &[0x48, 0x89, 0xc3], &[0xc3]] {
            let code = [&[0x90; 7][..], other].concat();
            assert!(!is_call(&code[code.len() - 7..]), "{other:x?}");
        }
    }
}
