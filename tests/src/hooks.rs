//! What generations do when they come and when they go.

use std::fs;
use std::path::PathBuf;

use liveswap_testkit::process::{DEADLINE, wait_until};

use crate::harness::{Host, Program, Version, Workbench, first_with, host_with, swap};

/// Hooks of every version, and how they talk with a test: by lines in one file, and by the presence of others.
const HOOKS: &str = r#"
#[hot(self_check)]
fn calls_itself() -> Result<(), String> {
    let elsewhere = std::thread::spawn(version).join().map_err(|_| "no answer".to_owned())?;
    if is_there("veto") {
        return Err(format!("v{} was asked not to come", version()));
    }
    // Threads that the program's own code starts call the newest generation, as always.
    let elsewhere = if VERSION == 1 { VERSION } else { elsewhere };
    if (version(), elsewhere) == (VERSION, VERSION) {
        Ok(())
    } else {
        Err(format!("v{VERSION} called v{} and v{elsewhere}", version()))
    }
}

#[hot(on_load)]
fn arrives() {
    note(&format!("v{VERSION} arrives, calls v{}", version()));
}

#[hot(on_retire)]
fn leaves() {
    note(&format!("v{VERSION} leaves, calls v{}", version()));
}

fn beside(name: &str) -> Option<std::path::PathBuf> {
    Some(std::path::PathBuf::from(std::env::var_os("NOTES")?).join(name))
}

fn is_there(name: &str) -> bool {
    beside(name).is_some_and(|path| path.exists())
}

/// Waits until the test makes this file.
pub fn wait_for(name: &str) {
    while !is_there(name) {
        signal::pause();
    }
}

/// Adds a line to what the test reads.
pub fn note(text: &str) {
    use std::io::Write;
    let Some(path) = beside("notes") else { return };
    let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{text}\n").as_bytes()).unwrap();
}
"#;

/// The first version with hooks, which is what programs are linked with here.
pub(crate) fn hooked() -> Version {
    first_with(HOOKS)
}

/// A later version with hooks.
pub(crate) fn later(number: &str) -> Version {
    hooked().numbered(number)
}

/// A place for one test, and what hot code there says.
pub(crate) struct Stand {
    pub(crate) bench: Workbench,
}

impl Stand {
    pub(crate) fn new() -> Stand {
        // Compiled before any program starts: an artifact that is older than its program is a part of it.
        host_with(&hooked());
        Stand { bench: Workbench::new() }
    }

    /// The program that has hooks of its own.
    pub(crate) fn program(&self) -> Program {
        let artifact = self.bench.artifact().display().to_string();
        let root = self.bench.root().display().to_string();
        let program = self.bench.bare_program(&host_with(&hooked()));
        program
            .arg("--artifact", &artifact)
            .arg("--stage-dir", &root)
            .arg("--quarantine", "50")
            .env("NOTES", self.bench.root())
    }

    pub(crate) fn swap(&self, host: &mut Host, version: &Version, generation: u64) {
        swap(&self.bench, host, version, generation);
    }

    fn file(&self, name: &str) -> PathBuf {
        self.bench.root().join(name)
    }

    /// Makes the file that hot code waits for or asks for.
    pub(crate) fn put(&self, name: &str) {
        fs::write(self.file(name), "").unwrap();
    }

    pub(crate) fn take_away(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        let notes = fs::read_to_string(self.file("notes")).unwrap_or_default();
        notes.lines().map(str::to_owned).collect()
    }

    /// Waits until hot code has said exactly this, in this order.
    #[track_caller]
    pub(crate) fn said(&self, expected: &[&str]) {
        let what = format!("the notes are {expected:?}");
        wait_until(&what, || self.notes().len() >= expected.len());
        assert_eq!(self.notes(), expected);
    }
}

#[test]
fn the_old_generation_leaves_before_the_new_one_arrives_and_each_calls_its_own_code() {
    let stand = Stand::new();
    let mut host = stand.program().start();
    stand.swap(&mut host, &later("2"), 1);
    let first = ["v1 leaves, calls v1", "v2 arrives, calls v2"];
    stand.said(&first);
    stand.swap(&mut host, &later("3"), 2);
    let second = ["v2 leaves, calls v2", "v3 arrives, calls v3"];
    stand.said(&[first, second].concat());
    host.unloaded(1);
    assert_eq!(host.events(&["hook panicked"]), 0);
    // Neither the start nor the end of a program or of its runtime is a swap.
    host.ask(&["shutdown"]);
    host.runs(3);
    host.finish();
    assert_eq!(stand.notes(), [first, second].concat());
}

#[test]
fn several_hooks_run_in_the_order_of_their_paths_and_a_panic_of_one_is_only_told() {
    let stand = Stand::new();
    let mut host = stand.program().start();
    let version = later("2")
        .edit(
            "deep.rs",
            "pub mod inner {",
            "#[liveswap_macros::hot(on_load)]\nfn z_last() {\n    crate::note(\"z_last\");\n}\n\n#[liveswap_macros::hot(on_load)]\nfn falls() {\n    crate::note(\"falls\");\n    panic!(\"on its way in\");\n}\n\npub mod inner {",
        )
        .with("#[hot(on_retire)]\nfn falls_too() {\n    panic!(\"v{VERSION} on its way out\");\n}");
    let line = version.line_of("deep.rs", "on its way in");
    stand.swap(&mut host, &version, 1);
    let arrived = ["v1 leaves, calls v1", "v2 arrives, calls v2", "falls", "z_last"];
    stand.said(&arrived);
    let told = host.event(&["hook panicked generation=1"]);
    let expected =
        "role=on_load `hot_fixture::deep::falls` panicked: on its way in, at src/deep.rs:";
    assert!(told.contains(&format!("{expected}{line}:")), "{told}");
    host.runs(2);

    stand.swap(&mut host, &later("3"), 2);
    stand.said(&[arrived.as_slice(), &["v2 leaves, calls v2", "v3 arrives, calls v3"]].concat());
    host.event(&[
        "hook panicked generation=1 role=on_retire `hot_fixture::falls_too`",
        "v2 on its way out",
    ]);
    host.unloaded(1);
    host.runs(3);
    host.finish();
}

#[test]
fn a_generation_stays_until_its_hooks_are_done_and_nobody_waits_for_them() {
    let stand = Stand::new();
    let program = stand.program().arg("--report-after", "50");
    let mut host = program.arg("--self-check-deadline", "300").start();
    let slow = later("2").with(
        "#[hot(on_retire)]\nfn a_slow_one() {\n    wait_for(\"go\");\n    note(\"at last\");\n}",
    );
    stand.swap(&mut host, &slow, 1);
    stand.said(&["v1 leaves, calls v1", "v2 arrives, calls v2"]);
    stand.swap(&mut host, &later("3"), 2);
    host.runs(3);
    host.event(&["draining generation=1", "a pin on thread `liveswap-on_retire`"]);
    // The next hooks wait for slow ones, but not for ever.
    wait_until("the new generation has arrived", || {
        stand.notes().last().is_some_and(|note| note == "v3 arrives, calls v3")
    });
    stand.swap(&mut host, &later("2"), 3);
    assert_eq!(host.events(&["retired generation=1 "]), 0, "within {DEADLINE:?}");
    assert_eq!(host.ask(&["images"]).parse::<u32>().unwrap().min(2), 2);
    stand.put("go");
    host.unloaded(1);
    assert!(stand.notes().contains(&"at last".to_owned()));
    host.runs(2);
    host.finish();
}
