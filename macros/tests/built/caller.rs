//! Calls the functions of `logic`.

use logic::{World, energy, exported, limit};

#[inline(never)]
pub fn simulate(world: &mut World, rounds: u32) -> f32 {
    let pointer: extern "C" fn(u64) -> u64 = exported;
    world.wind = limit(world.wind) + pointer(u64::from(rounds)) as f32;
    energy(world, (0.5, rounds)) + energy(world, (0.25, rounds * 2))
}

/// A loop that does nothing but call.
#[inline(never)]
pub fn chained(mut speed: f32, calls: u32) -> f32 {
    for _ in 0..calls {
        speed = limit(speed);
    }
    speed
}
