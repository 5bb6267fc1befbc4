//! A workspace of three crates in a directory of its own: a host that loads artifacts, a hot crate
//! with a hyphen that the host renames, and a crate that both use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use liveswap_builder::{
    BuildEvent, Builder, BuiltHost, CargoFlags, Error, Host, HostTarget, Outcome, Project, Settings,
};
use tempfile::TempDir;

const FILES: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        r#"
[workspace]
resolver = "3"
members = ["app", "hot-logic", "shapes"]
"#,
    ),
    (
        "app/Cargo.toml",
        r#"
[package]
name = "app"
version = "0.1.0"
edition = "2024"

[dependencies]
logic = { package = "hot-logic", path = "../hot-logic" }
shapes = { path = "../shapes" }
"#,
    ),
    (
        "app/src/main.rs",
        r#"
use std::any::Any;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::catch_unwind;

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *const c_char;
}

fn symbol(library: *mut c_void, name: &CStr) -> *mut c_void {
    let found = unsafe { dlsym(library, name.as_ptr()) };
    assert!(!found.is_null(), "{name:?} is not exported");
    found
}

fn main() {
    // Hidden, so that the program's own copy of the hot crate is all of it.
    println!("host value {}", logic::value());
    println!("host shape {}", shapes::corners());
    let _ = logic::boxed();
    for path in std::env::args().skip(1) {
        let path = CString::new(path).unwrap();
        let library = unsafe { dlopen(path.as_ptr(), 2) };
        assert!(!library.is_null(), "{:?}", unsafe { CStr::from_ptr(dlerror()) });
        let value: fn() -> u32 = unsafe { std::mem::transmute(symbol(library, c"hot_value")) };
        println!("hot value {}", value());
        let shape: fn() -> u32 = unsafe { std::mem::transmute(symbol(library, c"hot_shape")) };
        println!("hot shape {}", shape());
        let marked: fn() -> Box<dyn Any> = unsafe { std::mem::transmute(symbol(library, c"hot_boxed")) };
        let marked = marked();
        println!("same type {}", marked.is::<logic::Marker>());
        std::mem::forget(marked);
        let trace: fn() -> String = unsafe { std::mem::transmute(symbol(library, c"hot_trace")) };
        let trace = trace();
        let line = trace.lines().find(|line| line.contains("hot-logic/src/lib.rs:"));
        println!("trace {}", line.map_or("none", str::trim));
        std::mem::forget(trace);
        if std::env::var_os("PANIC").is_some() {
            let fail: fn() = unsafe { std::mem::transmute(symbol(library, c"hot_panic")) };
            let caught = catch_unwind(fail).unwrap_err();
            println!("panic {}", caught.downcast_ref::<&str>().unwrap());
        }
    }
}
"#,
    ),
    (
        "hot-logic/Cargo.toml",
        r#"
[package]
name = "hot-logic"
version = "0.1.0"
edition = "2024"

[features]
default = []
loud = []

[dependencies]
shapes = { path = "../shapes" }
"#,
    ),
    ("hot-logic/src/lib.rs", HOT),
    (
        "shapes/Cargo.toml",
        r#"
[package]
name = "shapes"
version = "0.1.0"
edition = "2024"
"#,
    ),
    (
        "shapes/src/lib.rs",
        r#"
pub fn corners() -> u32 {
    4
}
"#,
    ),
];

const HOT: &str = r#"
pub struct Marker(pub u32);

pub fn value() -> u32 {
    10
}

pub fn boxed() -> Box<dyn std::any::Any> {
    Box::new(Marker(value()))
}

#[unsafe(no_mangle)]
pub fn hot_value() -> u32 {
    value()
}

#[unsafe(no_mangle)]
pub fn hot_shape() -> u32 {
    shapes::corners()
}

#[unsafe(no_mangle)]
pub fn hot_boxed() -> Box<dyn std::any::Any> {
    boxed()
}

