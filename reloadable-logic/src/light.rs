//! Light that adds up: the picture behind the glyphs, two points to a cell.

use crate::{
    canvas::{Canvas, Rgb},
    palette,
    vec2::Vec2,
};

/// Colors are rounded to multiples of this, so that slow changes do not redraw every cell.
const COLOR_STEP: u8 = 3;
/// How much very bright light is held back, so that glows overlap without turning white.
const SHOULDER: f32 = 0.22;
/// The upper half of a cell; the lower half shows what is behind it.
const HALF_BLOCK: char = '▀';

/// A grid of light, as wide as the canvas and twice as high.
pub(crate) struct Light {
    width: i32,
    height: i32,
    points: Vec<[f32; 3]>,
}

impl Light {
    /// Makes a dark grid for a canvas.
    pub(crate) fn new(canvas: &Canvas) -> Self {
        let (width, height) = (i32::from(canvas.width()), 2 * i32::from(canvas.height()));
        Self { width, height, points: vec![[0.0; 3]; (width * height) as usize] }
    }

    /// Fills everything with still water and the bands of light in it.
    pub(crate) fn fill_with_water(&mut self, time: f32) {
        let aurora = palette::aurora();
        for y in 0..self.height {
            let depth = y as f32 / self.height as f32;
            let [r, g, b] = palette::water(depth);
            let reach = 1.0 - depth * 0.6;
            let row = (y * self.width) as usize;
            for x in 0..self.width as usize {
                // The bands are wide: one look for two points across is enough.
                self.points[row + x] = if x % 2 == 1 {
                    self.points[row + x - 1]
                } else {
                    let band = reach * palette::aurora_at(x as f32, y as f32, time);
                    [r + aurora[0] * band, g + aurora[1] * band, b + aurora[2] * band]
                };
            }
        }
    }

    /// Adds a soft round glow that reaches `radius` far.
    pub(crate) fn glow(&mut self, at: Vec2, color: Rgb, radius: f32, strength: f32) {
        let color = palette::light(color);
        let reach = |value: f32, size: i32| {
            let from = ((value - radius).floor() as i32).clamp(0, size);
            let to = ((value + radius).ceil() as i32).clamp(0, size);
            from..to
        };
        for y in reach(at.y, self.height) {
            let down = y as f32 + 0.5 - at.y;
            for x in reach(at.x, self.width) {
                let right = x as f32 + 0.5 - at.x;
                let distance_squared = right * right + down * down;
                if distance_squared < radius * radius {
                    let nearness = 1.0 - distance_squared.sqrt() / radius;
                    let amount = strength * nearness * nearness;
                    let point = &mut self.points[(y * self.width + x) as usize];
                    point[0] += color[0] * amount;
                    point[1] += color[1] * amount;
                    point[2] += color[2] * amount;
                }
            }
        }
    }

    /// Shows the light on a canvas of the size it was made for.
    pub(crate) fn show(&self, canvas: &mut Canvas) {
        for y in 0..self.height / 2 {
            for x in 0..self.width {
                let upper = self.color(x, 2 * y);
                let lower = self.color(x, 2 * y + 1);
                if let Some(cell) = canvas.cell_mut(x, y) {
                    cell.glyph = if upper == lower { ' ' } else { HALF_BLOCK };
                    cell.fg = upper;
                    cell.bg = lower;
                }
            }
        }
    }

    fn color(&self, x: i32, y: i32) -> Rgb {
        let [r, g, b] = self.points[(y * self.width + x) as usize];
        Rgb::new(shown(r), shown(g), shown(b))
    }
}

/// Returns an amount of light as a screen can show it.
fn shown(light: f32) -> u8 {
    // Conversion from a float ends at the type's own limits.
    let whole = (light * (255.0 * (1.0 + SHOULDER)) / (1.0 + SHOULDER * light)) as u8;
    whole - whole % COLOR_STEP
}

/// Returns the color between two, for glyphs that stand on both halves of a cell.
pub(crate) fn between(a: Rgb, b: Rgb) -> Rgb {
    let middle = |a: u8, b: u8| ((u16::from(a) + u16::from(b)) / 2) as u8;
    Rgb::new(middle(a.r, b.r), middle(a.g, b.g), middle(a.b, b.b))
}

#[cfg(test)]
mod tests {
    use super::Light;
    use crate::{
        canvas::{Canvas, Rgb},
        vec2::Vec2,
    };

    #[test]
    fn a_glow_is_brightest_in_its_middle_and_ends_at_its_radius() {
        let mut canvas = Canvas::new(21, 10);
        let mut light = Light::new(&canvas);
        light.glow(Vec2::new(10.5, 10.5), Rgb::new(255, 255, 255), 5.0, 1.0);
        light.show(&mut canvas);
        let row: Vec<u8> = canvas.cells()[5 * 21..6 * 21].iter().map(|cell| cell.fg.r).collect();
        assert!(row[10] > row[12] && row[12] > row[14]);
        assert_eq!((row[4], row[16]), (0, 0));
    }

    #[test]
    fn a_glow_far_outside_or_without_size_is_harmless() {
        let mut canvas = Canvas::new(3, 2);
        let mut light = Light::new(&canvas);
        for at in [Vec2::new(-1e9, 0.0), Vec2::new(1.0, 1e30), Vec2::new(f32::NAN, 1.0)] {
            light.glow(at, Rgb::new(255, 255, 255), 4.0, 1.0);
        }
        light.glow(Vec2::new(1.0, 1.0), Rgb::new(255, 255, 255), 0.0, 1.0);
        light.show(&mut canvas);
        assert!(canvas.cells().iter().all(|cell| cell.fg == Rgb::default()));
    }
}
