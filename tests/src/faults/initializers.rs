//! Initializers, which run while the system loads a library: where one cannot be run, nothing of its artifact is loaded.

use std::fs;
use std::path::Path;

use super::Case;
use crate::harness::{Program, Version, Workbench, v2, v3};

/// A version with an initializer that does this.
fn with(body: &str) -> Version {
    v3().with(&format!(
        "extern \"C\" fn runs_first() {{\n    {body}\n}}\n\n\
         #[used]\n#[unsafe(link_section = \".init_array\")]\nstatic FIRST: extern \"C\" fn() = runs_first;"
    ))
}

/// Asserts that an artifact with this initializer is refused in these words, that the program is untouched, and that it
/// takes the next good one.
#[track_caller]
fn refused_by(program: impl FnOnce(&Workbench) -> Program, body: &str, found: &str) {
    let bench = Workbench::new();
    let host = program(&bench).start();
    let mut case = Case::new(bench, host);
    case.bench.install(&with(body));
    let told = case.host.event(&["refused step=load"]);
    let item = "item={what runs while it is loaded: `hot_fixture::runs_first`}";
    assert!(told.contains(item), "{told}");
    assert!(told.contains(found), "{found:?} is not in {told}");
    // Asked for by hand, it is not let in either.
    let asked = case.host.ask(&["reload-now"]);
    assert!(asked.starts_with("refused step=load") && asked.contains(found), "{asked}");
    case.goes_on();
}

#[test]
fn one_that_panics() {
    let found = "found={a panic at src/lib.rs:";
    let body = "panic!(\"there is no table of {} items\", 1 + 2);";
    refused_by(Workbench::program, body, found);
    refused_by(Workbench::program, body, ": there is no table of 3 items}");
}

/// A panic that would leave it is not stopped by the compiler: it goes on into the loader.
#[test]
fn one_that_a_panic_leaves() {
    let bench = Workbench::new();
    let host = bench.start();
    let mut case = Case::new(bench, host);
    let unwinding = v3().with(
        "extern \"C-unwind\" fn unwinds() {\n    std::panic::panic_any(7_u8);\n}\n\n\
         #[used]\n#[unsafe(link_section = \".init_array\")]\nstatic FIRST: extern \"C-unwind\" fn() = unwinds;",
    );
    case.bench.install(&unwinding);
    let told = case.host.event(&["refused step=load", "`hot_fixture::unwinds`"]);
    assert!(told.contains("found={a panic at src/lib.rs:"), "{told}");
    case.goes_on();
}

#[test]
fn one_that_ends_the_process() {
    let by = |how: &str| format!("found={{the end of the process, by {how}");
    refused_by(Workbench::program, "std::process::exit(3);", &by("exit status 3}"));
    // As if all were well.
    refused_by(Workbench::program, "std::process::exit(0);", &by("exit status 0}"));
    let body = "eprintln!(\"no license\");\n    std::process::abort();";
    refused_by(Workbench::program, body, &by("signal 6, having said: no license}"));
    let body = "unsafe extern \"C\" {\n        fn raise(signal: i32) -> i32;\n    }\n    unsafe { raise(11) };";
    refused_by(Workbench::program, body, &by("signal 11}"));
}

/// The loader is not free while it runs, so a thread that needs it waits for one that waits for that thread.
#[test]
fn one_that_waits_for_itself() {
    let program = |bench: &Workbench| bench.program().arg("--self-check-deadline", "500");
    let body = "std::thread::spawn(|| LOCAL.with(|_| ())).join().unwrap();\n    \
                thread_local!(static LOCAL: String = String::new());";
    refused_by(program, body, "found={no end within 500ms}");
}

#[test]
fn one_that_never_ends() {
    let program = |bench: &Workbench| bench.program().arg("--self-check-deadline", "500");
    let body = "loop {\n        std::thread::park();\n    }";
    refused_by(program, body, "found={no end within 500ms}");
}

/// What initializers are for works.
#[test]
fn one_that_does_what_it_should() {
    let bench = Workbench::new();
    let mark = bench.root().join("mark");
    let host = bench.program().env("HOT_FIXTURE_MARK", &mark).start();
    let mut case = Case::new(bench, host);
    case.bench.install(&with(
        "let path = std::env::var_os(\"HOT_FIXTURE_MARK\").unwrap();\n    \
         let text = std::fs::read_to_string(&path).unwrap_or_default();\n    \
         let id = std::process::id();\n    \
         println!(\"this is for nobody\");\n    \
         std::fs::write(path, format!(\"{text}{id}\\n\")).unwrap();",
    ));
    case.host.swapped(2);
    case.host.runs(3);
    let ran_in = |mark: &Path| -> Vec<u32> {
        let text = fs::read_to_string(mark).unwrap();
        text.lines().map(|line| line.parse().unwrap()).collect()
    };
    let ids = ran_in(&mark);
    assert_eq!(ids.len(), 2, "once in the copy, once in the program: {ids:?}");
    assert!(ids[0] != case.host.id() && ids[1] == case.host.id(), "{ids:?}");
    // Nobody is left of the copy, not even its status.
    let children = format!("/proc/{0}/task", case.host.id());
    let children: String = fs::read_dir(children)
        .unwrap()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .collect();
    assert_eq!(children.trim(), "");
    case.bench.install(&v2());
    case.host.swapped(3);
    case.host.unloaded(2);
    case.host.finish();
}

/// Initializers of others do not run in any copy where nobody asks for it.
#[test]
fn untried() {
    let bench = Workbench::new();
    let mark = bench.root().join("mark");
    let program = bench.program().env("HOT_FIXTURE_MARK", &mark);
    let host = program.arg("--try-initializers", "false").start();
    let mut case = Case::new(bench, host);
    case.bench.install(&with(
        "let path = std::env::var_os(\"HOT_FIXTURE_MARK\").unwrap();\n    \
         std::fs::write(path, std::process::id().to_string()).unwrap();",
    ));
    case.host.swapped(2);
    assert_eq!(fs::read_to_string(&mark).unwrap(), case.host.id().to_string());
    case.host.runs(3);
    case.host.finish();
}
