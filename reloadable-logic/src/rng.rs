//! The world's own source of chance.

use liveswap_macros::Layout;
use serde::{Deserialize, Serialize};

/// A small seeded generator (SplitMix64), part of the world so that a seed repeats a whole game.
#[derive(Clone, Debug, Default, PartialEq, Eq, Layout, Serialize, Deserialize)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// Makes a generator whose numbers depend on `seed` alone.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns the next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a number from 0 up to, but not including, 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// Returns a number between `low` and `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Returns true with the given chance, 0 for never and 1 for always.
    pub fn chance(&mut self, chance: f32) -> bool {
        self.unit() < chance
    }

    /// Returns a whole number below `end`, or 0 when `end` is 0.
    pub fn below(&mut self, end: u32) -> u32 {
        ((u64::from(end) * (self.bits() >> 32)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn numbers_stay_in_their_ranges() {
        let mut rng = Rng::new(7);
        for _ in 0..10_000 {
            assert!((0.0..1.0).contains(&rng.unit()));
            assert!(rng.below(5) < 5);
            assert!((-2.0..=3.0).contains(&rng.between(-2.0, 3.0)));
        }
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn every_value_below_the_end_is_met() {
        let mut rng = Rng::new(1);
        let mut seen = [false; 6];
        for _ in 0..500 {
            seen[rng.below(6) as usize] = true;
        }
        assert_eq!(seen, [true; 6]);
    }
}
