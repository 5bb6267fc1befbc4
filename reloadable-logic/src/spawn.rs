//! How a world begins, and what appears in it later.

use liveswap_abi::state::{OpenError, State};
use liveswap_macros::hot;

use crate::{
    palette::SCHOOLS,
    rng::Rng,
    vec2::Vec2,
    world::{Hunter, Mote, Player, World},
};

/// How much sea one mote needs; less makes the sea fuller.
const SEA_PER_MOTE: f32 = 68.0;
/// The smallest and the largest number of motes that the sea is filled up to.
const MOTES: (usize, usize) = (6, 160);
/// Motes that appear together.
const SCHOOL_SIZE: (u32, u32) = (5, 11);
/// Seconds between schools.
const SCHOOL_SECONDS: f32 = 2.0;
/// One mote in how many is golden, as a chance.
const GOLDEN_CHANCE: f32 = 0.03;
/// Hunters at the first depth and at the most.
const HUNTERS: (usize, usize) = (2, 12);
/// Seconds between hunters.
const HUNTER_SECONDS: f32 = 2.5;
/// How far from the lantern a hunter appears.
const HUNTER_DISTANCE: f32 = 22.0;
/// Lives at the start of a round.
const LIVES: u32 = 3;
/// Seconds without harm at the start of a round.
const START_SAFE: f32 = 3.0;

/// Makes a filled world for a canvas of `columns` by `rows`, or takes up the one that the last run of the program left; the
/// same seed gives the same new world.
///
/// It is made here, and not in the host, because here the newest form of a world is known.
#[hot]
#[must_use]
pub fn new_world(seed: u64, columns: u16, rows: u16) -> State<World> {
    let world = State::named("world", || fresh(seed, columns, rows));
    // Nobody else has it yet; what was left may have been played on a canvas of another size.
    let _ = world.with(|world| fit(world, columns, rows));
    world
}

/// Makes a filled world.
pub(crate) fn fresh(seed: u64, columns: u16, rows: u16) -> World {
    let mut world = World {
        size: size_of(columns, rows),
        time: 0.0,
        rng: Rng::new(seed),
        player: Player::default(),
        motes: Vec::new(),
        hunters: Vec::new(),
        sparks: Vec::new(),
        score: 0,
        best: 0,
        lives: 0,
        combo: 0,
        combo_left: 0.0,
        caught: 0,
        depth: 1,
        next_school: 0.0,
        next_hunter: 0.0,
        over: None,
    };
    new_round(&mut world);
    while world.motes.len() < mote_goal(world.size) {
        add_school(&mut world, false);
    }
    world
}

/// Fits a running world to a canvas of another size.
///
/// # Errors
///
/// When the world cannot be opened: a swap has just given it another form, or somebody has it open.
#[hot]
pub fn resize(world: &State<World>, columns: u16, rows: u16) -> Result<(), OpenError> {
    world.with(|world| fit(world, columns, rows))
}

/// Fits a world to a canvas; everything keeps its relative place.
pub(crate) fn fit(world: &mut World, columns: u16, rows: u16) {
    let size = size_of(columns, rows);
    if world.size == size {
        return;
    }
    let (x, y) = (size.x / world.size.x, size.y / world.size.y);
    let moved = |at: Vec2| Vec2::new(at.x * x, at.y * y).inside(size, 0.5);
    world.size = size;
    world.player.position = moved(world.player.position);
    world.motes.iter_mut().for_each(|mote| mote.position = moved(mote.position));
    world.hunters.iter_mut().for_each(|hunter| hunter.position = moved(hunter.position));
    world.sparks.iter_mut().for_each(|spark| spark.position = moved(spark.position));
}

/// Brings in schools and hunters when their time has come.
#[hot]
pub(crate) fn restock(world: &mut World, dt: f32) {
    world.next_school -= dt;
    if world.next_school <= 0.0 && world.motes.len() < mote_goal(world.size) {
        add_school(world, true);
        world.next_school = SCHOOL_SECONDS;
    }
    world.next_hunter -= dt;
    let hunters = (HUNTERS.0 + world.depth as usize - 1).min(HUNTERS.1);
    if world.over.is_none() && world.next_hunter <= 0.0 && world.hunters.len() < hunters {
        add_hunter(world);
        world.next_hunter = HUNTER_SECONDS;
    }
}

