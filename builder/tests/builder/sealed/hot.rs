//! A hot crate whose signatures let no address of its image out.

use std::collections::BTreeMap;

use liveswap_macros::{Layout, hot};

liveswap_abi::hot_crate!();

const VERSION: u32 = 1;

#[derive(Layout, Default)]
pub struct World {
    pub ticks: u64,
    pub names: BTreeMap<u32, String>,
    pub next: Option<Box<World>>,
}

/// Its address is one of this image's.
#[hot]
pub static LIMITS: [u32; 4] = [VERSION; 4];

#[hot]
pub fn version() -> u32 {
    VERSION
}

/// Writes into the program's values, and answers with its version twice.
#[hot]
pub fn step(world: &mut World, name: &str) -> (u32, String) {
    world.ticks += 1;
    world.names.insert(VERSION, format!("{name} of {VERSION}"));
    world.next = Some(Box::default());
    (VERSION, VERSION.to_string())
}

#[hot]
pub fn fails() {
    panic!("a text of this image");
}

// end
