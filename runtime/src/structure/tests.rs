use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use object::{Object, ObjectSection};

use super::*;

const SOURCE: &str = "
use std::cell::RefCell;
thread_local!(static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });
static mut COUNT: [u64; 9] = [0; 9];
static NAMES: [&str; 3] = [\"one\", \"two\", \"three\"];
#[unsafe(no_mangle)]
pub extern \"C\" fn seen(n: usize) -> usize {
    SEEN.with_borrow_mut(|seen| seen.push(format!(\"{n} {:?}\", NAMES.get(n))));
    println!(\"{:?}\", &raw const COUNT);
    std::thread::spawn(|| 3).join().unwrap() + SEEN.with_borrow(Vec::len)
}
";

/// A library by this compiler, with some options; `None` where the compiler or the linker refuses them.
fn library(directory: &Path, options: &[&str]) -> Option<PathBuf> {
    let (code, library) = (directory.join("library.rs"), directory.join("library.so"));
    std::fs::write(&code, SOURCE).unwrap();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition=2024", "--crate-type=cdylib", "-Cdebuginfo=0"]).args(options);
    let output = command.arg("-o").args([&library, &code]).output().unwrap();
    output.status.success().then_some(library)
}

/// The bytes of a library as it is made here by default.
static LIBRARY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    std::fs::read(library(directory.path(), &[]).expect("the default works")).unwrap()
});

#[test]
fn what_linkers_make_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let options: &[&[&str]] = &[
        &[],
        &["-Cstrip=symbols"],
        &["-Crelro-level=off"],
        &["-Clink-arg=-Wl,-z,lazy"],
        &["-Clink-arg=-Wl,-z,pack-relative-relocs"],
        &["-Clink-arg=-Wl,--hash-style=sysv"],
        &["-Clink-arg=-Wl,--hash-style=both"],
        &["-Clink-arg=-fuse-ld=bfd"],
        &["-Clink-arg=-fuse-ld=lld"],
        &["-Clink-arg=-fuse-ld=mold"],
        &["-Clink-arg=-fuse-ld=wild"],
    ];
    let mut tried = 0;
    for options in options {
        let Some(library) = library(directory.path(), options) else { continue };
        let bytes = std::fs::read(&library).unwrap();
        assert_eq!(of_bytes(&bytes), Ok(()), "{options:?}");
        assert_eq!(of_file(&File::open(&library).unwrap()), Ok(()), "{options:?}");
        tried += 1;
    }
    assert!(tried >= 3, "only {tried} of the linkers and options are there");
}

/// Where a section begins in the file, and how long it is.
fn section(name: &str) -> (usize, usize) {
    let file = object::File::parse(LIBRARY.as_slice()).unwrap();
    let (start, size) = file.section_by_name(name).unwrap().file_range().unwrap();
    (start as usize, size as usize)
}

/// The library with `to` at `at`, or the words of why it is refused then.
#[track_caller]
fn changed(at: usize, to: &[u8]) -> String {
    let mut bytes = LIBRARY.clone();
    assert_ne!(&bytes[at..at + to.len()], to, "nothing would change");
    bytes[at..at + to.len()].copy_from_slice(to);
    of_bytes(&bytes).expect_err("a loader would stumble").to_string()
}

/// The place of the value of a tag in the dynamic section.
fn tag(tag: u64) -> usize {
    let (start, size) = section(".dynamic");
    let entry = |at: &usize| LIBRARY[*at..*at + 8] == tag.to_ne_bytes();
    (start..start + size).step_by(16).find(entry).expect("it has that tag") + 8
}

#[test]
fn what_the_header_must_say() {
    assert!(changed(16, &[2]).contains("not a dynamic library"), "a program without a base");
    assert!(changed(18, &[8, 0]).contains("another processor"));
    assert!(changed(54, &[55]).contains("program headers"));
    assert!(of_bytes(&LIBRARY[..100]).is_err());
    assert!(of_bytes(b"").is_err());
}

#[test]
fn segments_and_sections_disagree() {
    let headers = 64;
    let is_mapped = |at: &usize| LIBRARY[*at..*at + 4] == 1_u32.to_ne_bytes();
    let first = (headers..).step_by(56).find(is_mapped).unwrap();
    assert!(changed(first, &[0]).contains("segment"), "one that is not mapped");
    assert!(changed(first + 16, &0x10_0000_u64.to_ne_bytes()).contains("segment"), "elsewhere");
    assert!(changed(first + 4, &[0]).contains("does not allow to read"));
    let dynamic = (headers..).step_by(56).find(|at| LIBRARY[*at] == 2).unwrap();
    assert!(changed(dynamic + 16, &[0; 8]).contains("the dynamic section is at 0x0"));
    let relro = 0x6474_e552_u32.to_ne_bytes();
    let relro = (headers..).step_by(56).find(|at| LIBRARY[*at..*at + 4] == relro).unwrap();
    let far = 0x100_0000_u64.to_ne_bytes();
    assert!(!changed(relro + 40, &far).is_empty());
}

#[test]
fn the_dynamic_section_leads_astray() {
    for (number, named) in [
        (5, "table of names"),
        (6, "table of symbols"),
        (7, "relocations"),
        (8, "relocations"),
        (9, "size"),
        (10, "table of names"),
        (25, "initializers"),
        (0x6fff_fff0, "versions"),
        (0x6fff_fffe, "versions"),
        (0x6fff_ffff, "number of versions"),
        (0x6fff_fff9, "more relocations are plain"),
        (1, "behind the table of names"),
    ] {
        let words = changed(tag(number), &0x7777_7777_u64.to_ne_bytes());
        assert!(words.contains(named), "{number:#x}: {words}");
    }
    let (start, _) = section(".dynamic");
    let before = changed(tag(0x6fff_fff9) - 8, &32_u64.to_ne_bytes());
    assert!(before.contains("for others"), "functions that only programs have: {before}");
    assert!(changed(start, &[0; 8]).contains("does not lead"), "an end before the beginning");
}

#[test]
fn symbols_hashes_and_versions() {
    let (symbols, size) = section(".dynsym");
    let last = symbols + size - 24;
    assert!(changed(symbols + 24, &[255; 4]).contains("symbol 1 has its name behind"));
    assert!(changed(symbols + 24 + 5, &[2]).contains("can be nobody else's"), "hidden and nowhere");
    assert!(changed(last + 8, &[255; 4]).contains("is not where its section is"));
    assert!(changed(last + 6, &[250, 0]).contains("is in no section"));
    let (hash, _) = section(".gnu.hash");
    let words =
        |at: usize| u32::from_ne_bytes(LIBRARY[hash + at..hash + at + 4].try_into().unwrap());
    assert!(changed(hash, &[255; 4]).contains("too short"));
    assert!(changed(hash + 8, &[3]).contains("filter"), "the loader stops the program");
    assert!(changed(hash + 16, &[0; 8]).contains("filters a symbol out"));
    let chains = 16 + words(8) as usize * 8 + words(0) as usize * 4;
    assert!(changed(hash + chains, &[0, 0, 0, 0x55]).contains("another hash"));
    let (names, size) = section(".dynstr");
    let own = LIBRARY[names..names + size].windows(6).position(|name| name == b"\0seen\0").unwrap();
    assert!(changed(names + own + 1, b"S").contains("another hash"));
    let (versions, _) = section(".gnu.version");
    assert!(changed(versions + 2, &[99, 0]).contains("no version"));
    let (needed, _) = section(".gnu.version_r");
    assert!(changed(needed, &[2]).contains("no version"));
    assert!(
        changed(needed + 4, &[1, 0, 0, 0]).contains("no version"),
        "of a library it does not need"
    );
}

#[test]
fn relocations_into_nowhere() {
    let (relocations, size) = section(".rela.dyn");
    let entry = |at: usize| relocations + 24 * at;
    assert!(changed(entry(0), &[255; 8]).contains("cannot write to"));
    assert!(changed(entry(0) + 8, &0_u64.to_ne_bytes()).contains("asks for what cannot be"));
    assert!(changed(entry(0) + 12, &[255; 4]).contains("no symbol"));
    assert!(changed(entry(0) + 16, &[255; 8]).contains("asks for what cannot be"));
    let second = LIBRARY[entry(1)..entry(1) + 8].to_vec();
    assert!(changed(entry(0), &second).contains("for one place"));
    assert_eq!(size % 24, 0);
}

/// Whatever single bit changes, nothing here panics.
#[test]
fn no_bit_makes_it_panic() {
    let mut bytes = LIBRARY.clone();
    let tables = [".dynsym", ".dynamic", ".gnu.hash", ".gnu.version_r", ".rela.dyn", ".dynstr"];
    let headers = object::File::parse(LIBRARY.as_slice()).unwrap().sections().count() * 64;
    let mut ranges = vec![(0, 64 + 56 * 12), (LIBRARY.len() - headers - 64, headers)];
    ranges.extend(tables.map(section));
    let mut refused = 0;
    for (number, (start, size)) in ranges.into_iter().enumerate() {
        for at in (start + number % 3..start + size).step_by(1 + size / 150) {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                refused += usize::from(of_bytes(&bytes).is_err());
                bytes[at] ^= 1 << bit;
            }
        }
    }
    assert!(refused > 1000, "only {refused} were seen");
}
