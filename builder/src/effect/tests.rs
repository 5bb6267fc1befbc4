use std::path::PathBuf;

use super::{Effects, Texts};

const HOT: &str = r#"
    liveswap_abi::hot_crate!();
    pub const SPEED: f32 = 1.0;
    const BONUS: u32 = 3;
    const INNER: u32 = 4;
    pub static TITLE: &str = "one";
    pub struct World { pub x: f32 }
    impl World {
        pub fn new() -> Self { World { x: 1.0 } }
        pub fn width(&self) -> f32 { 80.0 }
        pub fn len(&self) -> usize { 3 }
    }
    impl Default for World { fn default() -> Self { World { x: 2.0 } } }
    #[hot]
    pub fn tick(world: &mut World) { world.x += SPEED + INNER as f32; }
    /// How many points there are.
    pub fn score(x: u32) -> u32 { helper(x) + BONUS }
    fn helper(x: u32) -> u32 { x }
    fn unused_by_host() -> u32 { INNER }
    #[inline] pub fn fast() -> u32 { 1 }
    pub fn pick<T>(of: T) -> T { let _ = 1; of }
    pub const fn limit() -> u32 { 9 }
    #[macro_export] macro_rules! row { () => { $crate::cell(1) } }
    pub fn cell(x: u32) -> u32 { x + 5 }
    pub mod deep { pub fn shade() -> u32 { 7 } pub fn dark() -> u32 { 8 } }
    #[cfg(test)] mod tests { fn score() -> u32 { 0 } }
"#;

const HOST: &str = r#"
    use hot::{World, score};
    fn main() {
        let mut world = World::new();
        hot::tick(&mut world);
        let _ = world.width();
        let names = vec![1].len();
        println!("{} {} {}", hot::SPEED, hot::TITLE, score(1));
        hot::fast(); hot::pick(1); hot::limit(); hot::row!();
        hot::deep::shade();
        let dark = 1;
    }
"#;

fn texts(text: &str) -> Texts {
    Texts::from([(PathBuf::from("src/lib.rs"), text.to_owned())])
}

fn host(text: &str) -> Texts {
    Texts::from([(PathBuf::from("src/main.rs"), text.to_owned())])
}

fn edited(old: &str, new: &str) -> Vec<String> {
    let after = HOT.replace(old, new);
    assert_ne!(after, HOT, "{old}");
    let mut effects = Effects::new(&host(HOST), &texts(HOT));
    effects.edited(&texts(&after)).iter().map(ToString::to_string).collect()
}

#[test]
fn what_the_program_was_compiled_with_is_named_with_what_to_do() {
    let table = [
        (
            "SPEED: f32 = 1.0",
            "SPEED: f32 = 2.0",
            "`SPEED` is a constant, and the program goes on with the old one \
          (src/main.rs:8): return it from a `#[hot]` function, or restart the program",
        ),
        (
            "\"one\"",
            "\"two\"",
            "`TITLE` is a static of which the program has its own, and the program goes on with the old \
          one (src/main.rs:8): read it in a `#[hot]` function, or restart the program",
        ),
        (
            "helper(x) + BONUS",
            "helper(x) - BONUS",
            "`score` is a function that is not hot, and the program goes on with the \
          old one (src/main.rs:8): mark it `#[hot]`, or restart the program",
        ),
        (
            "BONUS: u32 = 3",
            "BONUS: u32 = 4",
            "`BONUS` is a constant, and the program goes on with the old one (through \
          `score`, src/main.rs:8): let the program call a `#[hot]` function in place of `score`, or restart it",
        ),
        (
            "fn fast() -> u32 { 1 }",
            "fn fast() -> u32 { 2 }",
            "`fast` is an inline function, and the program goes on with the \
          old one (src/main.rs:9): mark it `#[hot]`, or restart the program",
        ),
        (
            "let _ = 1;",
            "let _ = 2;",
            "`pick` is a generic function, and the program goes on with the old one \
          (src/main.rs:9): move what changes into a `#[hot]` function that it calls, or restart the program",
        ),
        (
            "{ 9 }",
            "{ 10 }",
            "`limit` is a const function, and the program goes on with the old one (src/main.rs:9): move \
          what changes into a `#[hot]` function that it calls, or restart the program",
        ),
        (
            "$crate::cell(1)",
            "$crate::cell(2)",
            "`row` is a macro, and the program goes on with the old one \
          (src/main.rs:9): let it expand to a call of a `#[hot]` function, or restart the program",
        ),
        (
            "x + 5",
            "x + 6",
            "`cell` is a function that is not hot, and the program goes on with the old one (through `row`, \
          src/main.rs:9): let the program call a `#[hot]` function in place of `row`, or restart it",
        ),
        (
            "World { x: 1.0 }",
            "World { x: 3.0 }",
            "`World::new` is a method, which is not hot, and the program goes on with the \
          old one (src/main.rs:4): move what changes into a `#[hot]` function that it calls, or restart the program",
        ),
        (
            "80.0",
            "81.0",
            "`World::width` is a method, which is not hot, and the program goes on with the old one \
          (src/main.rs:6): move what changes into a `#[hot]` function that it calls, or restart the program",
        ),
        (
            "{ 7 }",
            "{ 70 }",
            "`deep::shade` is a function that is not hot, and the program goes on with the old one \
          (src/main.rs:10): mark it `#[hot]`, or restart the program",
        ),
    ];
    for (old, new, expected) in table {
        assert_eq!(edited(old, new), [expected], "{old} -> {new}");
    }
}

