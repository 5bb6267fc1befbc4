//! `tracing` in the code of shared artifacts: it is the program's, and keeps no generation.

use std::path::{Path, PathBuf};

use liveswap_builder::{Builder, KindPolicy, Settings};

use crate::fixture::build;
use crate::live::program::{Program, Sources, Workspace};

const SIGSEGV: i32 = 11;

/// A program, and a builder whose artifacts it takes.
struct Scene {
    workspace: Workspace,
    builder: Builder,
    host: PathBuf,
    version: u32,
}

impl Scene {
    /// All tests are of one program, one after the other.
    fn new(settings: Settings) -> Self {
        let sources = Sources {
            hot_name: "hot",
            host: vec![("main.rs".to_owned(), include_str!("host.rs").to_owned())],
            hot: vec![("lib.rs".to_owned(), include_str!("hot.rs").to_owned())],
            state: "//! Nothing.\n",
            traces: true,
        };
        let workspace = Workspace::with("traces", &sources);
        let (builder, host) = workspace.started(settings);
        Self { workspace, builder, host: host.executable, version: 10 }
    }

    fn artifact(&self) -> PathBuf {
        self.workspace.stages().join("artifact.so")
    }

    /// The program, without an artifact.
    fn start(&self) -> Program {
        Program::start(&self.host, &self.artifact(), self.workspace.stages())
    }

    /// Builds new code.
    fn build(&mut self) -> PathBuf {
        self.workspace.edit_value(self.version, self.version + 1);
        self.version += 1;
        build(&self.builder).artifact.path
    }

    /// Puts the artifact of new code where the program looks.
    fn publish(&mut self) {
        let path = self.build();
        self.put(&path);
    }

    fn put(&self, artifact: &Path) {
        let aside = self.workspace.stages().join("aside.so");
        std::fs::copy(artifact, &aside).expect("copied");
        std::fs::rename(&aside, self.artifact()).expect("renamed");
    }

    fn swap(&mut self, program: &mut Program, generation: u32) {
        self.publish();
        let answer = program.ask("reload");
        assert!(answer.starts_with(&format!("swapped {generation}")), "{answer}");
        assert_eq!(program.ask("value"), self.version.to_string());
    }
}

/// The line of the hot crate's root that contains this.
fn line(part: &str) -> usize {
    let at = include_str!("hot.rs").lines().position(|line| line.contains(part));
    at.expect("it is there") + 1
}

fn told(value: u32) -> String {
    let line = line("info!(");
    format!("event INFO hot hot/src/lib.rs:{line} message=told answer={value}")
}

#[test]
fn a_callsite_does_not_keep_its_generation_and_without_a_home_that_lets_go_the_program_would_die() {
    let mut scene = Scene::new(Settings::default());
    let mut program = scene.start();
    program.ask("listen");
    assert_eq!(program.ask("tell"), told(10));
    for generation in 1..=3 {
        scene.swap(&mut program, generation);
        assert_eq!(program.ask("tell"), told(10 + generation));
        if generation > 1 {
            assert_eq!(program.ask("retired"), format!("{}: Unloaded", generation - 1));
        }
        assert_eq!(program.ask("images"), "1");
        assert_eq!(program.ask("rebuild"), "rebuilt");
        assert_eq!(program.ask("tell"), told(10 + generation));
    }
    // Unloaded with its callsites still at home: what passes interests on reaches into nothing.
    assert_eq!(program.ask("close-newest"), "0 left");
    assert_eq!(program.dies_of("rebuild"), Some(SIGSEGV));
}

#[test]
fn a_callsite_that_is_registered_keeps_its_generation_and_without_that_the_program_would_die() {
    let mut scene = Scene::new(Settings::default());
    let registered = "
struct Own;

impl tracing::callsite::Callsite for Own {
    fn set_interest(&self, _: tracing::subscriber::Interest) {}
    fn metadata(&self) -> &tracing::Metadata<'_> {
        &ABOUT
    }
}

static ABOUT: tracing::Metadata<'static> = tracing::Metadata::new(
    \"own\",
    \"hot\",
    tracing::Level::INFO,
    None,
    None,
    None,
    tracing::field::FieldSet::new(&[], tracing::callsite::Identifier(&Own)),
    tracing::metadata::Kind::EVENT,
);

