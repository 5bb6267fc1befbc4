//! What counts: catching, being caught, combos, depth. The order of a frame is here too.

use liveswap_abi::state::{OpenError, State};
use liveswap_macros::hot;

use crate::{
    flock::flock,
    hunters::hunt,
    player::{DASH_GAIN, steer},
    sparks,
    spawn::{self, restock},
    vec2::Vec2,
    world::{Input, Standing, Tint, World},
};

/// Points for a mote, before the combo.
const MOTE_POINTS: u32 = 10;
/// Points for a golden mote, before the combo.
const GOLDEN_POINTS: u32 = 75;
/// Points for breaking a hunter by dashing through it, before the combo.
const HUNTER_POINTS: u32 = 50;
/// How near the lantern must come to catch a mote.
const CATCH_REACH: f32 = 2.6;
/// How near a hunter must come to bite.
const BITE_REACH: f32 = 2.2;
/// Seconds within which the next catch continues a combo.
const COMBO_SECONDS: f32 = 1.2;
/// The largest multiplier.
const COMBO_MOST: u32 = 9;
/// Motes to catch before the next depth.
const MOTES_PER_DEPTH: u32 = 25;
/// Seconds without harm after a bite.
const SAFE_SECONDS: f32 = 2.5;
/// Seconds a round stays over before a dash may start the next.
const REST_SECONDS: f32 = 1.0;
/// The longest step, in seconds; a stalled host makes the game slow, not wild. A host that reads it sees the newest value.
#[hot]
pub static LONGEST_STEP: f32 = 0.05;

/// Returns the game's name for window titles and logs.
#[hot]
#[must_use]
pub fn title() -> String {
    "Lumen: catch the light".to_owned()
}

/// Says how the game stands.
///
/// # Errors
///
/// When the world cannot be opened: a swap has just given it another form, or somebody has it open.
#[hot]
pub fn standing(world: &State<World>) -> Result<Standing, OpenError> {
    let world = world.look()?;
    Ok(Standing {
        score: world.score,
        lives: world.lives,
        motes: world.motes.len(),
        hunters: world.hunters.len(),
        sparks: world.sparks.len(),
    })
}

/// Moves the world on by `dt` seconds.
///
/// # Errors
///
/// As [`standing`].
#[hot]
pub fn tick(world: &State<World>, input: Input, dt: f32) -> Result<(), OpenError> {
    world.with(|world| step(world, input, dt))
}

/// One frame.
pub(crate) fn step(world: &mut World, input: Input, dt: f32) {
    let dt = dt.clamp(0.0, LONGEST_STEP.get());
    world.time += dt;
    match world.over {
        Some(rest) if input.dash && rest > REST_SECONDS => spawn::new_round(world),
        Some(rest) => world.over = Some(rest + dt),
        None => steer(world, input, dt),
    }
    flock(world, dt);
    hunt(world, dt);
    if world.over.is_none() {
        catch_motes(world);
        meet_hunters(world);
        world.combo_left -= dt;
        if world.combo_left <= 0.0 {
            world.combo = 0;
        }
        world.depth = 1 + world.caught / MOTES_PER_DEPTH;
    }
    restock(world, dt);
    sparks::fade(world, dt);
}

fn catch_motes(world: &mut World) {
    let at = world.player.position;
    let mut caught = Vec::new();
    world.motes.retain(|mote| {
        let near = mote.position.distance(at) < CATCH_REACH;
        if near {
            caught.push(mote.clone());
        }
        !near
    });
    for mote in caught {
        world.caught += 1;
        let (points, tint) = if mote.golden {
            (GOLDEN_POINTS, Tint::Gold)
        } else {
            (MOTE_POINTS, Tint::School(mote.school))
        };
        reward(world, points);
        sparks::burst(world, mote.position, tint);
    }
}

fn meet_hunters(world: &mut World) {
    let at = world.player.position;
    let bites = |hunter: &crate::world::Hunter| {
        hunter.age > crate::hunters::RISE_SECONDS && hunter.position.distance(at) < BITE_REACH
    };
    let Some(index) = world.hunters.iter().position(bites) else { return };
    if world.player.dashing > 0.0 {
        let hunter = world.hunters.swap_remove(index);
        reward(world, HUNTER_POINTS);
        sparks::burst(world, hunter.position, Tint::Ember);
    } else if world.player.safe <= 0.0 {
        bite(world, at);
    }
}

