//! What a swap of the rules changes in a running game, and what it leaves as it is.
//!
//! An example to copy. The test program is the host: it links the rules as they are saved in this directory, and that
//! is generation 0. A lab has a copy of the sources; what is edited there is compiled and swapped into this very
//! process, by the same pipeline as in a game that runs. When the lab ends, generation 0 is current again.
//!
//! All it needs in the manifest:
//!
//! ```toml
//! [dev-dependencies]
//! liveswap-testkit = { .. }
//! ```

use liveswap_testkit::{Error, Lab};
use reloadable_logic::rules::LONGEST_STEP;
use reloadable_logic::world::{Input, Mote, World};
use reloadable_logic::{OpenError, State, Vec2, new_world, standing, tick, title};

/// A frame in which the lantern catches one mote.
fn catch_one(world: &State<World>) -> Result<(), OpenError> {
    world.with(|world| {
        let position = world.player.position;
        world.combo = 0;
        world.hunters.clear();
        world.motes = vec![Mote { position, velocity: Vec2::ZERO, school: 0, golden: false }];
    })?;
    tick(world, Input::default(), 1.0 / 60.0)
}

/// One world goes through the swap: what was scored before stays, what is scored after follows the new rule.
#[test]
fn a_mote_is_worth_more_after_the_swap() -> Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::for_crate("reloadable-logic")?;
    let world = new_world(3, 80, 23);
    catch_one(&world)?;
    assert_eq!(standing(&world)?.score, 10);

    lab.edit("src/rules.rs", |text| {
        text.replace("MOTE_POINTS: u32 = 10", "MOTE_POINTS: u32 = 20")
    })?
    .swap()?;
    catch_one(&world)?;
    assert_eq!(standing(&world)?.score, 10 + 20, "the world is the same one, the rule is new");
    Ok(())
}

/// A hot value, unlike a constant, is read anew by whoever links the rules, and what hot code does with it agrees.
#[test]
fn the_longest_step_is_read_anew_after_the_swap() -> Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::for_crate("reloadable-logic")?;
    let world = new_world(3, 80, 23);
    tick(&world, Input::default(), 60.0)?;
    assert_eq!((LONGEST_STEP.get(), world.look()?.time), (0.05, 0.05));

    lab.edit("src/rules.rs", |text| {
        text.replace("LONGEST_STEP: f32 = 0.05", "LONGEST_STEP: f32 = 0.5")
    })?
    .swap()?;
    world.open()?.time = 0.0;
    tick(&world, Input::default(), 60.0)?;
    assert_eq!((LONGEST_STEP.get(), world.look()?.time), (0.5, 0.5));
    Ok(())
}

/// Without another edit in between: each version is compiled, swapped in, and looked at.
#[test]
fn titles_follow_each_other() -> Result<(), Error> {
    let lab = Lab::for_crate("reloadable-logic")?;
    let titles = ["Lumen: first light", "Lumen: deeper", "Lumen: darkness"];
    let change = |text: &str, to: &&str| text.replace("Lumen: catch the light", to);
    for version in lab.versions("src/rules.rs", titles, change)? {
        let (expected, _) = version?;
        assert_eq!(title(), expected);
    }
    drop(lab);
    assert_eq!(title(), "Lumen: catch the light", "without a lab, the game is as it was linked");
    Ok(())
}

/// The rest of the program calls `title` with what it was compiled for: an edit of that cannot be swapped in, is
/// refused by name, and changes nothing.
#[test]
fn another_signature_is_refused_and_named() -> Result<(), Error> {
    let lab = Lab::for_crate("reloadable-logic")?;
    lab.edit("src/rules.rs", |text| text.replace("pub fn title()", "pub fn title(_long: bool)"))?
        .expect_refused()?
        .naming("rules::title");
    assert_eq!(title(), "Lumen: catch the light");
    Ok(())
}

/// A typing error is found by the compiler; the game goes on with what it has.
#[test]
fn what_does_not_compile_is_an_answer_too() -> Result<(), Error> {
    let lab = Lab::for_crate("reloadable-logic")?;
    lab.edit("src/rules.rs", |text| text.replace("restock(world, dt);", "restock(world);"))?
        .expect_build_error()?
        .naming("E0061")
        .naming("src/rules.rs");
    assert_eq!(title(), "Lumen: catch the light");
    Ok(())
}
