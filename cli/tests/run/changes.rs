//! Edits of every kind while the program runs: each ends in the right place, with a line that says
//! what happened.

use std::fs;

use crate::lab::Lab;
use crate::session::is_there;

const HOT: &str = r#"liveswap_abi::hot_crate!();

mod rates;

#[liveswap_macros::hot]
pub fn value(_: u32) -> u32 {
    let loud = if cfg!(feature = "loud") { 100_000 } else { 0 };
    loud + shapes::corners() * 1000 + rates::rate() * 100 + env!("STEP").parse::<u32>().unwrap()
}
"#;

const BUILD: &str = r#"
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=STEP=1");
}
"#;

fn lab() -> Lab {
    let lab = Lab::new("changes");
    lab.add_crate("shapes", "", "pub fn corners() -> u32 { 4 }\n");
    lab.edit(
        "hot/Cargo.toml",
        "[dependencies]\n",
        "[features]\ndefault = []\nloud = []\n[dependencies]\nshapes = { path = \"../shapes\" }\n",
    );
    lab.write("hot/build.rs", BUILD);
    lab.write("hot/src/lib.rs", HOT);
    lab.write("hot/src/rates.rs", "pub fn rate() -> u32 { 2 }\n");
    lab
}

#[test]
fn what_can_be_swapped_is_swapped_and_what_is_wrong_is_said() {
    let lab = lab();
    let mut run = lab.run(&[]);
    run.wait_for("value 4201");
    let program = run.program();

    lab.edit("hot/build.rs", "STEP=1", "STEP=2");
    run.wait_for("asking cargo again  build script of changes-hot changed: hot/build.rs");
    run.wait_for("value 4202");
    run.wait_for_swap(1, "build.rs");

    // Only hot code uses it: it comes along.
    lab.edit("shapes/src/lib.rs", "{ 4 }", "{ 5 }");
    run.wait_for("value 5202");
    run.wait_for("(shapes ");

    lab.edit("hot/src/rates.rs", "{ 2 }", "{ 2 ");
    run.wait_for("this file contains an unclosed delimiter");
    run.wait_for("heard of a failed build");
    lab.edit("hot/src/rates.rs", "{ 2 ", "{ 3 }");
    run.wait_for("value 5302");

    lab.edit(
        "hot/src/rates.rs",
        "{ 3 }",
        "{ unsafe extern \"C\" { safe fn nobody_has_this() -> u32; } nobody_has_this() }",
    );
    run.wait_for("nobody_has_this");
    run.wait_for("heard of a failed build");
    lab.edit(
        "hot/src/rates.rs",
        "{ unsafe extern \"C\" { safe fn nobody_has_this() -> u32; } nobody_has_this() }",
        "{ 3 }",
    );
    run.wait_for("unchanged  rates.rs as it was");

    // Moved, as by a person: first there are two, then one, and it is edited there.
    lab.write("hot/src/rates/mod.rs", "pub fn rate() -> u32 { 4 }\n");
    fs::remove_file(lab.path("hot/src/rates.rs")).unwrap();
    run.wait_for("value 5402");
    lab.edit("hot/src/rates/mod.rs", "{ 4 }", "{ 6 }");
    run.wait_for("value 5602");
    run.wait_for("  rate  ");

    // Nothing but words: the same code comes out.
    lab.edit("hot/src/rates/mod.rs", "{ 6 }", "{ 6 } // six");
    run.wait_for("unchanged  mod.rs");

    assert_eq!(run.program(), program, "it is the same program all the time");
    let heard = run.heard();
    assert_eq!(heard.matches("error: this file contains").count(), 1, "said once: {heard}");
    assert!(!heard.contains("restart"), "{heard}");
    let edit = &lab.status(run.pid())["last_edit"];
    assert_eq!((&edit["what"], &edit["outcome"]), (&"rate".into(), &"swapped".into()), "{edit}");
    for step in ["noticed", "compiled", "linked", "published", "total"] {
        assert!(edit[step].as_u64().unwrap() > 0, "{step} in {edit}");
    }
    let log = lab.log_of(run.pid());
    assert!(log.contains("staged ") && log.contains("building shapes again"), "{log}");
    run.tell("TERM");
    run.code();
    lab.assert_nothing_runs();
}

