//! What the picture shows, back to front: water, plankton, sparks, motes, hunters, the lantern.

use liveswap_abi::state::{OpenError, State};
use liveswap_macros::hot;

use crate::{
    canvas::{Canvas, Rgb},
    hud::hud,
    hunters::RISE_SECONDS,
    light::{Light, between},
    palette,
    rng::Rng,
    sparks::SPARK_SECONDS,
    vec2::Vec2,
    world::{Hunter, Mote, World},
};

/// How far and how brightly the lantern shines, and how quickly it breathes.
const LANTERN_RADIUS: f32 = 15.0;
const LANTERN_STRENGTH: f32 = 0.42;
const LANTERN_BREATH: f32 = 2.2;
/// How far and how brightly a mote shines.
const MOTE_RADIUS: f32 = 1.5;
const MOTE_STRENGTH: f32 = 1.3;
/// The points of a mote's tail, and how far apart they are.
const TAIL_POINTS: u32 = 3;
const TAIL_STEP: f32 = 1.1;
/// How far and how brightly a hunter glows.
const HUNTER_RADIUS: f32 = 6.5;
const HUNTER_STRENGTH: f32 = 0.75;
/// How far and how brightly a fresh spark shines.
const SPARK_RADIUS: f32 = 1.3;
const SPARK_STRENGTH: f32 = 0.75;
/// How much sea one speck of plankton needs, and how quickly it twinkles.
const SEA_PER_PLANKTON: f32 = 60.0;
const TWINKLE: f32 = 1.1;
/// The glyphs of what is not light alone.
const LANTERN_GLYPH: char = '●';
const LANTERN_DASH_GLYPH: char = '◆';
const GOLDEN_GLYPH: char = '✦';
const HUNTER_GLYPHS: [char; 4] = ['▶', '▼', '◀', '▲'];
const RISING_GLYPH: char = '·';

/// Draws the whole world; the canvas may have any size.
///
/// # Errors
///
/// When the world cannot be opened: a swap has just given it another form, or somebody has it open.
#[hot]
pub fn draw(world: &State<World>, canvas: &mut Canvas) -> Result<(), OpenError> {
    paint(&*world.look()?, canvas);
    Ok(())
}

/// Draws this world.
pub(crate) fn paint(world: &World, canvas: &mut Canvas) {
    let mut light = Light::new(canvas);
    light.fill_with_water(world.time);
    plankton(world, &mut light);
    for spark in &world.sparks {
        let left = spark.life / SPARK_SECONDS;
        light.glow(spark.position, palette::spark(spark), SPARK_RADIUS, SPARK_STRENGTH * left);
    }
    world.motes.iter().for_each(|mote| glow_of_mote(mote, &mut light));
    world.hunters.iter().for_each(|hunter| glow_of_hunter(hunter, world.time, &mut light));
    if world.over.is_none() {
        glow_of_lantern(world, &mut light);
    }
    light.show(canvas);
    glyphs(world, canvas);
    hud(world, canvas);
}

fn glyphs(world: &World, canvas: &mut Canvas) {
    for mote in world.motes.iter().filter(|mote| mote.golden) {
        stamp(canvas, mote.position, GOLDEN_GLYPH, palette::GOLD);
    }
    for hunter in &world.hunters {
        stamp(canvas, hunter.position, hunter_glyph(hunter), palette::HUNTER);
    }
    let blinks = world.player.safe > 0.0 && (world.time * 6.0) as u32 % 2 == 1;
    if world.over.is_none() && !blinks {
        let (glyph, color) = if world.player.dashing > 0.0 {
            (LANTERN_DASH_GLYPH, palette::LANTERN_DASH)
        } else {
            (LANTERN_GLYPH, palette::LANTERN)
        };
        stamp(canvas, world.player.position, glyph, color);
    }
}

fn glow_of_mote(mote: &Mote, light: &mut Light) {
    let color = palette::mote(mote);
    let back = mote.velocity.direction() * -TAIL_STEP;
    for point in 0..=TAIL_POINTS {
        let fade = 1.0 - point as f32 / (TAIL_POINTS + 1) as f32;
        let place = mote.position + back * point as f32;
        light.glow(place, color, MOTE_RADIUS * fade, MOTE_STRENGTH * fade * fade);
    }
    if mote.golden {
        light.glow(mote.position, color, 2.5 * MOTE_RADIUS, 0.5);
    }
}

fn glow_of_hunter(hunter: &Hunter, time: f32, light: &mut Light) {
    let risen = (hunter.age / RISE_SECONDS).min(1.0);
    let pulse = 1.0 + 0.2 * (time * 5.0 + hunter.heading).sin();
    let strength = HUNTER_STRENGTH * risen * pulse;
    light.glow(hunter.position, palette::HUNTER_GLOW, HUNTER_RADIUS, strength);
}

