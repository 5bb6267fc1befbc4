//! Artifacts that must not be swapped in, each with the step that has to find out.

use liveswap::Step;

/// What is wrong with an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Empty,
    CutShort,
    FlippedBit,
    NotALibrary,
    OtherLibrary,
    BrokenManifest,
    OtherCrate,
    OtherCompiler,
    NoSymbol,
    Signature,
    Veto,
    PanicInCheck,
    UnreadableState,
    PanicInMigration,
    /// Nothing: it is what is current already.
    Again,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Fault; 15] = [
        Fault::Empty,
        Fault::CutShort,
        Fault::FlippedBit,
        Fault::NotALibrary,
        Fault::OtherLibrary,
        Fault::BrokenManifest,
        Fault::OtherCrate,
        Fault::OtherCompiler,
        Fault::NoSymbol,
        Fault::Signature,
        Fault::Veto,
        Fault::PanicInCheck,
        Fault::UnreadableState,
        Fault::PanicInMigration,
        Fault::Again,
    ];

    /// The step that refuses it; none where it is found to be the current one.
    pub(crate) fn refused_at(self) -> Option<Step> {
        Some(match self {
            Fault::Empty | Fault::CutShort | Fault::FlippedBit | Fault::NotALibrary => Step::Settle,
            Fault::OtherLibrary
            | Fault::BrokenManifest
            | Fault::OtherCrate
            | Fault::OtherCompiler
            | Fault::NoSymbol => Step::Verify,
            Fault::Signature => Step::Check,
            Fault::Veto | Fault::PanicInCheck => Step::SelfCheck,
            Fault::UnreadableState | Fault::PanicInMigration => Step::Migrate,
            Fault::Again => return None,
        })
    }

    /// The number that the hot crate knows it by; 0 where it is a fault of the file.
    pub(crate) fn number(self) -> u64 {
        use bench_hostile::fault::number;
        match self {
            Fault::Signature => number::SIGNATURE,
            Fault::Veto => number::VETO,
            Fault::PanicInCheck => number::PANIC_IN_CHECK,
            Fault::UnreadableState => number::UNREADABLE_STATE,
            Fault::PanicInMigration => number::PANIC_IN_MIGRATION,
            _ => 0,
        }
    }

    /// What becomes of a good file; `other` is a library of somebody else.
    pub(crate) fn spoil(self, good: Vec<u8>, other: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
        match self {
            Fault::Empty => Vec::new(),
            Fault::CutShort => good[..rng.usize(1..good.len())].to_vec(),
            Fault::FlippedBit => flipped(good, rng),
            Fault::NotALibrary => b"error: could not compile `bench-hostile`\n".to_vec(),
            Fault::OtherLibrary => other.to_vec(),
            Fault::BrokenManifest => replaced(good, b"LVSWAP\n", b"LVSWOP\n"),
            Fault::OtherCrate => replaced(good, b"crate=bench_hostile\n", b"crate=bunch_hostile\n"),
            Fault::OtherCompiler => replaced(good, b"\nrustc=rustc ", b"\nrustc=resin "),
            Fault::NoSymbol => replaced(good, b"\0__liveswap_", b"\0__deadswap_"),
            _ => good,
        }
    }
}

/// With one other bit in what says which kind of file it is.
///
/// Of most other headers, a flipped bit gives a file that is whole and that no step before the loader could know to be
/// wrong.
fn flipped(mut bytes: Vec<u8>, rng: &mut fastrand::Rng) -> Vec<u8> {
    let magic_class_and_order = 0..6;
    if let Some(byte) = bytes.get_mut(rng.usize(magic_class_and_order)) {
        *byte ^= 1 << rng.u8(0..8);
    }
    bytes
}

/// With `to` wherever `from` stood.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_file_changes_it_and_no_other_does() {
        let good = b"\x7fELF\x02\x01 \x7fLVSWAP\n\x10\0\0\0crate=bench_hostile\nrustc=rustc 1 \0__liveswap_x\0".to_vec();
        let mut rng = fastrand::Rng::with_seed(7);
        for fault in Fault::ALL {
            let changed = fault.spoil(good.clone(), b"other", &mut rng) != good;
            let inside = fault.number() != 0 || fault == Fault::Again;
            assert_ne!(changed, inside, "{fault:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whichever_bit_is_flipped_it_is_no_library_any_more() {
        let mut bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        liveswap::watch::extent::of_bytes(&bytes).unwrap();
        for bit in 0..48 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(liveswap::watch::extent::of_bytes(&bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn one_bit_of_the_first_six_bytes_is_flipped() {
        let good = vec![0_u8; 100];
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..100 {
            let bytes = flipped(good.clone(), &mut rng);
            assert_eq!(bytes[..6].iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
            assert_eq!(bytes[6..], good[6..]);
        }
    }
}
