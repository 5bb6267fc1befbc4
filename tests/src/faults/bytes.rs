//! Bytes that are missing or changed: samples, by a seed that is printed.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use liveswap_builder::seal;
use object::{Object, ObjectSection, ObjectSegment};

use super::Case;
use crate::harness::{Workbench, v1, v3};

/// Small numbers without a pattern: the same ones for the same seed.
struct Chance(u64);

impl Chance {
    /// The seed is `LIVESWAP_FAULTS_SEED`: a number, or `now`.
    fn new(what: &str) -> Chance {
        let seed = match std::env::var("LIVESWAP_FAULTS_SEED").as_deref() {
            Ok("now") => SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64,
            Ok(seed) => seed.parse().expect("LIVESWAP_FAULTS_SEED is a number, or `now`"),
            Err(_) => 0x5eed,
        };
        eprintln!("{what}: LIVESWAP_FAULTS_SEED={seed}");
        Chance(seed)
    }

    /// Below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

fn samples() -> usize {
    let asked = std::env::var("LIVESWAP_FAULTS_SAMPLES").ok();
    asked.map_or(40, |samples| samples.parse().expect("LIVESWAP_FAULTS_SAMPLES is a number"))
}

/// Puts these bytes in the artifact's place and has the program take them up now; how that ended.
#[track_caller]
fn offer(case: &mut Case, bytes: &[u8]) -> String {
    let aside = case.bench.artifact().with_extension("part");
    fs::write(&aside, bytes).unwrap();
    fs::rename(&aside, case.bench.artifact()).unwrap();
    case.host.ask(&["reload-now"])
}

/// Everywhere an artifact can be cut so that something is just there or just missing, and anywhere else.
#[test]
fn every_kind_of_cut() {
    let whole = fs::read(v3().artifact()).unwrap();
    let file = object::File::parse(whole.as_slice()).unwrap();
    let mut edges = vec![0, 4, 16, 64, whole.len()];
    for (start, size) in file.segments().map(|one| one.file_range()) {
        edges.extend([start as usize, (start + size) as usize]);
    }
    for (start, size) in file.sections().filter_map(|one| one.file_range()) {
        edges.extend([start as usize, (start + size) as usize]);
    }
    let mut cuts: Vec<usize> =
        edges.into_iter().flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1]).collect();
    let mut chance = Chance::new("cuts");
    cuts.extend((0..samples()).map(|_| chance.below(whole.len())));
    cuts.retain(|cut| *cut < whole.len());
    cuts.sort_unstable();
    cuts.dedup();

    let bench = Workbench::new();
    let host = bench.start();
    let mut case = Case::new(bench, host);
    for cut in &cuts {
        let told = offer(&mut case, &whole[..*cut]);
        assert!(told.starts_with("refused step=verify"), "cut at {cut}: {told}");
        assert!(told.contains("it is cut short") || *cut < 64, "cut at {cut}: {told}");
    }
    case.host.runs(2);
    eprintln!("{} cuts", cuts.len());
    case.goes_on();
}

