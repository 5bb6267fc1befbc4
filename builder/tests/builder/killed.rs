//! A builder that is killed, with whatever it has started going on: the next one recovers, and what is still being made for
//! the dead one reaches nobody.
//!
//! Compilers and linkers are stopped at gates, FIFOs that they read to their end, so that the builder is killed in that step.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use liveswap_builder::{Outcome, Settings};

use crate::cancel::{processes_in, wait_until};
use crate::fixture::{Fixture, assert_line, build, build_host, run};

/// What the test that is a builder is told: where the workspace is.
const ROOT: &str = "LIVESWAP_TEST_BUILDER_ROOT";

/// And whether it builds the host first.
const WITH_HOST: &str = "LIVESWAP_TEST_BUILDER_HOST";

const PATIENCE: Duration = Duration::from_secs(180);

/// Not a test but, in a process of its own, a builder to kill.
#[test]
fn a_builder() {
    let Some(root) = std::env::var_os(ROOT) else { return };
    let builder = Fixture::open_at(Path::new(&root), Settings::default());
    if std::env::var_os(WITH_HOST).is_some() {
        build_host(&builder);
    }
    build(&builder);
    println!("\nbuilt");
    // Until it is killed.
    let _ = std::io::stdin().lines().count();
}

/// A builder in a process of its own.
fn builder(fixture: &Fixture, with_host: bool) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["killed::a_builder", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ROOT, fixture.root()).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::null());
    if with_host {
        command.env(WITH_HOST, "1");
    }
    command
}

fn kill(mut builder: Child) {
    builder.kill().expect("killed");
    assert_eq!(builder.wait().expect("it ends").signal(), Some(9));
}

/// Waits for a line that a process says.
#[track_caller]
fn says(child: &mut Child, line: &'static str) {
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let (tell, told) = channel();
    std::thread::spawn(move || {
        if output.lines().map_while(Result::ok).any(|said| said == line) {
            let _ = tell.send(());
        }
    });
    told.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{line}: {error}"));
}

/// A place at which whoever comes there stays until it is opened.
struct Gate {
    path: PathBuf,
    keeper: Option<Child>,
}

impl Gate {
    fn new(path: PathBuf) -> Self {
        let made = Command::new("mkfifo").arg(&path).status().expect("`mkfifo` starts");
        assert!(made.success());
        Self { path, keeper: None }
    }

    /// Waits until somebody is there, who then stays.
    #[track_caller]
    fn somebody_came(&mut self) {
        let mut command = Command::new("sh");
        // Opening it for writing takes until somebody reads.
        command.args(["-c", "exec 3> \"$0\"; echo came; read -r end"]).arg(&self.path);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let keeper = self.keeper.insert(child.expect("a shell starts"));
        says(keeper, "came");
        // Nobody else is to stay here.
        fs::rename(&self.path, self.path.with_extension("closed")).expect("renamed");
    }

    /// Lets whoever is there go on.
    fn open(mut self) {
        self.let_go();
    }

    fn let_go(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            let _ = keeper.kill();
            let _ = keeper.wait();
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Writes a script.
fn script(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// A workspace whose linker and, where it is asked for, compiler stay at gates.
struct Gated {
    fixture: Fixture,
}

impl Gated {
    fn new() -> Self {
        let fixture = Fixture::new();
        let gates = fixture.root().join("gates");
        fs::create_dir(&gates).expect("created");
        let stay = |name: &str| {
            let gate = gates.join(name);
            format!("if [ -p '{0}' ]; then cat '{0}' > /dev/null; fi\n", gate.display())
        };
        let linker = format!(
            "#!/bin/sh\n{}cc \"$@\"\ncode=$?\n{}exit $code\n",
            stay("before-the-link"),
            stay("after-the-link")
        );
        script(&gates.join("linker"), &linker);
        script(&gates.join("compiler"), &format!("#!/bin/sh\n{}exec \"$@\"\n", stay("capture")));
        let linker = gates.join("linker");
        fixture
            .write(".cargo/config.toml", &format!("[target.'cfg(unix)']\nlinker = {linker:?}\n"));
        fixture.edit(
            "hot-logic/src/lib.rs",
            "pub struct Marker",
            "pub const TEXT: &str = include_str!(\"text\");\npub struct Marker",
        );
        fixture.write("hot-logic/src/text", "");
        Self { fixture }
    }

    fn gate(&self, name: &str) -> Gate {
        Gate::new(self.fixture.root().join("gates").join(name))
    }

    /// The host, by a builder that ends well.
    fn with_host(self) -> Self {
        let (builder, _) = self.fixture.started(Settings::default());
        build(&builder);
        drop(builder);
        assert_eq!(self.works(), [""; 0], "one that ends removes what is only its own");
        self
    }

    /// Files in the builder's directories, by the ends of their paths.
    fn files(&self, matches: impl Fn(&str) -> bool) -> Vec<String> {
        let mut found = Vec::new();
        let mut directories = vec![self.fixture.root().join("target/liveswap/build")];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let name = entry.file_name().to_str().expect("text").to_owned();
                if matches(&name) {
                    found.push(name);
                }
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    directories.push(entry.path());
                }
            }
        }
        found
    }

