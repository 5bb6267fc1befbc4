//! Real builds of a small workspace: host and artifact must be one crate.

use super::*;
use crate::args::Place;
use crossbeam_channel::{Receiver, unbounded};
use std::fs;
use std::process::Command;

const LONG: Duration = Duration::from_secs(300);

const HOST: &str = r#"
use std::any::TypeId;
use std::ffi::{CString, c_char, c_int, c_void};
unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}
fn main() {
    let path = CString::new(std::env::args().nth(1).unwrap()).unwrap();
    let library = unsafe { dlopen(path.as_ptr(), 2) };
    assert!(!library.is_null(), "the artifact cannot be loaded");
    let identity = unsafe { dlsym(library, c"IDENTITY".as_ptr()) } as *const TypeId;
    let value = unsafe { dlsym(library, c"value".as_ptr()) };
    let value: extern "C" fn() -> u32 = unsafe { std::mem::transmute(value) };
    println!("{} {}", unsafe { *identity } == rules::IDENTITY, value());
}
"#;

const HOT: &str = r#"
pub struct Marker;
#[unsafe(no_mangle)]
pub static IDENTITY: std::any::TypeId = std::any::TypeId::of::<Marker>();
#[unsafe(no_mangle)]
pub extern "C" fn value() -> u32 { 1 }
#[cfg(feature = "unwanted")]
compile_error!("a default feature that the host does not ask for");
#[cfg(not(feature = "extra"))]
compile_error!("a feature that the host asks for is missing");
"#;

struct Bench {
    directory: tempfile::TempDir,
    builder: Builder,
    finished: Receiver<Finished>,
    sender: Sender<Finished>,
}

impl Bench {
    fn new(release: bool) -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let package = |name: &str, rest: &str| {
            let head =
                format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
            write(&format!("{name}/Cargo.toml"), &(head + rest));
        };
        write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"host\", \"hot-logic\", \"liveswap-abi\"]\n",
        );
        package(
            "host",
            "[features]\ndefault = [\"rules/extra\"]\n[dependencies.rules]\npackage = \"hot-logic\"\n\
             path = \"../hot-logic\"\ndefault-features = false\n",
        );
        package(
            "hot-logic",
            "[lib]\ncrate-type = [\"rlib\", \"cdylib\"]\n[features]\ndefault = [\"unwanted\"]\n\
             unwanted = []\nextra = []\n[dependencies]\nliveswap-abi = { path = \"../liveswap-abi\" }\n",
        );
        package("liveswap-abi", "[features]\nalways = []\n");
        write("liveswap-abi/src/lib.rs", "");
        write("host/src/main.rs", HOST);
        write("hot-logic/src/lib.rs", HOT);
        let place = Place {
            manifest_path: Some(directory.path().join("Cargo.toml")),
            target_dir: Some(directory.path().join("out put")),
        };
        let what = What { release, offline: true, place, ..What::default() };
        let project = Project::load(&what).unwrap();
        let builder = Builder { project, what, color: false };
        let (sender, finished) = unbounded();
        Bench { directory, builder, finished, sender }
    }

    fn start(&self, number: u64, scope: Scope) -> Building {
        self.builder.start(number, scope, Voice::Collected, self.sender.clone()).unwrap()
    }

    fn build(&self, scope: Scope) -> Result<Products, Failure> {
        let _building = self.start(1, scope);
        self.finished.recv_timeout(LONG).unwrap().result
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.directory.path().join("hot-logic/src/lib.rs");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// What the program says of an artifact: whether they are one crate, and the new value.
    fn ask(&self, executable: &Path, artifact: &Path) -> String {
        let output = Command::new(executable).arg(artifact).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

#[test]
fn artifacts_are_rebuilt_alone_and_stay_the_crate_that_the_host_has() {
    for release in [false, true] {
        let bench = Bench::new(release);
        let first = bench.build(Scope::Program).unwrap();
        let (executable, _) = first.executable.unwrap();
        let host = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let linked = host(&executable);
        assert_eq!(bench.ask(&executable, &first.artifacts[0].path), "true 1");

        bench.edit("{ 1 }", "{ 2 }");
        let second = bench.build(Scope::HotCrates).unwrap();
        assert!(second.executable.is_none());
        assert!(second.artifacts[0].built);
        assert_ne!(second.artifacts[0].digest, first.artifacts[0].digest);
        assert_eq!(second.artifacts[0].path, first.artifacts[0].path);
        assert_eq!(host(&executable), linked, "the host is not linked again");
        assert_eq!(bench.ask(&executable, &second.artifacts[0].path), "true 2");

        let third = bench.build(Scope::HotCrates).unwrap();
        assert!(!third.artifacts[0].built, "nothing to do");
    }
}

#[test]
fn a_refused_build_has_the_compilers_words_and_what_it_did_not_find() {
    let bench = Bench::new(false);
    bench.edit("pub struct Marker;", "pub struct Marker; mod absent; fn f() -> u8 { \"x\" }");
    let Err(Failure::Refused { rendered, missing }) = bench.build(Scope::HotCrates) else {
        panic!("it cannot be built");
    };
    assert!(
        rendered.contains("error[E0583]") && rendered.contains("could not compile"),
        "{rendered}"
    );
    assert!(!rendered.contains('\u{1b}'), "no colors were wanted: {rendered}");
    assert!(missing.iter().any(|path| path.ends_with("hot-logic/src/absent.rs")), "{missing:?}");
}

#[test]
fn a_build_that_is_dropped_ends_with_everything_it_started_and_says_nothing() {
    let bench = Bench::new(false);
    // A build script that never ends stands for a compiler that takes long.
    let package = bench.directory.path().join("hot-logic");
    let mark = bench.directory.path().join("script runs");
    let script = format!(
        "fn main() {{ std::fs::write({mark:?}, std::process::id().to_string()).unwrap(); loop {{ \
         std::thread::park(); }} }}"
    );
    fs::write(package.join("build.rs"), script).unwrap();
    let building = bench.start(1, Scope::Program);
    let deadline = Instant::now() + LONG;
    while fs::read_to_string(&mark).map_or(true, |text| text.is_empty()) {
        assert!(Instant::now() < deadline, "the build script does not start");
        thread::yield_now();
    }
    let script: i32 = fs::read_to_string(&mark).unwrap().parse().unwrap();
    drop(building);
    let process = rustix::process::Pid::from_raw(script).unwrap();
    while rustix::process::test_kill_process(process).is_ok() {
        assert!(Instant::now() < deadline, "the build script still runs");
        thread::yield_now();
    }
    assert!(bench.finished.is_empty());
    fs::remove_file(package.join("build.rs")).unwrap();
    assert!(bench.build(Scope::Program).is_ok(), "the next build is not in its way");
}

#[test]
fn a_library_without_an_artifact_is_refused_with_the_lines_to_add() {
    let bench = Bench::new(false);
    let manifest = bench.directory.path().join("hot-logic/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("crate-type = [\"rlib\", \"cdylib\"]", "")).unwrap();
    let Err(Failure::Around(error)) = bench.build(Scope::HotCrates) else {
        panic!("there is nothing to swap in");
    };
    let text = error.to_string();
    assert!(
        text.contains("`hot-logic`") && text.contains("crate-type = [\"rlib\", \"cdylib\"]"),
        "{text}"
    );
}
