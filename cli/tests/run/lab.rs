//! A workspace of its own for each test, and `cargo liveswap` running in it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Building the runtime for the first time takes long on a busy machine.
const LONG: Duration = Duration::from_secs(240);

const HOST: &str = r#"
use std::time::Duration;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["exit", code] => std::process::exit(code.parse().unwrap()),
        ["deaf"] => {
            // The shell ignores the signal and so does what it starts.
            let helper = std::process::Command::new("sh")
                .args(["-c", "trap '' TERM INT; while :; do sleep 1; done"])
                .spawn()
                .unwrap();
            println!("helper {}", helper.id());
        }
        _ => {}
    }
    let runtime = liveswap::Runtime::start(rules::hot_crate()).unwrap();
    let events = runtime.events();
    let mut last = None;
    loop {
        while let Some(event) = events.try_next() {
            if let liveswap::Event::BuildFailed { .. } = event {
                println!("heard of a failed build");
            }
        }
        let value = rules::value(0);
        if last != Some(value) {
            println!("value {value}");
            last = Some(value);
        }
        match value {
            66 => std::process::abort(),
            77 => return,
            _ => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}
"#;

const HOT: &str = "liveswap_abi::hot_crate!();

#[liveswap_macros::hot]
pub fn value(_: u32) -> u32 { 1 }
";

/// Copies of our own crates, so that an edit of them does not restart the programs of these tests.
///
/// The same content has the same path, so cargo builds it once.
fn ours_copied() -> &'static Path {
    static COPIES: LazyLock<PathBuf> = LazyLock::new(|| {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut files = Vec::new();
        for package in ["abi", "macros", "runtime"] {
            collect(checkout, Path::new(package), &mut files);
        }
        files.sort();
        let manifest = fs::read_to_string(checkout.join("Cargo.toml")).unwrap();
        let manifest: String = manifest
            .lines()
            .filter(|line| !line.starts_with("default-members"))
            .map(|line| match line.starts_with("members") {
                true => "members = [\"abi\", \"macros\", \"runtime\"]\n".to_owned(),
                false => format!("{line}\n"),
            })
            .collect();
        files.push(("Cargo.toml".into(), manifest.into_bytes()));
        files.push(("Cargo.lock".into(), fs::read(checkout.join("Cargo.lock")).unwrap()));
        let mut hasher = DefaultHasher::new();
        files.hash(&mut hasher);
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run-sources");
        fs::create_dir_all(&all).unwrap();
        let copies = all.join(format!("{:016x}", hasher.finish()));
        if !copies.exists() {
            let making = tempfile::tempdir_in(&all).unwrap();
            for (path, bytes) in &files {
                let path = making.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
            // Another test process may have been quicker, with the same content.
            if fs::rename(making.path(), &copies).is_ok() {
                let _ = making.keep();
            }
        }
        copies
    });
    &COPIES
}

fn collect(root: &Path, below: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let path = below.join(entry.unwrap().file_name());
        if root.join(&path).is_dir() {
            if !path.ends_with("tests") && !path.ends_with("target") {
                collect(root, &path, files);
            }
        } else {
            files.push((path.clone(), fs::read(root.join(&path)).unwrap()));
        }
    }
}

/// A workspace with a host and a hot crate.
pub(crate) struct Lab {
    directory: tempfile::TempDir,
    name: &'static str,
    own_target: bool,
}

impl Lab {
    /// Makes a workspace whose packages are called after `name`.
    pub(crate) fn new(name: &'static str) -> Lab {
        let directory = tempfile::tempdir().unwrap();
        let lab = Lab { directory, name, own_target: false };
        let root = ours_copied();
        let ours =
            |name: &str, folder: &str| format!("{name} = {{ path = {:?} }}\n", root.join(folder));
        let package = |suffix: &str, rest: &str| {
            format!(
                "[package]\nname = \"{name}-{suffix}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}"
            )
        };
        lab.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"host\", \"hot\"]\n");
        lab.write(
            "host/Cargo.toml",
            &package(
                "host",
                &format!(
                    "[dependencies]\nrules = {{ package = \"{name}-hot\", path = \"../hot\" }}\n{}",
                    ours("liveswap", "runtime")
                ),
            ),
        );
        lab.write(
            "hot/Cargo.toml",
            &package(
                "hot",
                &format!(
                    "[dependencies]\n{}{}",
                    ours("liveswap-abi", "abi"),
                    ours("liveswap-macros", "macros")
                ),
            ),
        );
        lab.write("host/src/main.rs", HOST);
        lab.write("hot/src/lib.rs", HOT);
        // The versions that this checkout is built with are there without the network.
        fs::copy(root.join("Cargo.lock"), lab.path("Cargo.lock")).unwrap();
        lab
    }

    /// Builds where nobody else does.
    pub(crate) fn with_own_target(self) -> Lab {
        Lab { own_target: true, ..self }
    }

    /// Where this workspace builds; the runtime is built there once for all tests.
    pub(crate) fn target(&self) -> PathBuf {
        if self.own_target {
            return self.path("target");
        }
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("run")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// Writes a file as an editor does: beside it, then in its place.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = path.with_extension("new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, path).unwrap();
    }

    /// Replaces `from`, which must be there, by `to`.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "{from:?} is not in {text}");
        self.write(path, &text.replace(from, to));
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-liveswap"));
        command.arg("liveswap").args(args).current_dir(self.directory.path());
        command.env("CARGO_TARGET_DIR", self.target());
        command.env("CARGO_NET_OFFLINE", "true").env_remove("RUSTFLAGS");
        command
    }

    /// Starts `cargo liveswap run` with more arguments.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        let mut command = self.command(&["run"]);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let heard = Arc::new(Heard::default());
        listen(child.stdout.take().unwrap(), &heard);
        listen(child.stderr.take().unwrap(), &heard);
        Run { child, heard, read: 0, status: None }
    }

    /// Runs another command of `cargo liveswap` to its end, and returns what it prints.
    pub(crate) fn liveswap(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args:?}: {text}{errors}");
        text
    }

    /// What a session says of itself, as `cargo liveswap status --json` tells it.
    pub(crate) fn status(&self, pid: u32) -> serde_json::Value {
        let text = self.liveswap(&["status", "--json"]);
        let sessions = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut mine = sessions.filter(|session: &serde_json::Value| session["pid"] == pid);
        mine.next().unwrap_or_else(|| panic!("{pid} is not in {text}"))
    }

    /// The log of a session.
    pub(crate) fn log_of(&self, pid: u32) -> String {
        fs::read_to_string(self.status(pid)["log"].as_str().unwrap()).unwrap()
    }

    /// The processes whose program is of this workspace.
    pub(crate) fn processes(&self) -> Vec<String> {
        let host = format!("{}-host", self.name);
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|entry| fs::read_link(entry.path().join("exe")).ok())
            .map(|path| path.display().to_string())
            .filter(|path| path.contains(&host))
            .collect()
    }
}

