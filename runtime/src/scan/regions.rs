//! The parts of the process's memory that can be written to, as the system lists them.

use std::fs;
use std::io;
use std::ops::Range;

/// Memory that is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) range: Range<u64>,
    /// What the system calls it; empty for memory without a name.
    pub(super) name: String,
    /// The file whose variables these are, and the address that the file begins at.
    pub(super) file: Option<(String, u64)>,
    /// Whether memory that nobody may touch is right before it, as before a thread's stack.
    pub(super) guarded: bool,
}

/// The regions that may hold pointers of the program.
///
/// # Errors
///
/// The system's, where it has no such list.
pub(super) fn list() -> io::Result<Vec<Region>> {
    let maps = fs::read("/proc/self/maps")?;
    Ok(parse(&String::from_utf8_lossy(&maps)))
}

/// Ends the memory of every file where its variables end, which `end_of` says of a file and the address that it begins at:
/// memory without a name that lies behind it by chance is not the file's.
pub(super) fn cut(regions: Vec<Region>, end_of: impl Fn(&str, u64) -> Option<u64>) -> Vec<Region> {
    let mut cut = Vec::with_capacity(regions.len());
    for region in regions {
        let end = match &region.file {
            Some((file, start)) if region.name.is_empty() => end_of(file, *start),
            _ => None,
        };
        let Some(end) = end.filter(|end| *end < region.range.end) else {
            cut.push(region);
            continue;
        };
        let behind = end.max(region.range.start)..region.range.end;
        let before = region.range.start..behind.start;
        let guarded = region.guarded && before.is_empty();
        if !before.is_empty() {
            cut.push(Region { range: before, ..region.clone() });
        }
        cut.push(Region { range: behind, file: None, guarded, ..region });
    }
    cut
}

/// The region that contains `at`.
pub(super) fn containing(regions: &[Region], at: u64) -> Option<&Region> {
    let after = regions.partition_point(|region| region.range.end <= at);
    regions.get(after).filter(|region| region.range.contains(&at))
}

fn parse(maps: &str) -> Vec<Region> {
    let mut regions = Vec::new();
    // What the line before was.
    let mut before: Option<Line> = None;
    let mut file: Option<(String, u64)> = None;
    for line in maps.lines().filter_map(Line::parse) {
        let adjacent = before.as_ref().is_some_and(|before| before.range.end == line.range.start);
        // The parts of a file follow each other; what has no name after them is its zeroed variables.
        let is_file = line.name.starts_with('/');
        match &file {
            Some((name, _)) if is_file && *name == line.name => {}
            _ if is_file => file = Some((line.name.to_owned(), line.range.start)),
            Some(_) if line.name.is_empty() && adjacent => {}
            _ => file = None,
        }
        let guarded = adjacent && before.as_ref().is_some_and(|before| before.access == "---p");
        // Private memory only: what is shared with others holds no addresses that mean something.
        let device = line.name.starts_with("/dev/");
        if line.access.starts_with("rw") && line.access.ends_with('p') && !device {
            regions.push(Region {
                range: line.range.clone(),
                name: line.name.to_owned(),
                file: file.clone(),
                guarded,
            });
        }
        before = Some(line);
    }
    regions
}

struct Line<'a> {
    range: Range<u64>,
    access: &'a str,
    name: &'a str,
}

impl Line<'_> {
    fn parse(line: &str) -> Option<Line<'_>> {
        let mut rest = line;
        let mut field = || {
            let (field, after) = rest.split_once(' ').unwrap_or((rest, ""));
            rest = after.trim_start();
            field
        };
        let (start, end) = field().split_once('-')?;
        let access = field();
        for _ in ["offset", "device", "inode"] {
            field();
        }
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some(Line { range: number(start)?..number(end)?, access, name: rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0-55d1 r--p 00000000 08:01 12 /usr/bin/a program
55d1-55d3 rw-p 00001000 08:01 12 /usr/bin/a program
55d3-55d4 rw-p 00000000 00:00 0 
6000-6010 rw-p 00000000 00:00 0                          [heap]
7000-7001 ---p 00000000 00:00 0 
7001-7009 rw-p 00000000 00:00 0 
7100-7101 rw-s 00000000 00:05 9 /memfd:shared (deleted)
7200-7201 rw-p 00000000 00:05 9 /dev/device
7300-7301 rw-p 00000000 00:00 0                          [stack]
";

    #[test]
    fn what_can_be_written_to_is_listed_with_what_it_is() {
        let regions = parse(MAPS);
        let program = Some(("/usr/bin/a program".to_owned(), 0x55d0));
        let seen: Vec<_> = regions
            .iter()
            .map(|region| {
                (region.range.start, region.name.as_str(), region.file.clone(), region.guarded)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (0x55d1, "/usr/bin/a program", program.clone(), false),
                (0x55d3, "", program.clone(), false),
                (0x6000, "[heap]", None, false),
                (0x7001, "", None, true),
                (0x7300, "[stack]", None, false),
            ]
        );
        for (end, expected) in [
            (0x55d4, vec![(0x55d3..0x55d4, program.clone())]),
            (0x55d3, vec![(0x55d3..0x55d4, None)]),
            (0x55d2, vec![(0x55d3..0x55d4, None)]),
        ] {
            let cut = cut(regions.clone(), |file, start| {
                assert_eq!((file, start), ("/usr/bin/a program", 0x55d0));
                Some(end)
            });
            let seen: Vec<_> = cut
                .into_iter()
                .filter(|region| region.range.start == 0x55d3)
                .map(|region| (region.range, region.file))
                .collect();
            assert_eq!(seen, expected, "variables that end at {end:x}");
        }
        let wide = Region { range: 0x1000..0x4000, ..regions[1].clone() };
        let parts = cut(vec![wide], |_, _| Some(0x2000));
        let parts: Vec<_> = parts.iter().map(|it| (it.range.clone(), it.file.is_some())).collect();
        assert_eq!(parts, [(0x1000..0x2000, true), (0x2000..0x4000, false)]);
        assert_eq!(containing(&regions, 0x55d3).unwrap().range, 0x55d3..0x55d4);
        assert_eq!(containing(&regions, 0x7000), None);
    }
}
