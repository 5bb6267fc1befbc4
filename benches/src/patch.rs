//! Versions of a built library: the same file with other numbers at a marked place.
//!
//! The libraries under test keep a number, or some, behind a marker of 16 bytes and answer with it. Changing the number in a
//! copy of the file gives as many real artifacts as a bench needs, each with a digest and a behavior of its own, and
//! all of one crate identity, without a compiler in the way of what is measured.

use std::ops::Range;

/// A built library, and where its numbers are.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    built: Vec<u8>,
    numbers: Range<usize>,
}

/// Why a library has no place for a number.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum PatchError {
    /// Exactly one place can be the right one.
    #[error("its marker `{marker}` was found {found} times instead of once")]
    Marker { marker: String, found: usize },

    /// The numbers must be behind the marker.
    #[error("it ends before the numbers behind its marker")]
    Short,
}

impl Patch {
    /// Finds the place in `built` where `marker` is, and the `count` numbers behind it.
    pub(crate) fn new(
        built: Vec<u8>,
        marker: &[u8; 16],
        count: usize,
    ) -> Result<Patch, PatchError> {
        let places: Vec<usize> = built
            .windows(marker.len())
            .enumerate()
            .filter_map(|(at, window)| (window == marker).then_some(at))
            .collect();
        let [at] = places[..] else {
            let marker = String::from_utf8_lossy(marker).into_owned();
            return Err(PatchError::Marker { marker, found: places.len() });
        };
        let start = at + marker.len();
        let numbers = start..start + count * size_of::<u64>();
        if numbers.end > built.len() {
            return Err(PatchError::Short);
        }
        Ok(Patch { built, numbers })
    }

    /// The library as its version with these numbers; those that are not given stay as they were built.
    pub(crate) fn version(&self, numbers: &[u64]) -> Vec<u8> {
        let mut bytes = self.built.clone();
        let places = bytes[self.numbers.clone()].chunks_exact_mut(size_of::<u64>());
        for (place, number) in places.zip(numbers) {
            place.copy_from_slice(&number.to_ne_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: &[u8; 16] = b"LIVESWAP-BENCH-T";

    fn library(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn only_the_number_changes() {
        let built = library(&[b"head", MARKER, &0_u64.to_ne_bytes(), b"tail"]);
        let patch = Patch::new(built.clone(), MARKER, 1).unwrap();
        assert_eq!(patch.version(&[0]), built);
        let changed = library(&[b"head", MARKER, &513_u64.to_ne_bytes(), b"tail"]);
        assert_eq!(patch.version(&[513]), changed);
        assert_eq!(patch.version(&[513, 9]), changed, "there is no room for a second one");
    }

    #[test]
    fn several_numbers_stand_one_behind_the_other() {
        let numbers = |first: u64, second: u64| {
            library(&[MARKER, &first.to_ne_bytes(), &second.to_ne_bytes(), b"tail"])
        };
        let patch = Patch::new(numbers(0, 0), MARKER, 2).unwrap();
        assert_eq!(patch.version(&[513, 7]), numbers(513, 7));
        assert_eq!(patch.version(&[513]), numbers(513, 0));
        assert_eq!(Patch::new(numbers(0, 0), MARKER, 3).unwrap_err(), PatchError::Short);
    }

    #[test]
    fn a_marker_that_is_missing_or_there_twice_is_refused() {
        let number = 0_u64.to_ne_bytes();
        for (parts, found) in
            [(&[&b"none"[..]][..], 0), (&[MARKER, &number[..], MARKER, &number], 2)]
        {
            let error = Patch::new(library(parts), MARKER, 1).unwrap_err();
            let marker = "LIVESWAP-BENCH-T".to_owned();
            assert_eq!(error, PatchError::Marker { marker, found });
        }
    }

    #[test]
    fn a_file_that_ends_in_the_number_is_refused() {
        let error = Patch::new(library(&[MARKER, b"1234567"]), MARKER, 1).unwrap_err();
        assert_eq!(error, PatchError::Short);
    }
}