fn glow_of_lantern(world: &World, light: &mut Light) {
    let player = &world.player;
    let breath = 1.0 + 0.07 * (world.time * LANTERN_BREATH).sin();
    let (color, radius) = if player.dashing > 0.0 {
        (palette::LANTERN_DASH, LANTERN_RADIUS * 1.25)
    } else {
        (palette::LANTERN_GLOW, LANTERN_RADIUS)
    };
    light.glow(player.position, color, radius * breath, LANTERN_STRENGTH);
    light.glow(player.position, color, 3.2, 0.9);
}

/// Specks that depend only on the size of the sea, and drift slowly to the left.
fn plankton(world: &World, light: &mut Light) {
    let Vec2 { x: width, y: height } = world.size;
    let mut rng = Rng::new(width as u64);
    for _ in 0..(width * height / SEA_PER_PLANKTON) as u32 {
        let speed = rng.between(0.1, 0.9);
        let x = (rng.between(0.0, width) - world.time * speed).rem_euclid(width);
        let place = Vec2::new(x, rng.between(0.0, height));
        let phase = rng.between(0.0, 40.0);
        let twinkle = (world.time * TWINKLE * speed + phase).sin().max(0.0);
        light.glow(place, palette::PLANKTON, 1.0, 0.5 * twinkle);
    }
}

/// Puts a glyph on the picture and keeps the light behind it.
fn stamp(canvas: &mut Canvas, at: Vec2, glyph: char, color: Rgb) {
    if let Some(cell) = canvas.cell_mut(at.x as i32, (at.y / 2.0) as i32) {
        if cell.glyph != ' ' {
            cell.bg = between(cell.fg, cell.bg);
        }
        cell.glyph = glyph;
        cell.fg = color;
    }
}

fn hunter_glyph(hunter: &Hunter) -> char {
    if hunter.age < RISE_SECONDS {
        return RISING_GLYPH;
    }
    let Vec2 { x, y } = hunter.velocity;
    match (x.abs() > y.abs(), x > 0.0, y > 0.0) {
        (true, true, _) => HUNTER_GLYPHS[0],
        (true, false, _) => HUNTER_GLYPHS[2],
        (false, _, true) => HUNTER_GLYPHS[1],
        (false, _, false) => HUNTER_GLYPHS[3],
    }
}

#[cfg(test)]
mod tests {
    use super::paint;
    use crate::{
        autopilot::choose,
        canvas::{Canvas, Cell},
        rules::step,
        spawn::{fit, fresh},
        world::World,
    };

    fn played(columns: u16, rows: u16) -> World {
        let mut world = fresh(21, columns, rows);
        for _ in 0..240 {
            let input = choose(&world);
            step(&mut world, input, 1.0 / 60.0);
        }
        world
    }

    #[test]
    fn any_size_is_drawn_in_every_cell() {
        for (columns, rows) in [(0, 0), (1, 1), (2, 1), (7, 3), (80, 23), (200, 60)] {
            let mut world = played(columns, rows);
            let mut canvas = Canvas::new(columns, rows);
            for over in [None, Some(2.0)] {
                world.over = over;
                paint(&world, &mut canvas);
            }
            assert_eq!(canvas.cells().len(), usize::from(columns) * usize::from(rows));
            assert!(canvas.cells().iter().all(|cell| *cell != Cell::default()));
        }
    }

    #[test]
    fn a_world_larger_than_its_canvas_is_cut_off() {
        let mut world = played(200, 60);
        let mut canvas = Canvas::new(9, 2);
        paint(&world, &mut canvas);
        fit(&mut world, 9, 2);
        paint(&world, &mut canvas);
        assert!(canvas.row_text(0).is_some_and(|row| row.contains("L U M")));
    }

    #[test]
    fn the_same_world_gives_the_same_picture() {
        let world = played(80, 23);
        let (mut first, mut second) = (Canvas::new(80, 23), Canvas::new(80, 23));
        paint(&world, &mut first);
        paint(&world, &mut second);
        assert_eq!(first, second);
        paint(&played(80, 23), &mut second);
        assert_eq!(first, second, "a canvas keeps nothing of the frame before");
    }

    #[test]
    fn the_top_line_shows_score_lives_and_energy() {
        let mut world = played(80, 23);
        world.score = 4321;
        world.best = 9876;
        world.lives = 2;
        world.combo = 9;
        let mut canvas = Canvas::new(80, 23);
        paint(&world, &mut canvas);
        let top = canvas.row_text(0).unwrap_or_default();
        for word in ["score 4321", "best 9876", "×9", "♥ ♥", "dash ━━━━━━━━━━"]
        {
            assert!(top.contains(word), "{word:?} in {top:?}");
        }
    }
}