#[test]
fn what_decides_how_everything_is_built_starts_the_program_anew() {
    let lab = lab();
    let mut run = lab.run(&[]);
    run.wait_for("value 4201");
    let program = run.program();

    lab.edit("hot/Cargo.toml", "default = []", "default = [\"loud\"]");
    run.wait_for("restart needed  hot/Cargo.toml is what decides how the program is built");
    run.wait_for("restarted  hot/Cargo.toml");
    run.wait_for("value 104201");

    lab.edit("shapes/Cargo.toml", "0.1.0", "0.2.0");
    lab.edit("shapes/src/lib.rs", "{ 4 }", "{ 3 }");
    run.wait_for("shapes/Cargo.toml is what decides how the program is built");
    run.wait_for("value 103201");
    assert!(!is_there(program));

    // What makes no difference to the program does not end it.
    let program = run.program();
    lab.edit("hot/Cargo.toml", "[features]", "# Why these?\n[features]");
    run.wait_for("unchanged  hot/Cargo.toml  the same program came out");
    lab.edit("hot/src/rates.rs", "{ 2 }", "{ 7 }");
    run.wait_for("value 103701");
    assert_eq!(run.program(), program);
    run.tell("TERM");
    run.code();
}

#[test]
fn two_hot_crates_of_one_program_are_swapped_each_for_itself() {
    let lab = Lab::new("pair");
    let hot = "liveswap_abi::hot_crate!();\n#[liveswap_macros::hot]\npub fn other() -> u32 { 1 }\n";
    lab.add_crate("other-hot", &format!("[dependencies]\n{}", Lab::hot_dependencies()), hot);
    lab.edit(
        "host/Cargo.toml",
        "[dependencies]\n",
        "[dependencies]\nother = { package = \"other-hot\", path = \"../other-hot\" }\n",
    );
    lab.edit(
        "host/src/main.rs",
        "    let events = runtime.events();\n",
        "    let events = runtime.events();\n    \
         let _second = liveswap::Runtime::start(other::hot_crate()).unwrap();\n",
    );
    lab.edit("host/src/main.rs", "rules::value(0);", "rules::value(0) + 10 * other::other();");
    let mut run = lab.run(&[]);
    run.wait_for("value 11");
    lab.edit("other-hot/src/lib.rs", "{ 1 }", "{ 2 }");
    run.wait_for("value 21");
    run.wait_for_swap(1, "other");
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ 3 }");
    run.wait_for("value 23");
    run.wait_for_swap(1, "value");
    run.tell("TERM");
    run.code();
}

#[test]
fn what_the_program_was_compiled_with_is_named_when_it_is_edited() {
    let lab = Lab::new("unseen");
    let main = "println!(\"limit {}\", rules::LIMIT);\n    let mut last = None;";
    lab.edit("host/src/main.rs", "let mut last = None;", main);
    lab.edit("hot/src/lib.rs", "{ 1 }", "{ LIMIT / 7 }\npub const LIMIT: u32 = 7;");
    // What is called the same in a crate that does not know the hot one says nothing, although its path comes first.
    lab.add_crate("beside", "", "pub const LIMIT: u32 = 1;\npub fn limit() -> u32 { LIMIT }\n");
    let dependency = "[dependencies]\nbeside = { path = \"../beside\" }\n";
    lab.edit("host/Cargo.toml", "[dependencies]\n", dependency);
    let mut run = lab.run(&[]);
    run.wait_for("value 1");
    let program = run.program();

    // The hot function sees it; the program itself does not.
    lab.edit("hot/src/lib.rs", "= 7;", "= 14;");
    run.wait_for("value 2");
    run.wait_for("no effect  `LIMIT` is a constant");
    run.wait_for("the old one (host/src/main.rs:");
    run.wait_for("return it from a `#[hot]` function, or restart the program");
    run.wait_for("LIMIT has no effect");

    // Nothing is said of what takes effect.
    lab.edit("hot/src/lib.rs", "LIMIT / 7", "LIMIT / 2");
    run.wait_for("value 7");
    assert_eq!(run.program(), program);
    run.tell("INT");
    assert_eq!(run.code(), Some(130));
    assert_eq!(run.heard().matches("no effect  ").count(), 1, "{}", run.heard());
}
