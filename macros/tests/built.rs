//! What the compiler makes of a hot crate: nothing but the functions where they are not replaceable, and programs that
//! link where they are.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "built/assembly.rs"]
mod assembly;
#[path = "built/compiler.rs"]
mod compiler;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use compiler::{Build, Compiler, Form};
use object::read::archive::ArchiveFile;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

/// Symbols that only code which can be replaced defines.
const INTERPOSED: [&str; 5] = [
    "pthread_create",
    "__cxa_thread_atexit_impl",
    "pthread_key_create",
    "pthread_key_delete",
    "pthread_setspecific",
];

/// What of the replaceable form an object, or an archive of objects, contains.
fn traces(file: &Path) -> Vec<String> {
    let data = fs::read(file).unwrap();
    let mut traces = Vec::new();
    match ArchiveFile::parse(&*data) {
        Ok(archive) => {
            for member in archive.members() {
                let member = member.unwrap();
                if member.name().ends_with(b".o") {
                    collect(member.data(&*data).unwrap(), &mut traces);
                }
            }
        }
        Err(_) => collect(&data, &mut traces),
    }
    traces.sort();
    traces.dedup();
    traces
}

fn collect(object: &[u8], traces: &mut Vec<String>) {
    let object = object::File::parse(object).unwrap();
    for section in object.sections() {
        let name = section.name().unwrap();
        if name.starts_with(".liveswap") || name.starts_with("linkme") {
            traces.push(format!("section {name}"));
        }
    }
    for symbol in object.symbols() {
        let name = symbol.name().unwrap();
        let is_ours = name.starts_with("__liveswap") || name.contains("linkme_");
        if is_ours || (symbol.is_definition() && INTERPOSED.contains(&name)) {
            traces.push(format!("symbol {name}"));
        }
    }
}

#[test]
fn an_inactive_hot_crate_is_the_plain_one() {
    let folder = compiler::folder("inactive");
    let inactive = Compiler::new(Form::Inactive);
    let build = |name: &str, hot: bool| Build::new(&inactive, &folder.join(name), hot);
    let (hot, plain) = (build("hot", true), build("plain", false));

    let functions = |build: &Build| assembly::functions(&build.assembly("logic"));
    let (of_hot, of_plain) = (functions(&hot), functions(&plain));
    let pick = |functions: &BTreeMap<String, String>, name: &str| {
        let mut found = functions.iter().filter(|(symbol, _)| symbol.contains(name));
        found.next().map(|(_, text)| text.clone())
    };
    for name in ["limit", "energy", "exported"] {
        assert!(
            pick(&of_plain, name).is_some() || name == "limit",
            "no `{name}` in {:?}",
            of_plain.keys()
        );
        assert_eq!(
            pick(&of_hot, name),
            pick(&of_plain, name),
            "`{name}` is another function when hot"
        );
    }
    assert_eq!(
        assembly::normalized(&hot.assembly("caller")),
        assembly::normalized(&plain.assembly("caller")),
        "its callers are others"
    );

    for file in [hot.library("logic"), hot.library("caller"), hot.program(), inactive.abi()] {
        assert_eq!(traces(&file), Vec::<String>::new(), "{}", file.display());
    }
    assert_eq!(hot.run(), plain.run());

    // The same questions, asked of the replaceable form, have other answers.
    let active = Build::new(&Compiler::new(Form::Always), &folder.join("active"), true);
    assert_ne!(pick(&functions(&active), "energy"), pick(&of_plain, "energy"));
    assert_ne!(
        assembly::normalized(&active.assembly("caller")),
        assembly::normalized(&plain.assembly("caller"))
    );
    // A program is found by no name: only an artifact needs the one that it exports.
    let traces = [traces(&active.program()), traces(&active.library("logic"))].concat();
    for trace in ["section .liveswap", "symbol __liveswap_logic", "symbol pthread_create"] {
        assert!(traces.iter().any(|found| found == trace), "{trace} in {traces:?}");
    }
    assert_eq!(active.run(), plain.run());
}

#[test]
fn a_loop_of_calls_keeps_nothing_at_hand_that_only_rare_calls_need() {
    let folder = compiler::folder("loop");
    let active = Build::new(&Compiler::new(Form::Always), &folder, true);
    let assembly = assembly::normalized(&active.assembly("caller"));
    let is_start =
        |line: &&str| !line.starts_with('.') && line.contains("chained") && line.ends_with(':');
    let lines = assembly.lines().skip_while(|line| !is_start(line));
    let chained: Vec<&str> = lines.take_while(|line| !line.starts_with(".size")).collect();
    let first = |part: &str| chained.iter().position(|line| line.contains(part));
    // Calls are inlined, and the crate is named behind the end: where a panic is raised again.
    let (call, end, image) = (first("__FUNCTION"), first("ret"), first("CRATE"));
    assert!(call.is_some() && call < end && end < image, "{}", chained.join("\n"));
}

#[test]
fn one_program_has_several_hot_crates_of_any_edition() {
    let folder = compiler::folder("several");
    let active = Compiler::new(Form::Always);
    let logic = compiler::source("logic.rs");
    for (name, edition) in [("first", "2021"), ("second", "2024")] {
        let mut command = active.rustc(&folder, name, &logic);
        command.args(["--crate-type=rlib", "--cfg=hot", "--edition", edition, "-Dwarnings"]);
        compiler::succeed(&mut command);
    }
    let mut command = active.rustc(&folder, "two", &compiler::source("two.rs"));
    compiler::succeed(command.args(["--extern=first", "--extern=second", "--edition=2024"]));
    let output = compiler::succeed(&mut Command::new(folder.join("two")));
    let listed = |name: &str| {
        let path = |item| format!(" {name}::{item}");
        name.to_owned() + &["DRAG", "energy", "exported", "limit", "private"].map(path).concat()
    };
    assert_eq!(output, format!("3072 3072\n{}\n{}\n", listed("first"), listed("second")));
}
