//! Named states over restarts of the program and over sessions.

use std::fs;
use std::time::{Duration, Instant};

use crate::lab::Lab;
use crate::session::Run;

const HOT: &str = r#"use liveswap_abi::state::State;

liveswap_abi::hot_crate!();

#[derive(serde::Serialize, serde::Deserialize, liveswap_macros::Layout)]
pub struct World {
    pub starts: u32,
}

#[liveswap_macros::hot]
pub fn world() -> State<World> {
    let world = State::named("world", || World { starts: 0 });
    world.with(|world| world.starts += 1).unwrap();
    world
}

#[liveswap_macros::hot]
pub fn starts(world: &State<World>) -> u32 {
    world.with(|world| world.starts).unwrap()
}

#[liveswap_macros::hot]
pub fn hold(world: &State<World>) {
    let _open = world.open().unwrap();
    println!("holds it");
    loop {
        std::thread::park();
    }
}
"#;

const HOST: &str = r#"
const LIMIT: u32 = 9;

fn main() {
    let holds = std::env::args().any(|arg| arg == "hold");
    let _runtime = liveswap::Runtime::start(rules::hot_crate()).unwrap();
    let world = rules::world();
    println!("start {} of {}", rules::starts(&world), LIMIT);
    if holds {
        rules::hold(&world);
    }
    loop {
        std::thread::park();
    }
}
"#;

fn lab(name: &'static str) -> Lab {
    let lab = Lab::new(name);
    lab.edit(
        "hot/Cargo.toml",
        "[dependencies]\n",
        "[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n",
    );
    lab.write("hot/src/lib.rs", HOT);
    lab.write("host/src/main.rs", HOST);
    lab
}

fn end(mut run: Run) {
    run.tell("TERM");
    assert_eq!(run.code(), Some(143));
}

#[test]
fn named_states_survive_restarts_of_the_program() {
    let lab = lab("kept");
    lab.add_crate("kept-limits", "", "pub fn limit() -> u32 { 9 }\n");
    lab.edit(
        "host/Cargo.toml",
        "[dependencies]\n",
        "[dependencies]\nlimits = { package = \"kept-limits\", path = \"../kept-limits\" }\n",
    );
    lab.edit(
        "host/src/main.rs",
        "of {}\", rules::starts(&world), LIMIT",
        "of {}\", rules::starts(&world), limits::limit()",
    );
    let mut run = lab.run(&[]);
    run.wait_for("start 1 of 9");

    lab.edit("host/src/main.rs", "\"start ", "\"another start ");
    run.wait_for("restarted  host/src/main.rs");
    run.wait_for("; kept `world`");
    run.wait_for("another start 2 of 9");

    // Of a dependency that the program itself calls.
    lab.edit("kept-limits/src/lib.rs", "{ 9 }", "{ 8 }");
    run.wait_for("restarted  ");
    run.wait_for("; kept `world`");
    run.wait_for("another start 3 of 8");

    // The program that is built next cannot read it: the type is changed while the old one runs.
    lab.edit("hot/src/lib.rs", "pub starts: u32,", "pub starts: u32,\n    pub title: String,");
    lab.edit("hot/src/lib.rs", "{ starts: 0 }", "{ starts: 0, title: String::new() }");
    lab.edit("host/src/main.rs", "\"another start ", "\"a third start ");
    run.wait_for("state not used  `world` begins anew: ");
    run.wait_for("a third start 1 of 8");
    let heard = run.heard();
    let line = heard.lines().find(|line| line.contains("state not used")).unwrap();
    assert!(line.contains("missing field `title`"), "{line}");
    let file = line.split("is kept in `").nth(1).unwrap().split('`').next().unwrap();
    let kept = fs::read(file).unwrap();
    assert!(kept.starts_with(b"liveswap-state 1\ntype=kept_hot::World\n"), "{file}");

    lab.edit("kept-limits/src/lib.rs", "{ 8 }", "{ 7 }");
    run.wait_for("a third start 2 of 7");
    assert!(!run.heard().contains("state not saved"), "{}", run.heard());
    end(run);

    let mut run = lab.run(&["--keep-state"]);
    run.wait_for("a third start 3 of 7");
    end(run);
    let mut run = lab.run(&["--keep-state"]);
    run.wait_for("a third start 4 of 7");
    end(run);
    let mut run = lab.run(&[]);
    run.wait_for("a third start 1 of 7");
    end(run);
    assert_eq!(fs::read(file).unwrap(), kept, "what could not be read is still there");
    lab.assert_nothing_runs();
}

#[test]
fn a_program_that_does_not_save_its_states_is_started_anew_all_the_same() {
    let lab = lab("held");
    let mut run = lab.run(&["--", "hold"]);
    run.wait_for("holds it");
    let since = Instant::now();
    lab.edit("host/src/main.rs", "\"start ", "\"another start ");
    run.wait_for("state not saved  the program did not answer within 2 s");
    run.wait_for("restarted  host/src/main.rs");
    run.wait_for("another start 1 of 9");
    assert!(since.elapsed() > Duration::from_secs(2), "it was waited for");
    assert!(!run.heard().contains("killed"), "it was told to end, not killed: {}", run.heard());
    end(run);
    lab.assert_nothing_runs();
}