#[unsafe(no_mangle)]
pub fn hot_trace() -> String {
    std::backtrace::Backtrace::force_capture().to_string()
}

#[unsafe(no_mangle)]
pub fn hot_panic() {
    panic!("on purpose")
}
"#;

/// The workspace.
pub struct Fixture {
    directory: TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        let fixture = Self { directory: tempfile::tempdir().expect("a directory") };
        for (path, text) in FILES {
            fixture.write(path, text);
        }
        fixture
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).expect("readable")
    }

    /// Replaces a piece of a file, which must be there.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} does not contain {from:?}");
        self.write(path, &text.replacen(from, to, 1));
    }

    pub fn edit_value(&self, from: u32, to: u32) {
        let body = |value| format!("fn value() -> u32 {{\n    {value}\n}}");
        self.edit("hot-logic/src/lib.rs", &body(from), &body(to));
    }

    pub fn project(&self) -> Project {
        Self::project_at(self.root())
    }

    fn project_at(root: &Path) -> Project {
        Project {
            directory: root.to_owned(),
            host: Host { package: "app".into(), target: HostTarget::Bin("app".into()) },
            hot_package: "hot-logic".into(),
            flags: CargoFlags { other: vec!["--offline".into()], ..CargoFlags::default() },
        }
    }

    pub fn open(&self, settings: Settings) -> Builder {
        Self::open_at(self.root(), settings)
    }

    /// A builder of such a workspace, whoever made it.
    pub fn open_at(root: &Path, settings: Settings) -> Builder {
        Builder::open(Self::project_at(root), with_wrapper(settings)).expect("opens")
    }

    /// A builder whose host is built.
    pub fn started(&self, settings: Settings) -> (Builder, BuiltHost) {
        let builder = self.open(settings);
        let host = build_host(&builder);
        (builder, host)
    }

    /// Cargo as a person calls it, without a builder.
    pub fn cargo(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO"));
        command.current_dir(self.root()).args(arguments).arg("--offline");
        let output = command.output().expect("cargo starts");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}");
        words
    }
}

pub fn with_wrapper(settings: Settings) -> Settings {
    let wrapper = PathBuf::from(env!("CARGO_BIN_EXE_liveswap-wrapper"));
    Settings { wrapper: Some(wrapper), color: false, ..settings }
}

pub fn build_host(builder: &Builder) -> BuiltHost {
    match builder.build_host().expect("starts").wait() {
        Ok(host) => host,
        Err(error) => panic!("{}", explain(&error)),
    }
}

pub fn build(builder: &Builder) -> Outcome {
    match builder.start().expect("starts").wait() {
        Ok(outcome) => outcome,
        Err(error) => panic!("{}", explain(&error)),
    }
}

/// A build that is meant to fail, with what it told on the way.
pub fn build_and_fail(builder: &Builder) -> (Error, Vec<BuildEvent>) {
    let task = builder.start().expect("starts");
    let events: Vec<BuildEvent> = task.events().iter().collect();
    match task.wait() {
        Ok(outcome) => panic!("it was built: {outcome:?}"),
        Err(error) => (error, events),
    }
}

fn explain(error: &Error) -> String {
    let rendered: String = error.diagnostics().iter().map(|it| it.rendered.as_str()).collect();
    format!("{error}\n{rendered}\n{error:?}")
}

/// Runs the host with artifacts; its lines.
pub fn run(host: &BuiltHost, outcomes: &[&Outcome]) -> Vec<String> {
    let mut command = Command::new(&host.executable);
    run_command(command.args(outcomes.iter().map(|outcome| &outcome.artifact.path)))
}

pub fn run_command(command: &mut Command) -> Vec<String> {
    let output = command.output().expect("the host starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the host ended with {}: {errors}", output.status);
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[track_caller]
pub fn assert_line(lines: &[String], expected: &str) {
    assert!(lines.iter().any(|line| line == expected), "no line {expected:?} in {lines:#?}");
}
