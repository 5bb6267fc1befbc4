//! The hot crate: compiled with `--cfg hot` and without, and nothing else is different.

#[cfg(hot)]
use liveswap_macros::hot;

#[cfg(hot)]
liveswap_abi::hot_crate!();

pub struct World {
    pub speeds: Vec<f32>,
    pub wind: f32,
}

/// How much the wind counts.
#[cfg_attr(hot, hot)]
pub static DRAG: f32 = 0.25;

#[cfg(hot)]
fn drag() -> f32 {
    DRAG.get()
}

#[cfg(not(hot))]
fn drag() -> f32 {
    DRAG
}

/// Small enough to be inlined into its callers.
#[cfg_attr(hot, hot)]
pub fn limit(speed: f32) -> f32 {
    speed.clamp(-8.0, 8.0)
}

/// Too large for that.
#[cfg_attr(hot, hot)]
#[must_use]
pub fn energy(world: &mut World, (dt, mut rounds): (f32, u32)) -> f32 {
    let mut sum = 0.0;
    while rounds > 0 {
        rounds -= 1;
        for speed in &mut world.speeds {
            *speed = limit(speed.mul_add(0.99, world.wind * drag() * dt));
            sum += *speed * *speed;
        }
        if world.speeds.is_empty() {
            panic!("nothing moves");
        }
    }
    sum
}

#[cfg_attr(hot, hot)]
#[inline(never)]
pub extern "C" fn exported(value: u64) -> u64 {
    private(value ^ 7)
}

#[cfg_attr(hot, hot)]
fn private(value: u64) -> u64 {
    value.rotate_left(9)
}