fn reward(world: &mut World, points: u32) {
    world.combo = (world.combo + 1).min(COMBO_MOST);
    world.combo_left = COMBO_SECONDS;
    world.score = world.score.saturating_add(points * world.combo);
    world.best = world.best.max(world.score);
    world.player.energy = (world.player.energy + DASH_GAIN).min(1.0);
}

fn bite(world: &mut World, at: Vec2) {
    world.lives = world.lives.saturating_sub(1);
    world.combo = 0;
    world.player.safe = SAFE_SECONDS;
    for _ in 0..3 {
        sparks::burst(world, at, Tint::Ember);
    }
    if world.lives == 0 {
        world.over = Some(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::{COMBO_MOST, MOTE_POINTS, REST_SECONDS, step};
    use crate::{
        spawn::fresh,
        vec2::Vec2,
        world::{Hunter, Input, Mote, World},
    };

    const FRAME: f32 = 1.0 / 60.0;

    fn empty() -> World {
        let mut world = fresh(3, 80, 23);
        world.motes.clear();
        world.hunters.clear();
        world
    }

    fn mote_at(position: Vec2) -> Mote {
        Mote { position, velocity: Vec2::ZERO, school: 0, golden: false }
    }

    fn hunter_at(position: Vec2) -> Hunter {
        Hunter { position, velocity: Vec2::ZERO, heading: 0.0, age: 60.0 }
    }

    #[test]
    fn quick_catches_multiply_and_a_pause_ends_the_combo() {
        let mut world = empty();
        for expected in [MOTE_POINTS, 3 * MOTE_POINTS] {
            world.motes = vec![mote_at(world.player.position)];
            step(&mut world, Input::default(), FRAME);
            assert_eq!(world.score, expected);
        }
        world.motes = vec![mote_at(world.player.position); 40];
        step(&mut world, Input::default(), FRAME);
        assert_eq!(world.combo, COMBO_MOST);
        assert_eq!(world.depth, 2, "42 motes lead one deeper");
        for _ in 0..120 {
            world.motes.clear();
            step(&mut world, Input::default(), FRAME);
        }
        assert_eq!(world.combo, 0);
    }

    #[test]
    fn a_bite_costs_one_life_and_the_last_one_ends_the_round() {
        let mut world = empty();
        world.player.safe = 0.0;
        world.hunters = vec![hunter_at(world.player.position)];
        let lives = world.lives;
        step(&mut world, Input::default(), FRAME);
        step(&mut world, Input::default(), FRAME);
        assert_eq!(world.lives, lives - 1, "the second frame is a safe one");

        world.lives = 1;
        world.player.safe = 0.0;
        world.hunters = vec![hunter_at(world.player.position)];
        step(&mut world, Input::default(), FRAME);
        assert_eq!(world.over, Some(0.0));

        let dash = Input { dash: true, ..Input::default() };
        step(&mut world, dash, FRAME);
        assert!(world.over.is_some(), "a dash held from the round before does not count");
        world.over = Some(REST_SECONDS + FRAME);
        world.score = 5;
        step(&mut world, dash, FRAME);
        assert_eq!((world.over, world.score), (None, 0));
    }

    #[test]
    fn a_dash_breaks_a_hunter() {
        let mut world = empty();
        world.player.safe = 0.0;
        world.hunters = vec![hunter_at(world.player.position)];
        let before = world.lives;
        step(&mut world, Input { steer: Vec2::ZERO, dash: true }, FRAME);
        assert_eq!(world.lives, before);
        assert!(world.hunters.is_empty());
        assert!(world.score > 0);
    }

    #[test]
    fn no_corner_is_safe_for_a_mote() {
        for (x, y) in [(0.0, 0.0), (80.0, 0.0), (0.0, 46.0), (80.0, 46.0)] {
            let mut world = empty();
            world.motes = vec![mote_at(Vec2::new(x, y))];
            world.player.position = Vec2::new(x, y);
            step(&mut world, Input::default(), FRAME);
            assert_eq!(world.caught, 1, "of the mote in the corner at {x}, {y}");
        }
    }

    #[test]
    fn a_stalled_host_does_not_throw_anything_far() {
        let mut world = fresh(5, 80, 23);
        let before = world.motes[0].position;
        step(&mut world, Input::default(), 1000.0);
        assert!(world.motes[0].position.distance(before) < 4.0);
    }
}
