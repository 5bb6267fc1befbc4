//! The workspaces of these tests, and programs that are told what to do, line by line.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use liveswap_builder::{Builder, BuiltHost, CargoFlags, Host, HostTarget, Project, Settings};
use tempfile::TempDir;

use crate::fixture::{build_host, with_wrapper};

/// The sources of a host and its hot crate, and of a crate that both use.
pub struct Sources {
    /// What the host calls the hot crate.
    pub hot_name: &'static str,
    pub host: Files,
    pub hot: Files,
    pub state: &'static str,
    /// Whether both use `tracing` and `tokio`.
    pub traces: bool,
}

/// Names and texts.
pub type Files = Vec<(String, String)>;

fn one(name: &str, text: &str) -> Files {
    vec![(name.to_owned(), text.to_owned())]
}

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A host, its hot crate and what both use; in a place of its own that stays, because Liveswap itself is built for it.
pub struct Workspace {
    root: PathBuf,
    name: String,
    stages: TempDir,
    /// Another run of the same tests waits.
    _lock: File,
}

impl Workspace {
    pub fn new(name: &str) -> Self {
        let sources = Sources {
            hot_name: "hot",
            host: one("main.rs", include_str!("host.rs")),
            hot: one("lib.rs", include_str!("hot.rs")),
            state: include_str!("state.rs"),
            traces: true,
        };
        Self::with(name, &sources)
    }

    pub fn with(name: &str, sources: &Sources) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live").join(name);
        fs::create_dir_all(&root).expect("created");
        let lock = File::create(root.join("lock")).expect("created");
        lock.lock().expect("locked");
        let stages = tempfile::tempdir().expect("a directory");
        let workspace = Self { root, name: name.to_owned(), stages, _lock: lock };
        workspace.write_all(sources);
        workspace
    }

    /// The workspaces share a target directory, and cargo tells members of the same name apart only by what they are
    /// called.
    fn package(&self, folder: &str) -> String {
        format!("live-{}-{folder}", self.name)
    }

    fn write_all(&self, sources: &Sources) {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
        let ours = |name: &str, folder: &str| {
            format!("{name} = {{ path = {:?} }}\n", repository.join(folder))
        };
        let member = |folder: &str| {
            format!(
                "{folder} = {{ package = {:?}, path = \"../{folder}\" }}\n",
                self.package(folder)
            )
        };
        let package = |folder: &str, dependencies: &[&str]| {
            format!(
                "[package]\nname = {:?}\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{}\n[dependencies]\n{}",
                self.package(folder),
                if folder == "host" {
                    String::new()
                } else {
                    format!("[lib]\nname = {folder:?}\n")
                },
                dependencies.concat()
            )
        };
        let tracing = if sources.traces {
            "tracing = { version = \"0.1\", default-features = false, features = [\"std\", \"attributes\"] }\n\
             tokio = { version = \"1\", default-features = false, features = [\"rt\"] }\n"
        } else {
            ""
        };
        let hot = [
            &member("state"),
            tracing,
            "serde = { version = \"1\", features = [\"derive\"] }\n",
            &ours("liveswap-abi", "abi"),
            &ours("liveswap-macros", "macros"),
        ];
        let hot_crate = member("hot").replacen("hot", sources.hot_name, 1);
        let host = [&member("state"), &hot_crate, tracing, &ours("liveswap", "runtime")];
        // Without debug info only because linking it takes most of the time.
        let root = "[workspace]\nresolver = \"3\"\nmembers = [\"host\", \"hot\", \"state\"]\n\n\
                    [profile.dev]\ndebug = 0\n";
        let lock = fs::read_to_string(repository.join("Cargo.lock")).expect("a lock file");
        for (path, text) in [
            ("Cargo.toml", root),
            ("Cargo.lock", &lock),
            ("host/Cargo.toml", &package("host", &host)),
            ("hot/Cargo.toml", &package("hot", &hot)),
            ("state/Cargo.toml", &package("state", &[])),
            ("state/src/lib.rs", sources.state),
        ] {
            self.write(path, text);
        }
        for (folder, files) in [("host", &sources.host), ("hot", &sources.hot)] {
            for (name, text) in files {
                self.write(&format!("{folder}/src/{name}"), text);
            }
        }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        // What is there already stays as fresh as it was.
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return;
        }
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }

    /// A directory for stages and copies, which goes with the workspace.
    pub fn stages(&self) -> &Path {
        self.stages.path()
    }

    /// A builder whose host is built.
    pub fn started(&self, settings: Settings) -> (Builder, BuiltHost) {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live").join("target");
        let host = self.package("host");
        let project = Project {
            directory: self.root.clone(),
            host: Host { package: host.clone(), target: HostTarget::Bin(host) },
            hot_package: self.package("hot"),
            flags: CargoFlags {
                target_dir: Some(target),
                other: vec!["--offline".into()],
                ..CargoFlags::default()
            },
        };
        let builder = Builder::open(project, with_wrapper(settings)).expect("opens");
        let host = build_host(&builder);
        (builder, host)
    }

    pub fn edit_value(&self, from: u32, to: u32) {
        let body = |value: u32| format!("fn value() -> u32 {{\n    {value}\n}}");
        self.edit(&body(from), &body(to));
    }

    /// Replaces a piece of the hot crate's root, which must be there.
    pub fn edit(&self, from: &str, to: &str) {
        self.edit_file("lib.rs", &[(from, to)]);
    }

    /// Replaces pieces of a file of the hot crate, which must be there; the text of before.
    pub fn edit_file(&self, name: &str, edits: &[(&str, &str)]) -> String {
        let path = format!("hot/src/{name}");
        let text = fs::read_to_string(self.root.join(&path)).expect("readable");
        let edited = edits.iter().fold(text.clone(), |text, (from, to)| {
            assert!(text.contains(from), "{from:?} is not in {text}");
            text.replace(from, to)
        });
        self.write(&path, &edited);
        text
    }

    /// Makes a file of the hot crate what it was.
    pub fn restore_file(&self, name: &str, text: &str) {
        self.write(&format!("hot/src/{name}"), text);
    }
}