/// Starts a round in the same sea.
pub(crate) fn new_round(world: &mut World) {
    world.player =
        Player { position: world.size * 0.5, energy: 1.0, safe: START_SAFE, ..Player::default() };
    world.hunters.clear();
    world.score = 0;
    world.lives = LIVES;
    world.combo = 0;
    world.caught = 0;
    world.depth = 1;
    world.next_hunter = START_SAFE;
    world.over = None;
}

/// A cell is two units high and one wide, so that a unit is about square on the screen.
fn size_of(columns: u16, rows: u16) -> Vec2 {
    Vec2::new(f32::from(columns.max(1)), 2.0 * f32::from(rows.max(1)))
}

fn mote_goal(size: Vec2) -> usize {
    ((size.x * size.y / SEA_PER_MOTE) as usize).clamp(MOTES.0, MOTES.1)
}

fn add_school(world: &mut World, from_edge: bool) {
    let World { size, rng, motes, .. } = world;
    let school = rng.below(SCHOOLS.len() as u32);
    let middle = if from_edge {
        edge_place(rng, *size)
    } else {
        Vec2::new(rng.between(0.0, size.x), rng.between(0.0, size.y))
    };
    let course = (*size * 0.5 - middle).direction() * 10.0;
    let count = SCHOOL_SIZE.0 + rng.below(SCHOOL_SIZE.1 - SCHOOL_SIZE.0 + 1);
    for _ in 0..count {
        let scatter = Vec2::from_angle(rng.between(0.0, std::f32::consts::TAU));
        motes.push(Mote {
            position: (middle + scatter * rng.between(0.5, 4.0)).inside(*size, 0.5),
            velocity: course + scatter * 3.0,
            school,
            golden: rng.chance(GOLDEN_CHANCE),
        });
    }
}

fn add_hunter(world: &mut World) {
    let World { size, rng, player, hunters, .. } = world;
    let mut position = edge_place(rng, *size);
    for _ in 0..8 {
        if position.distance(player.position) >= HUNTER_DISTANCE {
            break;
        }
        position = edge_place(rng, *size);
    }
    let inward = *size * 0.5 - position;
    let heading = inward.y.atan2(inward.x);
    hunters.push(Hunter { position, velocity: Vec2::ZERO, heading, age: 0.0 });
}

fn edge_place(rng: &mut Rng, size: Vec2) -> Vec2 {
    let along = rng.unit();
    let place = match rng.below(4) {
        0 => Vec2::new(along * size.x, 0.0),
        1 => Vec2::new(along * size.x, size.y),
        2 => Vec2::new(0.0, along * size.y),
        _ => Vec2::new(size.x, along * size.y),
    };
    place.inside(size, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{MOTES, fit, fresh};
    use crate::{autopilot::choose, rules::step};

    #[test]
    fn a_seed_repeats_a_whole_game() {
        let play = |seed| {
            let mut world = fresh(seed, 80, 23);
            for _ in 0..900 {
                let input = choose(&world);
                step(&mut world, input, 1.0 / 60.0);
            }
            world
        };
        let first = play(42);
        assert!(first.score > 0, "the autopilot catches something in 15 seconds");
        assert_eq!(first, play(42));
        assert_ne!(first, play(43));
    }

    #[test]
    fn resizing_keeps_everything_inside() {
        let mut world = fresh(9, 200, 60);
        for (columns, rows) in [(80, 23), (1, 1), (0, 0), (300, 90)] {
            fit(&mut world, columns, rows);
            assert_eq!(world.size.x, f32::from(columns.max(1)));
            let inside = |at: crate::Vec2| at == at.inside(world.size, 0.0);
            assert!(inside(world.player.position));
            assert!(world.motes.iter().all(|mote| inside(mote.position)));
        }
    }

    #[test]
    fn the_sea_is_never_empty_or_endless() {
        let largest = fresh(1, u16::MAX, u16::MAX).motes.len();
        assert!(largest >= MOTES.1 && largest < MOTES.1 + 16, "{largest} motes");
        assert!(fresh(1, 0, 0).motes.len() >= MOTES.0);
    }
}
