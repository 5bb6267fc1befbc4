//! A hot crate of any size and the program that links it, as text.

use std::fmt::Write;

/// The name of the generated crate.
pub(super) const CRATE: &str = "scale_hot";

/// What stands before the number of its version in the file.
pub(super) const MARKER: [u8; 16] = *b"LIVESWAP-SCALE-V";

/// How many functions a module has.
const IN_A_MODULE: usize = 100;

/// How many types lead from one to the next.
const IN_A_CHAIN: usize = 8;

const ROOT: &str = r#"
use std::hint::black_box;

liveswap_abi::hot_crate!();

static VERSION: [u64; 3] = [u64::from_ne_bytes(*b"LIVESWAP"), u64::from_ne_bytes(*b"-SCALE-V"), 0];

#[liveswap_macros::hot]
pub fn version() -> u64 {
    let [.., number] = *black_box(&VERSION);
    number
}
"#;

/// Says how many hot functions it has, how long the start took, and then each swap: what the new code answers and the
/// nanoseconds of each step.
pub(super) const HOST: &str = r#"
use std::time::{Duration, Instant};

use liveswap::{Event, Outcome, Runtime};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [artifact, stages] = &arguments[..] else { panic!("an artifact and a directory for stages") };
    let hot_crate = scale_hot::hot_crate();
    let begun = Instant::now();
    let builder = Runtime::builder(hot_crate).artifact(artifact).stage_dir(stages);
    let runtime = builder.start().expect("a runtime");
    let events = runtime.events();
    let took = begun.elapsed().as_nanos();
    println!("ready {} {took}", hot_crate.functions().len());
    let reloaded = |event| match event {
        Event::Reloaded(reload) => Some(reload),
        _ => None,
    };
    while let Some(reload) = events.find_within(Duration::from_secs(600), reloaded) {
        let of = reload.timings;
        let steps = [of.load, of.verify, of.check, of.swap].map(|step| step.as_nanos().to_string());
        match reload.outcome {
            Outcome::Swapped { .. } => println!("swapped {} {}", scale_hot::version(), steps.join(" ")),
            other => panic!("{other:?}"),
        }
    }
}
"#;

/// The files of a hot crate with this many hot functions, one of them that of the version, and this many types.
pub(super) fn hot_crate(functions: usize, types: usize) -> Vec<(String, String)> {
    let modules = functions.div_ceil(IN_A_MODULE).max(1);
    let type_name = |index: usize| format!("crate::m{:03}::T{index}", index % modules);
    let mut texts: Vec<String> = vec!["use liveswap_macros::{Layout, hot};\n".to_owned(); modules];
    for index in 0..types {
        let text = ty(index, (index % IN_A_CHAIN > 0).then(|| type_name(index - 1)).as_deref());
        texts[index % modules] += &text;
    }
    for index in 0..functions.saturating_sub(1) {
        let of = if types == 0 { "u64".to_owned() } else { type_name(index % types) };
        texts[index % modules] += &function(index, &of);
    }
    let mut root = "#![allow(unused_imports, unused_variables)]\n".to_owned();
    let mut files = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        root += &format!("pub mod m{index:03};\n");
        files.push((format!("m{index:03}.rs"), text));
    }
    files.push(("lib.rs".to_owned(), root + ROOT));
    files
}

/// A type that leads to the one before, in one of four ways.
fn ty(index: usize, before: Option<&str>) -> String {
    let before = before.unwrap_or("u16");
    let body = match index % 4 {
        0 => format!("struct T{index} {{ pub id: u64, pub name: String, pub all: Vec<{before}> }}"),
        1 => format!("struct T{index} {{ pub at: [f32; 3], pub next: Option<Box<{before}>> }}"),
        2 => {
            format!("enum T{index} {{ Nothing, One(u32), Many {{ all: Vec<{before}>, of: u8 }} }}")
        }
        _ => format!("struct T{index}(pub u8, pub (i64, bool), pub {before});"),
    };
    format!("#[derive(Layout)]\npub {body}\n")
}

/// A function that a type goes through, in one of four ways.
fn function(index: usize, of: &str) -> String {
    let mut text = String::new();
    let signature = match index % 4 {
        0 => format!("(value: &mut {of}, by: u64) -> u64 {{ by + {index} }}"),
        1 => format!("(values: Vec<{of}>, at: f32) -> Vec<{of}> {{ values }}"),
        2 => format!("(value: &{of}, words: &str, count: usize) -> usize {{ count ^ {index} }}"),
        _ => format!(
            "(value: Option<&{of}>, pair: (u32, i64)) -> Result<i64, String> {{ Ok(pair.1) }}"
        ),
    };
    // Writing to a `String` does not fail.
    let _ = writeln!(text, "#[hot]\npub fn f{index}{signature}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_were_asked_for() {
        for (functions, types) in [(1, 0), (250, 40), (3, 9)] {
            let files = hot_crate(functions, types);
            let count = |what: &str| -> usize {
                files.iter().map(|(_, text)| text.matches(what).count()).sum()
            };
            assert_eq!(count("#[hot]") + count("#[liveswap_macros::hot]"), functions);
            assert_eq!(count("#[derive(Layout)]"), types);
        }
    }
}