/// A host that runs; ended with its handle.
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Program {
    pub fn start(executable: &Path, artifact: &Path, stages: &Path) -> Self {
        let mut command = Command::new(executable);
        command.args([artifact, stages]);
        Self::run(command)
    }

    pub fn run(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the host starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self { input: child.stdin.take(), child, lines }
    }

    /// Tells the program something and waits for what it says.
    #[track_caller]
    pub fn ask(&mut self, what: &str) -> String {
        let input = self.input.as_mut().expect("not ended");
        if let Err(error) = writeln!(input, "{what}") {
            panic!("{what}: {error}, {:?}", self.child.wait());
        }
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => match line.strip_prefix(what) {
                Some(answer) => answer.trim().to_owned(),
                None => panic!("{what}: {line}"),
            },
            Err(error) => panic!("{what}: {error}, {:?}", self.child.try_wait()),
        }
    }

    /// Whether it has ever waited for a child, as after trying initializers in a copy of itself.
    pub fn had_children(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        let (_, fields) = stat.rsplit_once(')').expect("its name is in parentheses");
        // The page faults of children that were waited for: the eleventh of all, the ninth behind the name.
        fields.split_whitespace().nth(8).expect("so many") != "0"
    }

    /// Tells the program what ends it; the signal that did.
    pub fn dies_of(mut self, what: &str) -> Option<i32> {
        let mut input = self.input.take().expect("not ended");
        writeln!(input, "{what}").expect("told");
        drop(input);
        self.child.wait().expect("it ends").signal()
    }

    /// Lets the program end by itself, well.
    #[track_caller]
    pub fn end(mut self) {
        self.input = None;
        let rest: Vec<String> = self.lines.iter().collect();
        assert_eq!(rest, Vec::<String>::new());
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Gone already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
