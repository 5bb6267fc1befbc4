//! Wakes and bursts: light that only pleases.

use crate::{
    vec2::Vec2,
    world::{Spark, Tint, World},
};

/// Seconds a spark glows.
pub(crate) const SPARK_SECONDS: f32 = 0.9;
/// Sparks in a burst, and how fast they fly.
const BURST_SPARKS: u32 = 10;
const BURST_SPEED: (f32, f32) = (4.0, 22.0);
/// How much the water slows a spark; larger is sooner.
const WATER: f32 = 3.0;
/// How fast sparks drift up.
const RISE: f32 = 2.5;
/// The most sparks at a time; the oldest make room.
const MOST_SPARKS: usize = 260;

/// Throws sparks in all directions.
pub(crate) fn burst(world: &mut World, position: Vec2, tint: Tint) {
    for _ in 0..BURST_SPARKS {
        let angle = world.rng.between(0.0, std::f32::consts::TAU);
        let speed = world.rng.between(BURST_SPEED.0, BURST_SPEED.1);
        let life = world.rng.between(0.4, SPARK_SECONDS);
        world.sparks.push(Spark {
            position,
            velocity: Vec2::from_angle(angle) * speed,
            life,
            tint,
        });
    }
}

/// Leaves a spark behind the lantern.
pub(crate) fn wake(world: &mut World) {
    let sway = world.rng.between(-3.0, 3.0);
    let back = world.player.velocity * -0.12;
    let life = world.rng.between(0.3, 0.7);
    world.sparks.push(Spark {
        position: world.player.position,
        velocity: back + Vec2::new(-back.y, back.x).direction() * sway,
        life,
        tint: Tint::Wake,
    });
}

/// Moves sparks on and lets old ones go out.
pub(crate) fn fade(world: &mut World, dt: f32) {
    let slow = (-WATER * dt).exp();
    for spark in &mut world.sparks {
        spark.life -= dt;
        spark.position += spark.velocity * dt;
        spark.velocity = spark.velocity * slow + Vec2::new(0.0, -RISE * dt);
    }
    world.sparks.retain(|spark| spark.life > 0.0);
    let surplus = world.sparks.len().saturating_sub(MOST_SPARKS);
    world.sparks.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use super::{BURST_SPARKS, MOST_SPARKS, burst, fade};
    use crate::{spawn::fresh, vec2::Vec2, world::Tint};

    #[test]
    fn sparks_are_bounded_and_go_out() {
        let mut world = fresh(1, 80, 23);
        for _ in 0..100 {
            burst(&mut world, Vec2::new(9.0, 9.0), Tint::Gold);
        }
        assert_eq!(world.sparks.len(), 100 * BURST_SPARKS as usize);
        fade(&mut world, 0.01);
        assert_eq!(world.sparks.len(), MOST_SPARKS);
        for _ in 0..100 {
            fade(&mut world, 0.01);
        }
        assert!(world.sparks.is_empty());
    }
}
