//! How the game plays itself when nobody does.

use liveswap_abi::state::{OpenError, State};
use liveswap_macros::hot;

use crate::{
    player::DASH_COST,
    vec2::Vec2,
    world::{Input, World},
};

/// How far off it minds a hunter.
const WARY: f32 = 14.0;
/// How much more it minds a hunter than it wants a mote.
const CAUTION: f32 = 2.6;
/// A hunter this near is dashed through.
const STRIKE: f32 = 6.5;
/// How much nearer a golden mote seems than it is.
const GREED: f32 = 0.4;

/// Returns what a careful player would do now.
///
/// # Errors
///
/// When the world cannot be opened: a swap has just given it another form, or somebody has it open.
#[hot]
pub fn autopilot(world: &State<World>) -> Result<Input, OpenError> {
    Ok(choose(&*world.look()?))
}

/// What a careful player would do in this world.
pub(crate) fn choose(world: &World) -> Input {
    let at = world.player.position;
    let wanted = world.motes.iter().min_by(|a, b| {
        let cost = |mote: &crate::world::Mote| {
            mote.position.distance(at) * if mote.golden { GREED } else { 1.0 }
        };
        cost(a).total_cmp(&cost(b))
    });
    let mut steer = wanted.map_or(Vec2::ZERO, |mote| (mote.position - at).direction());
    for hunter in &world.hunters {
        let away = at - hunter.position;
        let distance = away.length();
        if world.player.safe > 0.0 || distance > WARY {
            continue;
        }
        if distance < STRIKE && world.player.energy >= DASH_COST && world.player.dashing <= 0.0 {
            return Input { steer: away * -1.0, dash: true };
        }
        steer += away.direction() * (CAUTION * (1.0 - distance / WARY));
    }
    Input { steer: steer.direction(), dash: world.over.is_some() }
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::{
        spawn::fresh,
        vec2::Vec2,
        world::{Hunter, Mote},
    };

    #[test]
    fn it_goes_for_motes_and_away_from_hunters() {
        let mut world = fresh(1, 80, 23);
        world.player.safe = 0.0;
        world.player.energy = 0.0;
        let right = world.player.position + Vec2::new(8.0, 0.0);
        world.motes =
            vec![Mote { position: right, velocity: Vec2::ZERO, school: 0, golden: false }];
        assert!(choose(&world).steer.x > 0.9);
        let near = world.player.position + Vec2::new(3.0, 0.0);
        world.hunters =
            vec![Hunter { position: near, velocity: Vec2::ZERO, heading: 0.0, age: 9.0 }];
        let input = choose(&world);
        assert!(input.steer.x < -0.9 && !input.dash, "{input:?}");
        world.player.energy = 1.0;
        let input = choose(&world);
        assert!(input.steer.x > 0.0 && input.dash, "{input:?}");
    }
}
