//! The words over the picture: the top line and the end of a round.

use crate::{
    canvas::{Canvas, Rgb},
    palette::{GOLD, HUD_EMPTY, HUD_LIVES, HUD_SHADE, HUD_VALUE, HUD_WORD},
    world::World,
};

/// The name at the top left.
const NAME: &str = "L U M E N";
/// How a life, and energy that is there or used up, are shown.
const LIFE: char = '♥';
const ENERGY: char = '━';
const ENERGY_BARS: u32 = 10;
/// What the end of a round says.
const OVER: &str = "the dark has you";
const AGAIN: &str = "space: light up again";

/// Draws the words that belong to the state of the world.
pub(crate) fn hud(world: &World, canvas: &mut Canvas) {
    shade(canvas, 0, 0, i32::from(canvas.width()));
    let mut line = Line { canvas, x: 1 };
    line.put(NAME, GOLD);
    line.x += 3;
    line.put("score ", HUD_WORD);
    line.put(&world.score.to_string(), HUD_VALUE);
    line.put("  best ", HUD_WORD);
    line.put(&world.best.to_string(), HUD_VALUE);
    line.put("  depth ", HUD_WORD);
    line.put(&world.depth.to_string(), HUD_VALUE);
    if world.combo > 1 {
        line.put(&format!("  ×{}", world.combo), GOLD);
    }

    let right = ENERGY_BARS as i32 + 12;
    let Line { canvas, x } = line;
    let mut line = Line { x: (i32::from(canvas.width()) - right).max(x + 2), canvas };
    for life in 0..3.max(world.lives) {
        line.put_char(LIFE, if life < world.lives { HUD_LIVES } else { HUD_EMPTY });
        line.x += i32::from(life < 2);
    }
    line.put(" dash ", HUD_WORD);
    let full = (world.player.energy * ENERGY_BARS as f32).round() as u32;
    for bar in 0..ENERGY_BARS {
        line.put_char(ENERGY, if bar < full { GOLD } else { HUD_EMPTY });
    }
    if world.over.is_some() {
        over(world, line.canvas);
    }
}

fn over(world: &World, canvas: &mut Canvas) {
    let points = format!("{} points, {} motes", world.score, world.caught);
    let lines = [("", HUD_WORD), (OVER, HUD_LIVES), (&points, HUD_VALUE), (AGAIN, HUD_WORD)];
    let width = lines.iter().map(|(text, _)| text.chars().count()).max().unwrap_or(0) as i32 + 6;
    let (left, top) = (
        (i32::from(canvas.width()) - width) / 2,
        (i32::from(canvas.height()) - lines.len() as i32 - 1) / 2,
    );
    for row in 0..=lines.len() as i32 {
        shade(canvas, left, top + row, width);
    }
    for (row, (text, color)) in (top..).zip(lines) {
        let indent = (width - text.chars().count() as i32) / 2;
        canvas.text(left + indent, row, text, color);
    }
}

/// Blanks a piece of a row, for words to stand on.
fn shade(canvas: &mut Canvas, x: i32, y: i32, width: i32) {
    for column in x..x + width {
        if let Some(cell) = canvas.cell_mut(column, y) {
            cell.glyph = ' ';
            cell.bg = HUD_SHADE;
        }
    }
}

/// Words put one after the other.
struct Line<'a> {
    canvas: &'a mut Canvas,
    x: i32,
}

impl Line<'_> {
    fn put(&mut self, text: &str, color: Rgb) {
        for glyph in text.chars() {
            self.put_char(glyph, color);
        }
    }

    fn put_char(&mut self, glyph: char, color: Rgb) {
        self.canvas.glyph(self.x, 0, glyph, color);
        self.x += 1;
    }
}
