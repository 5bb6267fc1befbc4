//! What the game is made of. The host keeps it as a [`State`](crate::State); it survives every swap.
//!
//! These types may change while the game runs: the swap carries the world over, field by field and by name. A field that you add
//! begins with its default; for one that you rename, say `#[serde(alias = "its old name")]`; the order does not matter.

use liveswap_macros::Layout;
use serde::{Deserialize, Serialize};

use crate::{rng::Rng, vec2::Vec2};

/// The whole state of a game: plain owned values, nothing that points into this crate.
#[derive(Clone, Debug, Default, PartialEq, Layout, Serialize, Deserialize)]
#[serde(default)]
pub struct World {
    /// Width and height, in units of half a cell.
    pub size: Vec2,
    /// Seconds since the world began.
    pub time: f32,
    /// All chance in the game comes from here.
    pub rng: Rng,
    /// The lantern.
    pub player: Player,
    /// What the player chases.
    pub motes: Vec<Mote>,
    /// What chases the player.
    pub hunters: Vec<Hunter>,
    /// Short-lived points of light, only to look at.
    pub sparks: Vec<Spark>,
    /// Points of this round.
    pub score: u32,
    /// Most points of any round.
    pub best: u32,
    /// Lives left.
    pub lives: u32,
    /// Catches in quick succession; multiplies what a catch is worth.
    pub combo: u32,
    /// Seconds until the combo ends.
    pub combo_left: f32,
    /// Motes caught in this round.
    pub caught: u32,
    /// How deep the round has got, from 1; hunters grow with it.
    pub depth: u32,
    /// Seconds until the next school may appear.
    pub next_school: f32,
    /// Seconds until the next hunter may appear.
    pub next_hunter: f32,
    /// Seconds since the round ended, while it is over.
    pub over: Option<f32>,
}

/// What the player wants in one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Layout)]
pub struct Input {
    /// Where to steer; longer than one counts as one.
    pub steer: Vec2,
    /// Whether a dash begins in this frame; between rounds it starts the next.
    pub dash: bool,
}

/// How a game stands, for whoever shows it outside of the picture.
///
/// The host was compiled with this type, so unlike the world it cannot change while the game runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Layout)]
pub struct Standing {
    /// Points of this round.
    pub score: u32,
    /// Lives left.
    pub lives: u32,
    /// How many motes there are.
    pub motes: usize,
    /// How many hunters there are.
    pub hunters: usize,
    /// How many sparks there are.
    pub sparks: usize,
}

/// The lantern that the player moves.
#[derive(Clone, Debug, Default, PartialEq, Layout, Serialize, Deserialize)]
#[serde(default)]
pub struct Player {
    /// Where it is.
    pub position: Vec2,
    /// Units a second.
    pub velocity: Vec2,
    /// What dashes are paid with, from 0 to 1.
    pub energy: f32,
    /// Seconds left of a dash.
    pub dashing: f32,
    /// Seconds for which nothing can hurt it.
    pub safe: f32,
}

/// A small glowing swimmer.
#[derive(Clone, Debug, Default, PartialEq, Layout, Serialize, Deserialize)]
#[serde(default)]
pub struct Mote {
    /// Where it is.
    pub position: Vec2,
    /// Units a second.
    pub velocity: Vec2,
    /// It swims with motes of the same school.
    pub school: u32,
    /// Rare, quick, and worth much more.
    pub golden: bool,
}

/// A dark thing that wants the light.
#[derive(Clone, Debug, Default, PartialEq, Layout, Serialize, Deserialize)]
#[serde(default)]
pub struct Hunter {
    /// Where it is.
    pub position: Vec2,
    /// Units a second.
    pub velocity: Vec2,
    /// Where it prowls while it sees nobody, in radians.
    pub heading: f32,
    /// Seconds since it appeared; a young one rises and does not bite yet.
    pub age: f32,
}

/// A fading point of light.
#[derive(Clone, Debug, Default, PartialEq, Layout, Serialize, Deserialize)]
#[serde(default)]
pub struct Spark {
    /// Where it is.
    pub position: Vec2,
    /// Units a second.
    pub velocity: Vec2,
    /// Seconds left.
    pub life: f32,
    /// Which of the palette's colors it has.
    pub tint: Tint,
}

/// What a spark came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Layout, Serialize, Deserialize)]
pub enum Tint {
    /// The lantern's wake.
    #[default]
    Wake,
    /// A caught mote of this school.
    School(u32),
    /// A golden mote.
    Gold,
    /// A broken hunter, or a hurt player.
    Ember,
}