/// The parts of a file that only the loader and the runtime read.
///
/// Not in it, because what they say is as good as what a linker wrote there, whatever bit changes: where a relocation that
/// adds the library's own address writes, and what it adds to; and the value of a symbol inside its section.
fn tables(whole: &[u8]) -> Vec<(String, Vec<Range<usize>>)> {
    let file = object::File::parse(whole).unwrap();
    let place = |name: &str| {
        let (start, size) = file.section_by_name(name)?.file_range()?;
        Some(start as usize..(start + size) as usize)
    };
    let number = |at: usize, size: usize| {
        let bytes = whole[at..at + size].iter().rev();
        bytes.fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (programs, sections) = (number(32, 8), number(40, 8));
    let mut parts: Vec<(String, Vec<Range<usize>>)> = [
        ("the header", 0..64),
        ("program headers", programs..programs + number(56, 2) * 56),
        ("section headers", sections..sections + number(60, 2) * 64),
    ]
    .map(|(name, range)| (name.to_owned(), vec![range]))
    .to_vec();
    let whole_tables = [
        ".dynamic",
        ".dynstr",
        ".gnu.hash",
        ".hash",
        ".gnu.version",
        ".gnu.version_r",
        ".liveswap",
        ".shstrtab",
    ];
    for name in whole_tables {
        parts.extend(place(name).map(|range| (name.to_owned(), vec![range])));
    }
    let entries = |range: Range<usize>| range.step_by(24);
    let symbols = entries(place(".dynsym").unwrap());
    let fields = symbols.flat_map(|at| [at..at + 8, at + 16..at + 24]).collect();
    parts.push((".dynsym".to_owned(), fields));
    for name in [".rela.dyn", ".rela.plt"] {
        let Some(range) = place(name) else { continue };
        let fields = entries(range).map(|at| at + 8..at + 16).collect();
        parts.push((name.to_owned(), fields));
    }
    parts
}

/// One bit, in a table of an artifact that has no seal: it is refused, or it makes no difference.
#[test]
fn a_bit_in_a_table() {
    let whole = fs::read(v3().artifact()).unwrap();
    let mut chance = Chance::new("bits");
    let bench = Workbench::new();
    let host = bench.start();
    let mut case = Case::new(bench, host);
    let (mut version, mut refused, mut taken) = (2, 0, 0);
    let parts = tables(&whole);
    for sample in 0..samples() * 2 {
        let (name, ranges) = &parts[sample % parts.len()];
        let range = ranges[chance.below(ranges.len())].clone();
        let at = range.start + chance.below(range.len());
        let bit = chance.below(8);
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << bit;
        eprintln!("bit {bit} of byte {at:#x}, in {name}");
        let told = offer(&mut case, &bytes);
        // Where the watcher was first, nothing is left to take.
        if told.starts_with("swapped") || told.starts_with("unchanged") {
            (version, taken) = (3, taken + 1);
            case.host.call(&["shapes"]);
        } else {
            assert!(told.starts_with("refused step="), "{told}");
            refused += 1;
        }
        case.host.runs(version);
    }
    eprintln!("{refused} refused, {taken} made no difference");
    assert!(refused > samples() / 2, "only {refused}");
    let Case { bench, mut host } = case;
    bench.install(&v1().numbered("4"));
    host.ask(&["wait-version", "4"]);
    host.runs(4);
    host.finish();
}

/// One bit anywhere, code and data included, in an artifact that was sealed as builders do.
#[test]
fn a_bit_anywhere_under_a_seal() {
    let bench = Workbench::new();
    let sealed = bench.root().join("sealed");
    fs::copy(v3().artifact(), &sealed).unwrap();
    let unsealed = fs::read(&sealed).unwrap();
    seal(&sealed).unwrap();
    let whole = fs::read(&sealed).unwrap();
    assert_ne!(unsealed, whole, "it has room for a seal");
    let place = differing(&unsealed, &whole);
    let mut chance = Chance::new("bits under a seal");
    let host = bench.start();
    let mut case = Case::new(bench, host);
    let parts = tables(&whole);
    for sample in 0..samples() {
        // Every second one in a table, where all that has a structure is.
        let at = if sample % 2 == 0 {
            chance.below(whole.len())
        } else {
            let ranges = &parts[sample % parts.len()].1;
            let range = ranges[chance.below(ranges.len())].clone();
            range.start + chance.below(range.len())
        };
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << chance.below(8);
        let told = offer(&mut case, &bytes);
        assert!(told.starts_with("refused step=verify"), "byte {at:#x}: {told}");
    }
    let mut bytes = whole.clone();
    bytes[place.start] ^= 1;
    let told = offer(&mut case, &bytes);
    assert!(
        told.contains("item={the artifact's seal} expected={the file that was sealed with "),
        "{told}"
    );
    assert!(
        told.contains("remedy={build it again, and change nothing in it afterwards}"),
        "{told}"
    );

    case.host.runs(2);
    rename(&sealed, &case.bench.artifact());
    case.host.swapped(2);
    case.host.runs(3);
    case.host.finish();
}

fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}

/// Where two files of one length differ.
fn differing(one: &[u8], other: &[u8]) -> Range<usize> {
    assert_eq!(one.len(), other.len());
    let differs: Vec<usize> = (0..one.len()).filter(|at| one[*at] != other[*at]).collect();
    let range = differs[0]..differs[differs.len() - 1] + 1;
    assert!(range.len() <= 64, "only the seal was written");
    range
}
