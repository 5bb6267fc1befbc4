//! How hunters prowl, and what they do when they see the light.

use liveswap_macros::hot;

use crate::{vec2::Vec2, world::World};

/// Seconds a new hunter rises before it bites.
pub(crate) const RISE_SECONDS: f32 = 1.5;
/// How far off a hunter sees the lantern, and how much farther for each depth.
const SIGHT: f32 = 24.0;
const SIGHT_PER_DEPTH: f32 = 1.5;
/// How fast it prowls.
const PROWL_SPEED: f32 = 7.0;
/// How fast it chases at the first depth, how much faster for each more, and at most.
const CHASE_SPEED: f32 = 17.0;
const CHASE_PER_DEPTH: f32 = 1.6;
const CHASE_MOST: f32 = 31.0;
/// How quickly it turns; less makes it easier to dodge.
const TURN: f32 = 3.0;
/// How far hunters keep from one another.
const ELBOW_ROOM: f32 = 9.0;

/// Moves every hunter.
#[hot]
pub(crate) fn hunt(world: &mut World, dt: f32) {
    let depth = world.depth as f32;
    let sight = SIGHT + SIGHT_PER_DEPTH * depth;
    let chase = (CHASE_SPEED + CHASE_PER_DEPTH * (depth - 1.0)).min(CHASE_MOST);
    let prey = (world.over.is_none() && world.player.safe <= 0.0).then_some(world.player.position);
    let places: Vec<Vec2> = world.hunters.iter().map(|hunter| hunter.position).collect();
    for (index, hunter) in world.hunters.iter_mut().enumerate() {
        hunter.age += dt;
        hunter.heading += (world.time * 0.7 + index as f32 * 1.9).sin() * dt;
        let seen = prey.filter(|prey| hunter.position.distance(*prey) < sight);
        let mut wish = match seen {
            Some(prey) => (prey - hunter.position).direction() * chase,
            None => Vec2::from_angle(hunter.heading) * PROWL_SPEED,
        };
        for (other, place) in places.iter().enumerate() {
            let away = hunter.position - *place;
            if other != index && away.length() < ELBOW_ROOM {
                wish += away.direction() * PROWL_SPEED;
            }
        }
        hunter.velocity += (wish - hunter.velocity) * (TURN * dt).min(1.0);
        let wanted = hunter.position + hunter.velocity * dt;
        hunter.position = wanted.inside(world.size, 1.0);
        if hunter.position != wanted {
            let inward = world.size * 0.5 - hunter.position;
            hunter.heading = inward.y.atan2(inward.x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::hunt;
    use crate::{
        spawn::fresh,
        vec2::Vec2,
        world::{Hunter, World},
    };

    fn world_with_hunter(distance: f32) -> World {
        let mut world = fresh(4, 200, 60);
        world.player.safe = 0.0;
        let position = world.player.position + Vec2::new(distance, 0.0);
        world.hunters = vec![Hunter { position, velocity: Vec2::ZERO, heading: 0.0, age: 9.0 }];
        world
    }

    fn distance_after_a_second(mut world: World) -> f32 {
        for _ in 0..60 {
            hunt(&mut world, 1.0 / 60.0);
        }
        world.hunters[0].position.distance(world.player.position)
    }

    #[test]
    fn a_hunter_chases_what_it_sees_and_only_that() {
        assert!(distance_after_a_second(world_with_hunter(20.0)) < 14.0);
        assert!(distance_after_a_second(world_with_hunter(60.0)) > 60.0);
        let mut safe = world_with_hunter(20.0);
        safe.player.safe = 5.0;
        assert!(distance_after_a_second(safe) > 20.0);
    }

    #[test]
    fn hunters_stay_in_bounds() {
        let mut world = world_with_hunter(30.0);
        world.size = Vec2::new(12.0, 8.0);
        for _ in 0..1200 {
            hunt(&mut world, 1.0 / 60.0);
            let at = world.hunters[0].position;
            assert_eq!(at, at.inside(world.size, 1.0));
        }
    }
}