/// Lines that were heard, in order.
#[derive(Default)]
struct Heard {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

fn listen(from: impl Read + Send + 'static, heard: &Arc<Heard>) {
    let heard = Arc::clone(heard);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            heard.lines.lock().unwrap().push(line);
            heard.more.notify_all();
        }
    });
}

/// A running `cargo liveswap run`. Dropping it ends it and its program.
pub(crate) struct Run {
    child: Child,
    heard: Arc<Heard>,
    read: usize,
    status: Option<ExitStatus>,
}

impl Run {
    /// Waits for a line with this text, after the one that was waited for last. Lines that come in
    /// another order, as the program's and the tool's may, are waited for from the same place.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + LONG;
        let mut lines = self.heard.lines.lock().unwrap();
        loop {
            // Two streams: what was said at the same time may stand a few lines before.
            let from = self.read.saturating_sub(6);
            if let Some(at) = lines[from..].iter().position(|line| line.contains(text)) {
                self.read = self.read.max(from + at + 1);
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {text:?}:\n{}", lines.join("\n"));
            lines =
                self.heard.more.wait_timeout(lines, left.min(Duration::from_secs(1))).unwrap().0;
        }
    }

    /// Waits for a moment that is too short for a build: until another line is heard, or 30 ms.
    pub(crate) fn wait_briefly(&self) {
        let lines = self.heard.lines.lock().unwrap();
        let _ = self.heard.more.wait_timeout(lines, Duration::from_millis(30)).unwrap();
    }

    /// The number that stands after this text.
    pub(crate) fn number_after(&mut self, text: &str) -> u32 {
        self.wait_for(text);
        let lines = self.heard.lines.lock().unwrap();
        let line = lines.iter().rev().find(|line| line.contains(text)).unwrap();
        line.split(text).nth(1).unwrap().trim().parse().unwrap()
    }

    /// The process of `cargo liveswap`.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process of the program: the only child once no build runs.
    pub(crate) fn program(&self) -> u32 {
        let deadline = Instant::now() + LONG;
        loop {
            let path = format!("/proc/{0}/task/{0}/children", self.child.id());
            let children = fs::read_to_string(path).unwrap();
            let host = |pid: &&str| {
                let name = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
                name.to_string_lossy().contains("-host")
            };
            if let Some(pid) = children.split_whitespace().find(host) {
                return pid.parse().unwrap();
            }
            assert!(Instant::now() < deadline, "no program runs");
            thread::yield_now();
        }
    }

    /// Sends a signal to `cargo liveswap`.
    pub(crate) fn tell(&self, signal: &str) {
        let status = Command::new("kill").args(["-s", signal, &self.pid().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Sends the signal again, as somebody does who cannot wait.
    pub(crate) fn tell_until_ended(&mut self, signal: &str) {
        let deadline = Instant::now() + LONG;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not end");
            let _ = Command::new("kill").args(["-s", signal, &self.pid().to_string()]).status();
            thread::sleep(Duration::from_millis(10));
        }
        self.code();
    }

    /// Waits for the end; the exit code.
    pub(crate) fn code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.status = Some(status);
                return status.code();
            }
            if Instant::now() >= deadline {
                panic!("it does not end:\n{}", self.heard.lines.lock().unwrap().join("\n"));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.status.is_none() && self.child.try_wait().is_ok_and(|status| status.is_none()) {
            // Twice: the second time it does not wait for the program.
            for _ in 0..2 {
                self.tell("TERM");
            }
            let _ = self.child.wait();
        }
    }
}

/// Whether a process is there and not only waiting to be collected.
pub(crate) fn is_there(pid: u32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let gone = status.is_empty() || status.contains("State:\tZ");
        if gone || Instant::now() >= deadline {
            return !gone;
        }
        thread::yield_now();
    }
}