#[test]
fn what_only_hot_functions_use_takes_effect_and_is_not_named() {
    let table = [
        ("INNER: u32 = 4", "INNER: u32 = 5"),
        ("world.x += SPEED", "world.x -= SPEED"),
        ("fn unused_by_host() -> u32 { INNER }", "fn unused_by_host() -> u32 { 3 }"),
        // A local variable of the same name.
        ("{ 8 }", "{ 80 }"),
        // Documentation, comments, layout, tests.
        ("How many points there are.", "The points."),
        ("fn helper(x: u32) -> u32 { x }", "// why\nfn  helper( x: u32 )->u32\n{ x }"),
        ("{ 0 }", "{ 1 }"),
        // What the program does not have yet, or what is gone, it cannot go on with.
        ("fn unused_by_host", "pub fn more() {} fn unused_by_host"),
        // Not Rust.
        ("fn helper(", "fn helper(("),
    ];
    for (old, new) in table {
        assert_eq!(edited(old, new), Vec::<String>::new(), "{old} -> {new}");
    }
}

#[test]
fn an_edit_is_named_once_and_not_when_it_is_taken_back() {
    let mut effects = Effects::new(&host(HOST), &texts(HOT));
    let faster = HOT.replace("1.0;", "2.0;");
    assert_eq!(effects.edited(&texts(&faster)).len(), 1);
    assert_eq!(effects.edited(&texts(&faster)), []);
    let other = faster.replace("world.x +=", "world.x -=");
    assert_eq!(effects.edited(&texts(&other)), []);
    assert_eq!(effects.edited(&texts(HOT)), []);
    assert_eq!(effects.edited(&texts(&faster)).len(), 1);
}

#[test]
fn a_function_that_is_made_hot_while_the_program_runs_is_named() {
    let named = edited(
        "pub fn score(x: u32) -> u32 { helper(x)",
        "#[hot] pub fn score(x: u32) -> u32 { 1 + helper(x)",
    );
    assert_eq!(named.len(), 1, "{named:?}");
}

#[test]
fn common_method_names_count_only_with_their_type_named() {
    let edit = |host_text: &str| {
        let mut effects = Effects::new(&host(host_text), &texts(HOT));
        effects.edited(&texts(&HOT.replace("usize { 3 }", "usize { 4 }"))).len()
    };
    assert_eq!(edit("fn main() { hot::all().len(); }"), 0);
    assert_eq!(edit("fn main() { let world: hot::World = hot::all(); world.len(); }"), 1);
}

#[test]
fn traits_that_are_used_without_being_written_count_with_their_type() {
    let edit = |host_text: &str| {
        let mut effects = Effects::new(&host(host_text), &texts(HOT));
        effects.edited(&texts(&HOT.replace("x: 2.0", "x: 4.0"))).len()
    };
    assert_eq!(edit("#[derive(Default)] struct Game { world: hot::World }"), 1);
    assert_eq!(edit("fn main() { hot::score(1); }"), 0);
}

#[test]
fn an_item_that_moved_to_another_file_is_still_the_same_item() {
    let mut effects = Effects::new(&host(HOST), &texts(HOT));
    let mut after = texts(&HOT.replace("pub const SPEED: f32 = 1.0;", "pub use speed::SPEED;"));
    after.insert("src/speed.rs".into(), "pub const SPEED: f32 = 1.0;".into());
    assert_eq!(effects.edited(&after), []);
    after.insert("src/speed.rs".into(), "pub const SPEED: f32 = 5.0;".into());
    assert_eq!(effects.edited(&after).len(), 1);
}

#[test]
fn the_host_that_passes_a_function_on_uses_it() {
    let host_text = "fn main() { run(hot::deep::shade); }";
    let mut effects = Effects::new(&host(host_text), &texts(HOT));
    assert_eq!(effects.edited(&texts(&HOT.replace("{ 7 }", "{ 70 }"))).len(), 1);
}
