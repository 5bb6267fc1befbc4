//! The program and the hot crate of the end-to-end tests, built by the builder: their artifacts are shared ones.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use liveswap_builder::{ArtifactKind, Builder, Settings};
use tempfile::TempDir;

use crate::fixture::build;
use crate::live::program::{Files, Sources, Workspace};

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The sources of the end-to-end tests, as they stand.
fn sources() -> Sources {
    let files = |folder: &str| -> Files {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
        let directory = repository.join("tests/fixtures").join(folder);
        let files = fs::read_dir(&directory).expect("fixtures").map(|entry| {
            let entry = entry.expect("an entry");
            let text = fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().into_string().expect("a name"), text)
        });
        files.collect()
    };
    Sources {
        hot_name: "hot_fixture",
        host: files("host"),
        hot: files("hot"),
        state: "",
        traces: true,
    }
}

/// An edit of the file with the states: what stands there, and what takes its place.
pub type Edit = (&'static str, &'static str);

/// The workspace of these tests and everything that was built in it.
struct Workshop {
    workspace: Workspace,
    builder: Builder,
    /// Artifacts with edited states, by their edits.
    edited: HashMap<Vec<Edit>, PathBuf>,
}

struct Built {
    host: PathBuf,
    /// What says 2, and what says 3.
    versions: [PathBuf; 2],
    workshop: Mutex<Workshop>,
}

static BUILT: LazyLock<Built> = LazyLock::new(|| {
    let workspace = Workspace::with("holds", &sources());
    let (builder, host) = workspace.started(Settings::default());
    assert_eq!(host.not_shared, None);
    let version = |number: u32| format!("pub const VERSION: u32 = {number};");
    let mut said = 1;
    let versions = [2, 3].map(|number| {
        workspace.edit(&version(said), &version(number));
        said = number;
        keep(&builder, &format!("version-{number}.so"))
    });
    let workshop = Mutex::new(Workshop { workspace, builder, edited: HashMap::new() });
    Built { host: host.executable, versions, workshop }
});

/// Builds an artifact and keeps it under a name of its own.
fn keep(builder: &Builder, name: &str) -> PathBuf {
    let artifact = build(builder).artifact;
    assert_eq!(artifact.kind, ArtifactKind::Shared);
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live/holds").join(name);
    replace(&artifact.path, &to);
    to
}

impl Workshop {
    /// The artifact with these edits of the states, built once.
    fn edited(&mut self, edits: &[Edit]) -> PathBuf {
        if let Some(path) = self.edited.get(edits) {
            return path.clone();
        }
        let text = self.workspace.edit_file("state.rs", edits);
        let path = keep(&self.builder, &format!("edited-{}.so", self.edited.len()));
        self.workspace.restore_file("state.rs", &text);
        self.edited.insert(edits.to_vec(), path.clone());
        path
    }
}

/// Copies beside `to` and renames over it, as most linkers do.
fn replace(from: &Path, to: &Path) {
    let aside = to.with_extension(format!("{}-part", std::process::id()));
    fs::copy(from, &aside).expect("copied");
    fs::rename(&aside, to).expect("renamed");
}

/// A program in a process of its own, its artifact and its stages; all gone when it is dropped.
pub struct Lab {
    directory: TempDir,
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Lab {
    /// Starts the program and its runtime with no artifact there.
    pub fn start() -> Lab {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let mut command = Command::new(&BUILT.host);
        command.arg("--artifact").arg(directory.path().join("hot.so"));
        command.arg("--stage-dir").arg(directory.path());
        command.args(["--report-after", "20", "--quarantine", "50"]).env_remove("RUST_BACKTRACE");
        command.stderr(File::create(directory.path().join("stderr")).expect("created"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (send, answers) = channel();
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            let mut marked = lines.filter_map(|line| line.strip_prefix('\x01').map(str::to_owned));
            while marked.next().is_some_and(|answer| send.send(answer).is_ok()) {}
        });
        let mut lab = Lab { directory, input: child.stdin.take(), child, answers };
        lab.ask(&["start"]);
        lab
    }

    /// Has the program do something, and gives its answer.
    #[track_caller]
    pub fn ask(&mut self, words: &[&str]) -> String {
        self.try_ask(words)
            .unwrap_or_else(|answer| panic!("{words:?}: {answer}\n{}", self.errors()))
    }

    /// Has the program do something, and gives its answer or why it cannot.
    #[track_caller]
    pub fn try_ask(&mut self, words: &[&str]) -> Result<String, String> {
        self.send(words);
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) => match answer.strip_prefix("ok ") {
                Some(text) => Ok(text.to_owned()),
                None => Err(answer),
            },
            Err(error) => {
                panic!("{words:?}: {error}, {:?}\n{}", self.child.try_wait(), self.errors())
            }
        }
    }

    /// Calls a hot function on a worker, which is started if need be.
    #[track_caller]
    pub fn call_on(&mut self, worker: &str, words: &[&str]) -> String {
        self.ask(&[&["on", worker, "call"], words].concat())
    }

    /// Waits for an event that has all these parts; each is found once.
    #[track_caller]
    pub fn event(&mut self, parts: &[&str]) -> String {
        self.ask(&[&["wait-event"], parts].concat())
    }

    /// How many events with these parts there were.
    pub fn events(&mut self, parts: &[&str]) -> String {
        self.ask(&[&["count-events"], parts].concat())
    }

    #[track_caller]
    pub fn unloaded(&mut self, generation: u64) {
        self.event(&[&format!("retired generation={generation} unloaded")]);
    }

    /// Swaps in what says 2 or 3 as `generation`, a shared one.
    #[track_caller]
    pub fn swap(&mut self, generation: u64) {
        let version = &BUILT.versions[(generation as usize + 1) % 2];
        replace(version, &self.directory.path().join("hot.so"));
        self.event(&[&format!("swapped generation={generation} kind=shared")]);
    }

    /// Puts an artifact with these edits of the states where the program looks for it.
    pub fn install_edited(&self, edits: &[Edit]) {
        // A test that failed there leaves a text that the next edits do not fit, and they say so.
        let mut workshop = BUILT.workshop.lock().unwrap_or_else(PoisonError::into_inner);
        let version = workshop.edited(edits);
        replace(&version, &self.directory.path().join("hot.so"));
    }

    /// Swaps in an artifact with these edits of the states; what the program says of it.
    #[track_caller]
    pub fn swap_edited(&mut self, generation: u64, edits: &[Edit]) -> String {
        self.install_edited(edits);
        self.event(&[&format!("swapped generation={generation} kind=shared")])
    }

    /// How many stages are mapped once no old generation is left.
    pub fn images(&mut self) -> String {
        self.ask(&["images"])
    }

    /// Ends the program as one that returns from its main function.
    #[track_caller]
    pub fn finish(mut self) {
        assert_eq!(self.end(), (Some(0), None), "{}", self.errors());
    }

    /// Ends the program; its exit code or the signal that ended it.
    pub fn end(&mut self) -> (Option<i32>, Option<i32>) {
        self.send(&["return"]);
        self.input = None;
        let status = self.child.wait().expect("it ends");
        (status.code(), status.signal())
    }

    /// Sends a command whose answer may never come.
    pub fn send(&mut self, words: &[&str]) {
        if let Some(input) = &mut self.input {
            // A program that has ended is found out by its status.
            let _ = writeln!(input, "{}", words.join("\t"));
        }
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.directory.path().join("stderr")).unwrap_or_default()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Gone already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
