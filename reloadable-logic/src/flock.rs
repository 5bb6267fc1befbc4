//! How motes swim: together, apart, and away from what frightens them.

use liveswap_macros::hot;

use crate::{
    vec2::Vec2,
    world::{Mote, World},
};

/// How far a mote sees its neighbors.
const SIGHT: f32 = 11.0;
/// Nearer than this, neighbors are too near.
const ELBOW_ROOM: f32 = 4.4;
/// How much a mote turns the way its school swims.
const ALIGN: f32 = 2.2;
/// How much it is drawn to the middle of its school.
const GATHER: f32 = 0.8;
/// How much it keeps away from neighbors.
const SPREAD: f32 = 34.0;
/// How far off the lantern frightens it.
const FEAR_SIGHT: f32 = 11.0;
/// How much it is frightened.
const FEAR: f32 = 150.0;
/// How much faster fear lets it swim.
const FEAR_HASTE: f32 = 0.9;
/// How much it meanders.
const WANDER: f32 = 9.0;
/// How far from the edge it turns back, and how hard.
const EDGE: f32 = 6.0;
const EDGE_TURN: f32 = 60.0;
/// How near it ever comes to the edge; always within the lantern's reach.
const WALL: f32 = 2.0;
/// The speeds a mote keeps between, how soon it is back at the lower one, and how much faster a
/// golden one is.
const SPEED: (f32, f32) = (6.0, 18.0);
const QUICKEN: f32 = 4.0;
const GOLDEN_HASTE: f32 = 1.45;

/// Moves every mote.
#[hot]
pub(crate) fn flock(world: &mut World, dt: f32) {
    let before = world.motes.clone();
    let fright = world.over.is_none().then_some(world.player.position);
    for (index, mote) in world.motes.iter_mut().enumerate() {
        let mut pull = school(mote, index, &before) + edges(mote.position, world.size);
        let fear = fright.map_or(Vec2::ZERO, |fright| fear(mote.position, fright));
        pull += fear * FEAR;
        let sway = (world.time * 1.3 + index as f32 * 2.4).sin();
        let heading = mote.velocity.direction();
        pull += Vec2::new(-heading.y, heading.x) * (sway * WANDER);

        let haste = if mote.golden { GOLDEN_HASTE } else { 1.0 } + fear.length() * FEAR_HASTE;
        // Too slow is made good by and by, so that a mote can still turn on the spot.
        pull += heading * ((SPEED.0 - mote.velocity.length()).max(0.0) * QUICKEN);
        mote.velocity = (mote.velocity + pull * dt).at_most(SPEED.1 * haste);
        mote.position = (mote.position + mote.velocity * dt).inside(world.size, WALL);
    }
}

/// The three rules of a school: swim alike, stay together, keep apart.
fn school(mote: &Mote, index: usize, all: &[Mote]) -> Vec2 {
    let (mut count, mut middle, mut course) = (0.0, Vec2::ZERO, Vec2::ZERO);
    let mut apart = Vec2::ZERO;
    for (other_index, other) in all.iter().enumerate() {
        let away = mote.position - other.position;
        let distance_squared = away.length_squared();
        if other_index == index || distance_squared > SIGHT * SIGHT {
            continue;
        }
        if distance_squared < ELBOW_ROOM * ELBOW_ROOM {
            let distance = distance_squared.sqrt();
            apart += away.direction() * (1.0 - distance / ELBOW_ROOM);
        }
        if other.school == mote.school {
            count += 1.0;
            middle += other.position;
            course += other.velocity;
        }
    }
    let mut pull = apart * SPREAD;
    if count > 0.0 {
        pull += (course * (1.0 / count) - mote.velocity) * ALIGN;
        pull += (middle * (1.0 / count) - mote.position) * GATHER;
    }
    pull
}

/// Away from what frightens, with a length from 0 far off to 1 at its side.
fn fear(position: Vec2, fright: Vec2) -> Vec2 {
    let away = position - fright;
    let nearness = 1.0 - away.length() / FEAR_SIGHT;
    away.direction() * nearness.max(0.0)
}

/// Turns back from the sides, the harder the nearer.
fn edges(position: Vec2, size: Vec2) -> Vec2 {
    let turn = |value: f32, size: f32| {
        let near_start = (1.0 - value / EDGE).max(0.0);
        let near_end = (1.0 - (size - value) / EDGE).max(0.0);
        (near_start - near_end) * EDGE_TURN
    };
    Vec2::new(turn(position.x, size.x), turn(position.y, size.y))
}

#[cfg(test)]
mod tests {
    use super::flock;
    use crate::{spawn::fresh, vec2::Vec2, world::Mote};

    #[test]
    fn motes_stay_in_bounds_for_a_minute() {
        for (columns, rows) in [(80, 23), (1, 1), (200, 60)] {
            let mut world = fresh(11, columns, rows);
            assert!(!world.motes.is_empty());
            let frames = if columns > 100 { 300 } else { 3600 };
            for _ in 0..frames {
                flock(&mut world, 1.0 / 60.0);
            }
            for mote in &world.motes {
                let Vec2 { x, y } = mote.position;
                assert!((0.0..=world.size.x).contains(&x), "{x} of {columns} columns");
                assert!((0.0..=world.size.y).contains(&y), "{y} of {rows} rows");
            }
        }
    }

    #[test]
    fn a_mote_flees_the_lantern() {
        let mut world = fresh(2, 80, 23);
        let start = world.player.position + Vec2::new(4.0, 0.0);
        let velocity = Vec2::new(-6.0, 0.0);
        world.motes = vec![Mote { position: start, velocity, school: 0, golden: false }];
        for _ in 0..60 {
            flock(&mut world, 1.0 / 60.0);
        }
        assert!(world.motes[0].position.distance(world.player.position) > 8.0);
    }

    #[test]
    fn a_school_turns_the_same_way() {
        let mut world = fresh(2, 80, 23);
        world.player.position = Vec2::new(2.0, 2.0);
        let at = |x: f32, y: f32, vx: f32, vy: f32| Mote {
            position: Vec2::new(x, y),
            velocity: Vec2::new(vx, vy),
            school: 1,
            golden: false,
        };
        world.motes = vec![at(40.0, 20.0, 8.0, 8.0), at(44.0, 20.0, 8.0, -8.0)];
        for _ in 0..60 {
            flock(&mut world, 1.0 / 60.0);
        }
        let (a, b) = (world.motes[0].velocity, world.motes[1].velocity);
        let alike = (a.x * b.x + a.y * b.y) / (a.length() * b.length());
        assert!(alike > 0.8, "cosine {alike}, from 0 at the start");
    }
}
