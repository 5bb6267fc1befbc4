//! What was found by fuzzing is tried with every change: each input as it is, and with a few bytes changed.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use liveswap_fuzz::{READERS, Reader};

/// Inputs of a reader, by name.
fn corpus(reader: Reader) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(reader.name);
    let entries = fs::read_dir(directory).expect("the corpus").flatten();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut inputs: Vec<_> = entries
        .map(|entry| (name(&entry.path()), fs::read(entry.path()).expect("an input")))
        .collect();
    inputs.sort();
    inputs
}

#[test]
fn every_input_is_read_to_its_end() {
    for reader in READERS {
        let (corpus, name) = (corpus(reader), reader.name);
        assert!(corpus.len() >= 20, "only {} inputs of {name} are there", corpus.len());
        let good = corpus.iter().filter(|(_, bytes)| (reader.read)(bytes)).count();
        assert!(good >= 1, "none of {name} is good, so nothing behind the first check is tried");
    }
}

#[test]
fn changes_of_every_input_are_read_to_their_end() {
    for reader in READERS {
        let until = Instant::now() + Duration::from_secs(3);
        let mut state = 0x5eed_u64;
        let mut below = |end: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % end.max(1) as u64) as usize
        };
        let corpus = corpus(reader);
        let mut tried = 0;
        while Instant::now() < until {
            let (_, bytes) = &corpus[below(corpus.len())];
            let mut bytes = bytes.clone();
            for _ in 0..=below(3) {
                let at = below(bytes.len());
                match (below(4), bytes.get_mut(at)) {
                    (0, Some(byte)) => *byte ^= 1 << below(8),
                    (1, Some(byte)) => *byte = [0, 1, 0x7f, 0xff][below(4)],
                    (2, Some(_)) => bytes.truncate(at),
                    (_, _) => bytes.insert(at.min(bytes.len()), below(256) as u8),
                }
            }
            (reader.read)(&bytes);
            tried += 1;
        }
        assert!(tried > 0, "no change of {} was tried", reader.name);
    }
}