#[hot]
pub fn tell() {
    tracing::callsite::register(&Own);
";
    scene.workspace.edit("\n#[hot]\npub fn tell() {\n", registered);
    let mut program = scene.start();
    program.ask("listen");
    scene.swap(&mut program, 1);
    program.ask("tell");
    scene.swap(&mut program, 2);
    let retired = program.ask("retired");
    assert_eq!(
        retired,
        "1: its code calls `tracing_core::callsite::register`, which keeps what it is given"
    );
    assert_eq!(program.ask("rebuild"), "rebuilt");
    program.ask("tell");
    assert_eq!(program.ask("close-newest"), "1 left");
    assert_eq!(program.dies_of("rebuild"), Some(SIGSEGV));
}

#[test]
fn every_generation_goes_while_threads_tell_what_they_do() {
    const SWAPS: u32 = 60;
    let mut scene = Scene::new(Settings::default());
    let mut program = scene.start();
    program.ask("listen");
    let versions = [0, 1].map(|version| {
        let path = scene.workspace.stages().join(format!("{version}.so"));
        std::fs::copy(scene.build(), &path).expect("copied");
        path
    });
    program.ask("storm");
    for generation in 1..=SWAPS {
        scene.put(&versions[generation as usize % 2]);
        let answer = program.ask("reload");
        assert!(answer.starts_with(&format!("swapped {generation}")), "{answer}");
        program.ask("storm-goes-on");
        program.ask("rebuild");
        if generation > 1 {
            assert_eq!(program.ask("retired"), format!("{}: Unloaded", generation - 1));
        }
    }
    assert_eq!(program.ask("calm"), "3");
    assert_eq!(program.ask("images"), "1");
    program.end();
}

/// A span is opened by each of three generations, and used and closed when two of them are gone.
fn spans_outlive_their_generations(settings: Settings) {
    let mut scene = Scene::new(settings);
    let mut program = scene.start();
    program.ask("listen");
    for generation in 1..=3 {
        scene.swap(&mut program, generation);
        program.ask("tell");
        assert_eq!(program.ask("open"), "");
        if generation > 1 {
            assert_eq!(program.ask("retired"), format!("{}: Unloaded", generation - 1));
        }
    }
    assert_eq!(program.ask("images"), "1");
    let kept = format!("kept INFO hot hot/src/lib.rs:{}", line("\"kept\""));
    let three = |word: &str| [word; 3].map(|word| kept.clone() + word).join("; ");
    assert_eq!(program.ask("use"), three(" late=7"));
    assert_eq!(program.ask("close"), three(" closed"));

    // And one that is open in the very code that is swapped for other code.
    scene.publish();
    let around = format!("around INFO hot hot/src/lib.rs:{}", line("\"around\""));
    let value = scene.version;
    // The old code calls the newest, and is still inside its span.
    let said = [format!("{around} late={value}"), told(value), format!("{around} closed")];
    assert_eq!(program.ask("around"), format!("{value}, {}", said.join("; ")));
    assert_eq!(program.ask("retired"), "3: Unloaded");
    program.end();
}

#[test]
fn a_span_that_outlives_its_generation_is_described_by_the_program() {
    spans_outlive_their_generations(Settings::default());
}

#[test]
fn optimized_code_uses_its_homes() {
    let rustc_args = vec!["-Copt-level=3".to_owned()];
    spans_outlive_their_generations(Settings { rustc_args, ..Settings::default() });
}

#[test]
fn a_filter_that_changes_after_a_swap_reaches_the_new_code() {
    let mut scene = Scene::new(Settings::default());
    let mut program = scene.start();
    program.ask("listen");
    let whispered = |version: u32| {
        let line = line("debug!(");
        format!("event DEBUG hot hot/src/lib.rs:{line} message=whispered {version}")
    };
    scene.swap(&mut program, 1);
    assert_eq!(program.ask("whisper"), "");
    assert_eq!(program.ask("asks"), "false");
    program.ask("debug");
    assert_eq!(program.ask("whisper"), whispered(11));
    assert_eq!(program.ask("asks"), "true");
    // As it is now, it is for the next, too.
    scene.swap(&mut program, 2);
    assert_eq!(program.ask("retired"), "1: Unloaded");
    assert_eq!(program.ask("whisper"), whispered(12));
    program.ask("info");
    assert_eq!(program.ask("whisper"), "");
    assert_eq!(program.ask("asks"), "false");
    program.end();
}

