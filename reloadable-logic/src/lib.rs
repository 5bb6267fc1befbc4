//! The rules and the look of *Lumen*, the game of the Liveswap demo.
//!
//! You are a lantern in a dark sea. Glowing motes swim in schools and flee you, hunters come up
//! from the deep and want your light. Start the demo, change a constant in one of these files, and
//! save: the running game follows, with the same world.
//!
//! | file           | what to play with                                    |
//! |----------------|------------------------------------------------------|
//! | `palette.rs`   | every color of the picture                           |
//! | `draw.rs`      | what is drawn, how large it glows, its glyphs        |
//! | `player.rs`    | how the lantern moves and dashes                     |
//! | `flock.rs`     | how motes swim together and what scares them         |
//! | `hunters.rs`   | how hunters prowl and chase                          |
//! | `spawn.rs`     | how many of everything, and where it appears         |
//! | `rules.rs`     | scoring, combos, lives, depth                        |
//! | `sparks.rs`    | wakes and bursts                                     |
//! | `world.rs`     | what the world is made of                            |
//! | `hud.rs`       | the top line and the end of a round                  |
//! | `autopilot.rs` | how the game plays itself                            |
//!
//! Functions marked `#[hot]` are the ones that calls reach in their newest version; whatever they call
//! inside this crate, and every constant they use, comes along with them. A `static` marked `#[hot]` is read
//! in its newest version, by the host as well.
//!
//! The host keeps the [`World`] as a [`State`], which only the functions here open, and the [`Canvas`], which they borrow. Neither
//! holds a reference or a function of this crate, so both outlive every generation of it; and what the world is made of may
//! change, too (`world.rs`).

#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

liveswap_abi::hot_crate!();

pub mod autopilot;
pub mod canvas;
pub mod draw;
mod flock;
mod hud;
mod hunters;
mod light;
pub mod palette;
mod player;
pub mod rng;
pub mod rules;
mod sparks;
pub mod spawn;
pub mod vec2;
pub mod world;

pub use autopilot::autopilot;
pub use canvas::{Canvas, Cell, Rgb};
pub use draw::draw;
pub use liveswap_abi::state::{OpenError, State};
pub use rules::{standing, tick, title};
pub use spawn::{new_world, resize};
pub use vec2::Vec2;
pub use world::{Input, Standing, World};
