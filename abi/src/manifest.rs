//! What an artifact says of itself, readable from its file without loading it.
//!
//! The manifest is the section [`SECTION`]: records one after the other, in any order, possibly with zero bytes
//! between them. A record is [`MAGIC`], the length of its text as a little-endian `u32`, and the text: lines of
//! `key=value`. The first key of a record says its kind: `crate` (exactly one) or `function` (one a hot function).
//! Records are built by the compiler from constants; nothing runs to make them.

/// Where the records stand in an ELF or PE file.
#[cfg(not(target_vendor = "apple"))]
pub const SECTION: &str = ".liveswap";
/// Where the records stand in a Mach-O file.
#[cfg(target_vendor = "apple")]
pub const SECTION: &str = "__DATA,__liveswap";

/// Begins every record.
pub const MAGIC: [u8; 8] = *b"\x7fLVSWAP\n";

/// The version of this format and of what the keys mean.
pub const FORMAT: &str = "1";

/// The compiler that built this image: the first line of `rustc -vV`.
pub const RUSTC: &str = env!("LIVESWAP_RUSTC");

/// The target triple this image was built for.
pub const TARGET: &str = env!("LIVESWAP_TARGET");

/// The target features this image was built with, separated by commas; they decide how some values are passed.
pub const TARGET_FEATURES: &str = env!("LIVESWAP_FEATURES");

/// Version and source hash of this crate; both sides of a reload must have been built from the same.
pub const ABI: &str = env!("LIVESWAP_ABI");

/// `unwind` or `abort`.
pub const PANIC: &str = if cfg!(panic = "abort") { "abort" } else { "unwind" };

/// `true` in builds with debug assertions, whose types may have other fields.
pub const DEBUG_ASSERTIONS: &str = if cfg!(debug_assertions) { "true" } else { "false" };

/// What the compiler writes where whoever finishes an artifact can write its seal: the BLAKE3 hash, in hexadecimal, of the
/// whole file with this here. An artifact that nobody sealed has it as it is.
pub const NO_SEAL: &str = "                                                                ";

const HEAD: usize = MAGIC.len() + 4;

/// The length in bytes of the record with this text.
#[must_use]
pub const fn record_len(parts: &[&str]) -> usize {
    let mut len = HEAD;
    let mut part = 0;
    while part < parts.len() {
        len += parts[part].len();
        part += 1;
    }
    len
}

/// The record with this text; `N` is its [`record_len`].
///
/// # Panics
///
/// In a constant, so as a compile error, if `N` is anything else.
#[must_use]
pub const fn record<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = 0;
    while at < MAGIC.len() {
        bytes[at] = MAGIC[at];
        at += 1;
    }
    let len = ((N - HEAD) as u32).to_le_bytes();
    let mut index = 0;
    while index < len.len() {
        bytes[at] = len[index];
        at += 1;
        index += 1;
    }
    let mut part = 0;
    while part < parts.len() {
        let text = parts[part].as_bytes();
        let mut index = 0;
        while index < text.len() {
            bytes[at] = text[index];
            at += 1;
            index += 1;
        }
        part += 1;
    }
    assert!(at == N, "N must be record_len(parts)");
    bytes
}

/// Walks the texts of the records in a manifest section.
///
/// Never panics and allocates nothing, whatever the bytes.
///
/// ```
/// use liveswap_abi::manifest;
/// const TEXT: &[&str] = &["crate=demo\n", "format=1\n"];
/// const RECORD: [u8; manifest::record_len(TEXT)] = manifest::record(TEXT);
/// let texts: Vec<_> = manifest::records(&RECORD).collect();
/// assert_eq!(texts, [Ok("crate=demo\nformat=1\n")]);
/// ```
pub fn records(section: &[u8]) -> impl Iterator<Item = Result<&str, Malformed>> {
    let mut rest = section;
    std::iter::from_fn(move || {
        let padding = rest.iter().position(|byte| *byte != 0)?;
        rest = rest.get(padding..)?;
        let (text, after) = match split(rest) {
            Ok(parts) => parts,
            Err(error) => {
                rest = &[];
                return Some(Err(error));
            }
        };
        rest = after;
        Some(std::str::from_utf8(text).map_err(|_| Malformed::NotText))
    })
}

