//! How the lantern moves.

use liveswap_macros::hot;

use crate::{
    sparks,
    vec2::Vec2,
    world::{Input, World},
};

/// How hard steering pulls, in units a second squared.
const THRUST: f32 = 190.0;
/// How fast a lantern that is not steered comes to rest; larger is sooner.
const DRAG: f32 = 4.2;
/// The fastest it swims.
const TOP_SPEED: f32 = 34.0;
/// How fast a dash is.
const DASH_SPEED: f32 = 88.0;
/// Seconds a dash takes.
const DASH_SECONDS: f32 = 0.24;
/// What a dash costs, of an energy of one.
pub(crate) const DASH_COST: f32 = 0.34;
/// Energy that comes back in a second.
const DASH_REGAIN: f32 = 0.07;
/// Energy that a catch gives.
pub(crate) const DASH_GAIN: f32 = 0.015;
/// How far from the edge the lantern stays; two units at the top are under the top line.
const EDGE: f32 = 2.5;
/// Speed above which it leaves a wake.
const WAKE_SPEED: f32 = 10.0;

/// Moves the player by what `input` asks for.
#[hot]
pub(crate) fn steer(world: &mut World, input: Input, dt: f32) {
    let size = world.size;
    let player = &mut world.player;
    let wish = input.steer.at_most(1.0);
    if input.dash && player.energy >= DASH_COST {
        let ahead = if wish == Vec2::ZERO { player.velocity.direction() } else { wish.direction() };
        player.energy -= DASH_COST;
        player.dashing = DASH_SECONDS;
        player.velocity = ahead * DASH_SPEED;
    }
    if player.dashing > 0.0 {
        player.dashing -= dt;
    } else {
        player.velocity += wish * (THRUST * dt);
        if wish == Vec2::ZERO {
            player.velocity = player.velocity * (-DRAG * dt).exp();
        }
        player.velocity = player.velocity.at_most(TOP_SPEED);
    }
    player.energy = (player.energy + DASH_REGAIN * dt).min(1.0);
    player.safe = (player.safe - dt).max(0.0);

    let wanted = player.position + player.velocity * dt;
    player.position = wanted.inside(size, EDGE);
    if player.position.x != wanted.x {
        player.velocity.x = 0.0;
    }
    if player.position.y != wanted.y {
        player.velocity.y = 0.0;
    }
    if player.velocity.length() > WAKE_SPEED {
        sparks::wake(world);
    }
}

#[cfg(test)]
mod tests {
    use super::{DASH_COST, EDGE, TOP_SPEED, steer};
    use crate::{spawn::fresh, vec2::Vec2, world::Input};

    #[test]
    fn the_player_stops_at_every_edge() {
        for toward in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (9.0, 9.0)] {
            let mut world = fresh(1, 80, 23);
            let steer_to = Vec2::new(toward.0, toward.1);
            for frame in 0..600 {
                let input = Input { steer: steer_to, dash: frame % 40 == 0 };
                steer(&mut world, input, 1.0 / 60.0);
                let at = world.player.position;
                assert_eq!(at, at.inside(world.size, EDGE));
            }
            assert!(world.player.velocity.length() < 1.0, "the wall takes the speed away");
        }
    }

    #[test]
    fn a_dash_needs_energy_and_ends() {
        let mut world = fresh(1, 200, 60);
        let right = Input { steer: Vec2::new(1.0, 0.0), dash: true };
        world.player.energy = DASH_COST / 2.0;
        steer(&mut world, right, 0.01);
        assert!(world.player.velocity.length() <= TOP_SPEED);
        world.player.energy = 1.0;
        steer(&mut world, right, 0.01);
        assert!(world.player.velocity.length() > TOP_SPEED);
        for _ in 0..60 {
            steer(&mut world, Input::default(), 0.01);
        }
        assert!(world.player.velocity.length() < TOP_SPEED);
    }
}
