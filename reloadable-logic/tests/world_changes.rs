//! What the world is made of changes while the game runs, and the game goes on: fields are added, renamed, moved, removed.

use std::error::Error;

use liveswap::{EditClass, OpenFailure, Outcome};
use liveswap_testkit::Lab;
use reloadable_logic::{Canvas, State, World, autopilot, draw, new_world, standing, tick};

/// Plays `frames` frames by itself.
fn play(world: &State<World>, frames: usize) -> Result<(), Box<dyn Error>> {
    for _ in 0..frames {
        let input = autopilot(world)?;
        tick(world, input, 1.0 / 60.0)?;
    }
    Ok(())
}

/// All that can be seen of the world.
fn picture(world: &State<World>) -> Result<Canvas, Box<dyn Error>> {
    let mut canvas = Canvas::new(80, 23);
    draw(world, &mut canvas)?;
    Ok(canvas)
}

/// An edit: what it is, and in which files what is replaced by what.
type Edit = (&'static str, &'static [(&'static str, &'static str, &'static str)]);

/// Each is saved on top of the ones before, as in a game that somebody works on all day.
const EDITS: &[Edit] = &[
    (
        "a field is added",
        &[
            (
                "src/world.rs",
                "    pub best: u32,",
                "    pub best: u32,\n    /// New.\n    pub tides: u64,",
            ),
            ("src/spawn.rs", "        best: 0,", "        best: 0,\n        tides: 0,"),
        ],
    ),
    (
        "a field is renamed",
        &[
            (
                "src/world.rs",
                "    pub best: u32,",
                "    #[serde(alias = \"best\")]\n    pub record: u32,",
            ),
            ("src/spawn.rs", "        best: 0,", "        record: 0,"),
            ("src/rules.rs", "world.best = world.best.max", "world.record = world.record.max"),
            ("src/hud.rs", "world.best", "world.record"),
        ],
    ),
    (
        "fields change places",
        &[
            ("src/world.rs", "    pub time: f32,\n", ""),
            (
                "src/world.rs",
                "    pub over: Option<f32>,\n",
                "    pub over: Option<f32>,\n    pub time: f32,\n",
            ),
        ],
    ),
    (
        "a field is added to each of many",
        &[
            (
                "src/world.rs",
                "    pub golden: bool,",
                "    pub golden: bool,\n    /// New.\n    pub glow: Option<f32>,",
            ),
            (
                "src/spawn.rs",
                "            school,\n",
                "            school,\n            glow: Some(1.0),\n",
            ),
        ],
    ),
    (
        "a field is removed",
        &[
            ("src/world.rs", "    /// New.\n    pub tides: u64,\n", ""),
            ("src/spawn.rs", "        tides: 0,\n", ""),
        ],
    ),
];

#[test]
fn a_world_goes_on_through_every_edit_of_its_fields() -> Result<(), Box<dyn Error>> {
    let lab = Lab::for_crate("reloadable-logic")?;
    let world = new_world(7, 80, 23);
    play(&world, 600)?;
    assert!(standing(&world)?.score > 0, "somebody has played: {:?}", standing(&world)?);
    for (what, changes) in EDITS {
        let (before, seen) = (standing(&world)?, picture(&world)?);
        for (file, from, to) in *changes {
            lab.edit(file, |text| {
                assert!(text.contains(from), "{what}: {file} has no `{from}`");
                text.replace(from, to)
            })?;
        }
        let swap = lab.swap()?;
        let Outcome::Swapped { class, .. } = swap.reload.outcome else {
            panic!("{what}: {swap:?}")
        };
        assert_eq!(class, EditClass::Migrates, "{what}");
        assert_eq!(standing(&world)?, before, "{what}");
        assert!(picture(&world)? == seen, "{what}: the picture is another one");
        play(&world, 60)?;
        // This test was compiled against the world as it was; what hot code makes of it is all that it may see.
        let opened = world.look().map(drop).map_err(|error| error.why());
        assert_eq!(opened, Err(OpenFailure::OtherLayout), "{what}");
    }
    let score = standing(&world)?.score;
    drop(lab);
    assert_eq!(
        world.look()?.score,
        score,
        "back in the code that was linked, and the test may look"
    );
    Ok(())
}

/// What no rule of serde carries over is refused by name, and the world is as it was.
#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() -> Result<(), Box<dyn Error>> {
    let lab = Lab::for_crate("reloadable-logic")?;
    let world = new_world(8, 80, 23);
    play(&world, 120)?;
    let before = world.look()?.clone();
    lab.edit("src/world.rs", |text| text.replace("pub best: u32", "pub best: String"))?;
    lab.edit("src/spawn.rs", |text| text.replace("best: 0,", "best: String::new(),"))?;
    lab.edit("src/rules.rs", |text| {
        text.replace("= world.best.max(world.score);", "= world.score.to_string();")
    })?;
    lab.expect_refused()?.naming("World").naming("best");
    assert_eq!(*world.look()?, before);
    play(&world, 60)?;
    assert!(world.look()?.time > before.time);
    Ok(())
}