#[test]
fn a_subscriber_of_one_thread_hears_code_that_another_thread_loads() {
    let mut scene = Scene::new(Settings::default());
    let mut program = scene.start();
    scene.publish();
    let heard = program.ask("scoped");
    assert!(heard.starts_with("swapped 1") && heard.ends_with(&told(11)), "{heard}");
    program.end();
}

#[test]
fn a_standalone_artifact_tells_its_own_tracing_which_nobody_hears() {
    let mut scene = Scene::new(Settings { kind: KindPolicy::Standalone, ..Settings::default() });
    let mut program = scene.start();
    program.ask("listen");
    assert_eq!(program.ask("tell"), told(10));
    for generation in 1..=2 {
        scene.swap(&mut program, generation);
        assert_eq!(program.ask("tell"), "");
    }
    assert_eq!(program.ask("retired"), "1: Unloaded");
    assert_eq!(program.ask("rebuild"), "rebuilt");
    program.end();
}

/// `#[tracing::instrument]` on a hot function and on an `async fn`, each in the middle of its span when its code is swapped
/// for other code. `is_heard` in a shared artifact only.
fn instrumented_code_is_swapped(kind: KindPolicy, is_heard: bool) {
    let mut scene = Scene::new(Settings { kind, ..Settings::default() });
    let mut program = scene.start();
    program.ask("listen");
    // What was heard, without the lines of the spans, which the attribute chooses.
    let heard = |answer: &str| -> String {
        let said = answer.split_once(", ").map_or("", |(_, said)| said);
        let name = |one: &str| match one.strip_suffix(" closed") {
            Some(span) => format!("{} closed", span.split(' ').next().unwrap_or_default()),
            None => one.to_owned(),
        };
        said.split("; ").map(name).collect::<Vec<_>>().join("; ")
    };
    let expected = |name: &str, value: u32| match is_heard {
        true => format!("{}; {name} closed", told(value)),
        false => String::new(),
    };
    scene.swap(&mut program, 1);
    assert_eq!(program.ask("wait"), "waits");
    scene.swap(&mut program, 2);

    scene.publish();
    let value = scene.version;
    let answer = program.ask("instrumented");
    assert!(answer.starts_with(&format!("{value},")), "{answer}");
    assert_eq!(heard(&answer), expected("instrumented", value));
    assert_eq!(program.ask("retired"), "2: Unloaded");

    // The first generation is still in the middle of it.
    assert_eq!(program.ask("images"), "2");
    let answer = program.ask("go-on");
    assert!(answer.starts_with(&format!("{value},")), "{answer}");
    assert_eq!(heard(&answer), expected("waits", value));
    assert_eq!(program.ask("retired"), "1: Unloaded");
    assert_eq!(program.ask("images"), "1");
    assert_eq!(program.ask("rebuild"), "rebuilt");
    program.end();
}

#[test]
fn instrumented_code_of_a_shared_artifact_is_swapped_inside_of_its_spans() {
    instrumented_code_is_swapped(KindPolicy::Auto, true);
}

#[test]
fn instrumented_code_of_a_standalone_artifact_is_swapped_inside_of_its_spans() {
    instrumented_code_is_swapped(KindPolicy::Standalone, false);
}

#[test]
fn the_program_leaves_a_span_whose_code_is_gone() {
    let mut scene = Scene::new(Settings::default());
    let mut program = scene.start();
    program.ask("listen");
    scene.swap(&mut program, 1);
    assert_eq!(program.ask("enter"), "1");
    for generation in 2..=3 {
        scene.swap(&mut program, generation);
        assert_eq!(program.ask("retired"), format!("{}: Unloaded", generation - 1));
    }
    assert_eq!(program.ask("tell"), told(13));
    let kept = format!("kept INFO hot hot/src/lib.rs:{}", line("\"kept\""));
    assert_eq!(program.ask("leave"), format!("0, {kept} closed"));
    program.end();
}