    fn works(&self) -> Vec<String> {
        self.files(|name| name.starts_with("builder-"))
    }

    fn published(&self) -> Vec<String> {
        self.files(|name| name.ends_with("libhot_logic.so"))
    }

    /// Asserts that the next builder recovers, whenever what the dead one started goes on.
    #[track_caller]
    fn recovers(&self, orphans: Option<Gate>) {
        let fixture = &self.fixture;
        let next = fixture.open(Settings::default());
        assert_eq!(self.works().len(), 1, "one is the next one's: {:?}", self.works());
        assert_eq!(self.files(|name| name.ends_with(".new")), [""; 0]);
        // Cargo's own lock is waited for as long as somebody has it.
        let host = next.build_host().expect("starts");
        let during = orphans.map(Gate::open);
        let host = host.wait().expect("the host is built");
        assert_eq!(self.published(), [""; 0], "nothing of before the host is there");
        let outcome = build(&next);
        assert_line(&run(&host, &[&outcome]), "hot value 20");
        if during.is_some() {
            wait_until("what the dead one started has ended", || {
                processes_in(fixture.root()).is_empty()
            });
        }
        let is_whole = |outcome: &Outcome| {
            let bytes = fs::read(&outcome.artifact.path).expect("published");
            assert_eq!(blake3::hash(&bytes).as_bytes(), &outcome.artifact.digest);
        };
        is_whole(&outcome);
        fixture.edit_value(20, 30);
        let outcome = build(&next);
        is_whole(&outcome);
        assert_line(&run(&host, &[&outcome]), "hot value 30");
        drop(next);
        assert_eq!(self.works(), [""; 0]);
        assert_eq!(self.files(|name| name.ends_with(".new")), [""; 0]);
        assert_eq!(self.published().len(), 1);
        assert_eq!(self.files(|name| name == "lock").len(), 1, "no builder had to give way");
    }
}

#[test]
fn at_the_capture() {
    let gated = Gated::new();
    gated.fixture.edit_value(10, 20);
    let mut gate = gated.gate("capture");
    let compiler = gated.fixture.root().join("gates/compiler");
    let killed = builder(&gated.fixture, true).env("RUSTC_WRAPPER", compiler).spawn();
    let killed = killed.expect("starts");
    gate.somebody_came();
    kill(killed);
    gated.recovers(Some(gate));
}

#[test]
fn at_the_host_s_link() {
    let gated = Gated::new();
    gated.fixture.edit_value(10, 20);
    let mut gate = gated.gate("before-the-link");
    let killed = builder(&gated.fixture, true).spawn().expect("starts");
    gate.somebody_came();
    kill(killed);
    gated.recovers(Some(gate));
}

#[test]
fn at_the_compilation() {
    let gated = Gated::new().with_host();
    let text = gated.fixture.root().join("hot-logic/src/text");
    gated.fixture.edit_value(10, 20);
    fs::remove_file(&text).expect("removed");
    let mut gate = Gate::new(text.clone());
    let killed = builder(&gated.fixture, false).spawn().expect("starts");
    gate.somebody_came();
    kill(killed);
    fs::write(&text, "").expect("written");
    gated.recovers(Some(gate));
}

/// Before the linker has begun, and when it has written all of the file, which is then not published yet.
#[test]
fn at_the_link() {
    for step in ["before-the-link", "after-the-link"] {
        let gated = Gated::new().with_host();
        gated.fixture.edit_value(10, 20);
        let mut gate = gated.gate(step);
        let killed = builder(&gated.fixture, false).spawn().expect("starts");
        gate.somebody_came();
        let is_linked = |name: &str| name.starts_with("libhot_logic-") && name.ends_with(".so");
        assert_eq!(gated.files(is_linked).len(), usize::from(step == "after-the-link"));
        kill(killed);
        gated.recovers(Some(gate));
    }
}

/// What is there then is whole, and is a host's that starts before the next one is built.
#[test]
fn when_it_has_published() {
    let gated = Gated::new().with_host();
    gated.fixture.edit_value(10, 20);
    let mut killed = builder(&gated.fixture, false).spawn().expect("starts");
    says(&mut killed, "built");
    kill(killed);
    gated.recovers(None);
}

/// A builder that only builds an artifact, as after every save, recovers without cargo.
#[test]
fn and_followed_by_one_that_does_not_build_the_host() {
    let gated = Gated::new().with_host();
    gated.fixture.edit_value(10, 20);
    let mut gate = gated.gate("after-the-link");
    let killed = builder(&gated.fixture, false).spawn().expect("starts");
    gate.somebody_came();
    kill(killed);
    let next = gated.fixture.open(Settings::default());
    let outcome = build(&next);
    // The dead one's link ends only now.
    gate.open();
    wait_until("it has ended", || processes_in(gated.fixture.root()).is_empty());
    let bytes = fs::read(&outcome.artifact.path).expect("published");
    assert_eq!(blake3::hash(&bytes).as_bytes(), &outcome.artifact.digest);
    let host = build_host(&next);
    assert_line(&run(&host, &[&build(&next)]), "hot value 20");
}
