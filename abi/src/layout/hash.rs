//! SipHash-2-4 with 128 bits, by Aumasson and Bernstein: small, well tested, and without a known way to collide by
//! accident, which is all that is asked of it: who builds an artifact runs it, so there is no adversary here.

/// What is to be hashed, in a form that can be read in one way only.
pub(super) struct Message(Vec<u8>);

impl Default for Message {
    fn default() -> Message {
        // Enough for most types and signatures, of which there are thousands in a large crate.
        Message(Vec::with_capacity(256))
    }
}

impl Message {
    pub(super) fn number(&mut self, number: u64) -> &mut Message {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(super) fn wide(&mut self, number: u128) -> &mut Message {
        self.0.extend(number.to_le_bytes());
        self
    }

    /// With its length before it, so that where it ends does not depend on what follows.
    pub(super) fn text(&mut self, text: &str) -> &mut Message {
        self.number(text.len() as u64);
        self.0.extend(text.as_bytes());
        self
    }

    pub(super) fn hash(&self) -> u128 {
        // Any key does; this one is the reference implementation's.
        siphash(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908, &self.0)
    }
}

fn siphash(key0: u64, key1: u64, message: &[u8]) -> u128 {
    let mut state = [
        key0 ^ 0x736f_6d65_7073_6575,
        key1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
        key0 ^ 0x6c79_6765_6e65_7261,
        key1 ^ 0x7465_6462_7974_6573,
    ];
    let (words, rest) = message.as_chunks::<8>();
    for word in words {
        absorb(&mut state, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = message.len() as u8;
    absorb(&mut state, u64::from_le_bytes(last));
    state[2] ^= 0xee;
    let low = squeeze(&mut state);
    state[1] ^= 0xdd;
    let high = squeeze(&mut state);
    u128::from(high) << 64 | u128::from(low)
}

fn absorb(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    round(state);
    state[0] ^= word;
}

fn squeeze(state: &mut [u64; 4]) -> u64 {
    for _ in 0..4 {
        round(state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// The first, the first of a whole word, and the last of the reference implementation's `vectors_sip128`: key 00 to 0f, message
    /// 00, 01, 02 and so on.
    #[test]
    fn the_reference_vectors_hold() {
        let message: Vec<u8> = (0..64).collect();
        let hash = |len: usize| {
            siphash(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908, &message[..len]).to_le_bytes()
        };
        let hexadecimal = |bytes: [u8; 16]| -> String {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        assert_eq!(hexadecimal(hash(0)), "a3817f04ba25a8e66df67214c7550293");
        assert_eq!(hexadecimal(hash(1)), "da87c1d86b99af44347659119b22fc45");
        assert_eq!(hexadecimal(hash(15)), "5493e99933b0a8117e08ec0f97cfc3d9");
    }

    #[test]
    fn texts_are_kept_apart() {
        let hash = |texts: [&str; 2]| Message::default().text(texts[0]).text(texts[1]).hash();
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
    }
}