/// Where in a manifest section the seal is, or would be; [`NO_SEAL`] long.
///
/// ```
/// use liveswap_abi::manifest::{self, NO_SEAL};
/// const TEXT: &[&str] = &["crate=demo\nseal=", NO_SEAL, "\n"];
/// const RECORD: [u8; manifest::record_len(TEXT)] = manifest::record(TEXT);
/// let place = manifest::seal_in(&RECORD).unwrap();
/// assert_eq!(&RECORD[place], NO_SEAL.as_bytes());
/// ```
#[must_use]
pub fn seal_in(section: &[u8]) -> Option<std::ops::Range<usize>> {
    const KEY: &str = "\nseal=";
    let mut texts = records(section).filter_map(Result::ok);
    let text = texts.find(|text| text.starts_with("crate="))?;
    let value = text.find(KEY)? + KEY.len();
    text.get(value..value + NO_SEAL.len()).filter(|seal| !seal.contains('\n'))?;
    let start = text.as_ptr().addr() - section.as_ptr().addr() + value;
    Some(start..start + NO_SEAL.len())
}

fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let body = bytes.strip_prefix(MAGIC.as_slice()).ok_or(Malformed::NoMagic)?;
    let (len, body) = body.split_first_chunk::<4>().ok_or(Malformed::Cut)?;
    let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| Malformed::Cut)?;
    body.split_at_checked(len).ok_or(Malformed::Cut)
}

/// Why a manifest section cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// A record does not begin with [`MAGIC`].
    NoMagic,
    /// A record is longer than what is left of the section.
    Cut,
    /// A record's text is not UTF-8.
    NotText,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Malformed::NoMagic => "a record does not begin with the manifest's magic bytes",
            Malformed::Cut => "a record is longer than the section",
            Malformed::NotText => "a record's text is not UTF-8",
        })
    }
}

impl std::error::Error for Malformed {}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const TEXT: &[&str] = &["crate=", "demo", "\n"];
    const RECORD: [u8; record_len(TEXT)] = record(TEXT);

    #[test]
    fn records_follow_each_other_with_padding_between() {
        let mut section = vec![0; 5];
        section.extend(RECORD);
        section.extend([0; 3]);
        section.extend(RECORD);
        section.extend([0; 9]);
        let texts: Vec<_> = records(&section).collect();
        assert_eq!(texts, [Ok("crate=demo\n"), Ok("crate=demo\n")]);
    }

    #[test]
    fn every_cut_is_an_error_and_never_a_panic() {
        for end in 1..RECORD.len() {
            let found: Vec<_> = records(&RECORD[..end]).collect();
            assert_eq!(found.len(), 1, "cut at {end}");
            assert!(found[0].is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_seal_is_found_in_the_crate_s_record_only() {
        let length = |text: &str| u32::try_from(text.len()).expect("short").to_le_bytes();
        let record = |text: &str| [&MAGIC, length(text).as_slice(), text.as_bytes()].concat();
        let function = record(&format!("function=a\nseal={NO_SEAL}\n"));
        let own = record(&format!("crate=a\nseal={NO_SEAL}\nabi=1\n"));
        let section = [function.clone(), vec![0; 3], own].concat();
        let place = seal_in(&section).expect("it is there");
        assert!(section[..place.start].ends_with(b"crate=a\nseal="));
        assert!(section[place.end..].starts_with(b"\nabi="));
        assert_eq!(seal_in(&function), None);
        assert_eq!(seal_in(&record("crate=a\nseal=short\nabi=1\n")), None);
    }

    #[test]
    fn a_length_past_the_end_is_refused() {
        let mut bytes = RECORD;
        bytes[MAGIC.len()..HEAD].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(records(&bytes).collect::<Vec<_>>(), [Err(Malformed::Cut)]);
    }
}
