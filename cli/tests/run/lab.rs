//! A workspace of its own for each test, and `cargo liveswap` running in it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::session::Run;

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
            match event {
                liveswap::Event::BuildFailed { .. } => println!("heard of a failed build"),
                liveswap::Event::WithoutEffect { item, .. } => println!("{item} has no effect"),
                _ => {}
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

const TINY_HOST: &str = r#"
use std::any::TypeId;
use std::ffi::{CString, c_char, c_int, c_void};

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

fn main() {
    let Some(path) = std::env::args().nth(1) else {
        println!("no artifact, value {}", rules::value());
        return;
    };
    let path = CString::new(path).unwrap();
    let library = unsafe { dlopen(path.as_ptr(), 2) };
    assert!(!library.is_null(), "the artifact cannot be loaded");
    let identity = unsafe { dlsym(library, c"IDENTITY".as_ptr()) } as *const TypeId;
    let value = unsafe { dlsym(library, c"value".as_ptr()) };
    let value: extern "C" fn() -> u32 = unsafe { std::mem::transmute(value) };
    println!("{} {}", unsafe { *identity } == rules::IDENTITY, value());
}
"#;

const TINY_HOT: &str = r#"
pub struct Marker;
#[unsafe(no_mangle)]
pub static IDENTITY: std::any::TypeId = std::any::TypeId::of::<Marker>();
#[unsafe(no_mangle)]
pub extern "C" fn value() -> u32 { 1 }
"#;

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

    /// Makes a workspace without a runtime, which is built in no time in a target directory of its
    /// own. Its program loads the artifact that it is told and says whether they are one crate.
    pub(crate) fn tiny(name: &'static str) -> Lab {
        let directory = tempfile::tempdir().unwrap();
        let lab = Lab { directory, name, own_target: true };
        lab.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"host\", \"hot\", \"abi\"]\n",
        );
        let package = |folder: &str, name: &str, rest: &str| {
            let head =
                format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
            lab.write(&format!("{folder}/Cargo.toml"), &(head + rest));
        };
        let rules = format!("[dependencies.rules]\npackage = \"{name}-hot\"\npath = \"../hot\"\n");
        package("host", &format!("{name}-host"), &rules);
        let abi = "[dependencies]\nliveswap-abi = { path = \"../abi\" }\n";
        package("hot", &format!("{name}-hot"), abi);
        package("abi", "liveswap-abi", "");
        lab.write("host/src/main.rs", TINY_HOST);
        lab.write("hot/src/lib.rs", TINY_HOT);
        lab.write("abi/src/lib.rs", "");
        lab
    }

    /// Adds a crate with a manifest that goes on with `rest`, and makes it a member.
    pub(crate) fn add_crate(&self, name: &str, rest: &str, source: &str) {
        self.write(
            &format!("{name}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}"
            ),
        );
        self.write(&format!("{name}/src/lib.rs"), source);
        self.edit("Cargo.toml", "\"hot\"]", &format!("\"hot\", \"{name}\"]"));
    }

    /// The dependencies that make a crate hot, as lines of its manifest.
    pub(crate) fn hot_dependencies() -> String {
        let path = |folder: &str| ours_copied().join(folder);
        format!(
            "liveswap-abi = {{ path = {:?} }}\nliveswap-macros = {{ path = {:?} }}\n",
            path("abi"),
            path("macros")
        )
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

    pub(crate) fn path(&self, path: &str) -> PathBuf {
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
        self.run_in(".", args)
    }

    /// Starts `cargo liveswap` as somebody to whom permissions mean something, which they do not to root.
    pub(crate) fn run_as_a_user(&self, args: &[&str]) -> Run {
        let command = self.command(args);
        if !fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            return Run::start(command);
        }
        let mut under = Command::new("setpriv");
        under.arg("--bounding-set=-dac_override,-dac_read_search");
        under.arg(command.get_program()).args(command.get_args()).current_dir(self.path("."));
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => under.env(name, value),
                None => under.env_remove(name),
            };
        }
        Run::start(under)
    }

    /// Starts `cargo liveswap run` in a directory of the workspace.
    pub(crate) fn run_in(&self, directory: &str, args: &[&str]) -> Run {
        let mut command = self.command(&["run"]);
        command.current_dir(self.path(directory));
        command.args(args);
        Run::start(command)
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

    /// The processes that run in this workspace or that are its program.
    pub(crate) fn processes(&self) -> Vec<String> {
        let host = format!("{}-host", self.name);
        let root = self.directory.path();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|entry| {
                let link = |name: &str| fs::read_link(entry.path().join(name)).ok();
                let program = link("exe")?.display().to_string();
                // Nobody is told that a process has ended before its parent asked.
                let status = fs::read_to_string(entry.path().join("status")).ok()?;
                let here = link("cwd").is_some_and(|cwd| cwd.starts_with(root));
                let ours = (here || program.contains(&host)) && !status.contains("State:\tZ");
                ours.then_some(program)
            })
            .collect()
    }

    /// Waits until no process is left.
    pub(crate) fn assert_nothing_runs(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.processes().is_empty() {
            assert!(Instant::now() < deadline, "left behind: {:?}", self.processes());
            thread::yield_now();
        }
    }
}
