//! Every color of the picture. The quickest edit to try: change one and save.

use crate::{
    canvas::Rgb,
    world::{Mote, Spark, Tint},
};

/// The sea at the top and at the bottom.
const SURFACE: Rgb = Rgb::new(8, 30, 58);
const ABYSS: Rgb = Rgb::new(5, 5, 20);
/// The slow bands of light in the water, and how bright they are.
const AURORA: Rgb = Rgb::new(24, 104, 122);
const AURORA_STRENGTH: f32 = 0.34;
/// How wide and how quick the bands are.
const AURORA_SCALE: f32 = 0.075;
const AURORA_SPEED: f32 = 0.16;

/// The schools of motes. Add one, and it swims with the next school that appears.
pub(crate) const SCHOOLS: [Rgb; 4] = [
    Rgb::new(64, 224, 208),  // turquoise
    Rgb::new(255, 110, 180), // rose
    Rgb::new(126, 160, 255), // periwinkle
    Rgb::new(150, 240, 110), // spring green
];
/// A golden mote.
pub(crate) const GOLD: Rgb = Rgb::new(255, 212, 72);

/// The lantern, the lantern while it dashes, and the glow around it.
pub(crate) const LANTERN: Rgb = Rgb::new(255, 250, 228);
pub(crate) const LANTERN_DASH: Rgb = Rgb::new(150, 240, 255);
pub(crate) const LANTERN_GLOW: Rgb = Rgb::new(255, 176, 84);

/// A hunter, and the glow around it.
pub(crate) const HUNTER: Rgb = Rgb::new(255, 150, 120);
pub(crate) const HUNTER_GLOW: Rgb = Rgb::new(214, 16, 40);

/// Drifting plankton.
pub(crate) const PLANKTON: Rgb = Rgb::new(120, 170, 190);

/// The top line: its words, its numbers, what is used up, and the lives.
pub(crate) const HUD_WORD: Rgb = Rgb::new(122, 158, 184);
pub(crate) const HUD_VALUE: Rgb = Rgb::new(238, 246, 250);
pub(crate) const HUD_EMPTY: Rgb = Rgb::new(58, 80, 104);
pub(crate) const HUD_LIVES: Rgb = Rgb::new(255, 96, 120);
/// Behind words over the picture.
pub(crate) const HUD_SHADE: Rgb = Rgb::new(6, 12, 28);

/// Returns the color of still water, with `depth` from 0 at the surface to 1 at the ground.
pub(crate) fn water(depth: f32) -> [f32; 3] {
    let (top, bottom) = (light(SURFACE), light(ABYSS));
    std::array::from_fn(|part| top[part] + (bottom[part] - top[part]) * depth)
}

/// Returns the light that the bands add at full strength.
pub(crate) fn aurora() -> [f32; 3] {
    light(AURORA).map(|part| part * AURORA_STRENGTH)
}

/// Returns how strong the bands are at a point, from 0 to 1.
pub(crate) fn aurora_at(x: f32, y: f32, time: f32) -> f32 {
    let (x, y, flow) = (x * AURORA_SCALE, y * AURORA_SCALE, time * AURORA_SPEED);
    let wave = (x + (y * 1.7 - flow * 1.3).sin() * 1.4 + flow).sin();
    if wave <= 0.0 {
        return 0.0;
    }
    let ripple = (x * 0.37 - y * 1.9 - flow * 0.8).sin();
    if ripple > 0.0 { wave * ripple } else { 0.0 }
}

/// Returns the color of a mote.
pub(crate) fn mote(mote: &Mote) -> Rgb {
    if mote.golden { GOLD } else { school(mote.school) }
}

/// Returns the color of a spark.
pub(crate) fn spark(spark: &Spark) -> Rgb {
    match spark.tint {
        Tint::Wake => LANTERN_GLOW,
        Tint::School(number) => school(number),
        Tint::Gold => GOLD,
        Tint::Ember => HUNTER,
    }
}

/// Returns a color as amounts of light, 1 for the most a screen can show.
pub(crate) fn light(color: Rgb) -> [f32; 3] {
    [color.r, color.g, color.b].map(|part| f32::from(part) / 255.0)
}

/// A world may hold schools of a palette that was longer.
fn school(number: u32) -> Rgb {
    SCHOOLS[number as usize % SCHOOLS.len()]
}

#[cfg(test)]
mod tests {
    use super::{SCHOOLS, aurora_at, mote, water};
    use crate::{vec2::Vec2, world::Mote};

    #[test]
    fn a_school_from_a_longer_palette_still_has_a_color() {
        let far = SCHOOLS.len() as u32 * 5 + 1;
        let stray = Mote { position: Vec2::ZERO, velocity: Vec2::ZERO, school: far, golden: false };
        assert_eq!(mote(&stray), SCHOOLS[1 % SCHOOLS.len()]);
    }

    #[test]
    fn water_is_darker_further_down() {
        let sum = |depth: f32| water(depth).iter().sum::<f32>();
        assert!(sum(0.0) > sum(0.5) && sum(0.5) > sum(1.0));
    }

    #[test]
    fn bands_are_between_nothing_and_full() {
        let strengths: Vec<f32> = (0..4000)
            .map(|n| aurora_at((n % 80) as f32, (n / 80) as f32, n as f32 * 0.01))
            .collect();
        assert!(strengths.iter().all(|strength| (0.0..=1.0).contains(strength)));
        assert!(strengths.contains(&0.0) && strengths.iter().any(|strength| *strength > 0.5));
    }
}
