//! Artifacts of crates that the program was not linked with: opened, called, swapped, refused and closed.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use liveswap_testkit::process::wait_until;

use crate::harness::{Host, Version, Workbench, macros_library, rename_over, unlinked};

const PLUGIN: &str = "\
use liveswap_macros::hot;

liveswap_abi::hot_crate!();

const VERSION: u32 = 1;

#[hot]
pub fn scaled(x: u32) -> u32 {
    x * VERSION * FACTOR.get()
}

#[hot]
pub static FACTOR: u32 = 10;

#[hot]
pub fn fails(x: u32) -> u32 {
    panic!(\"plugin {VERSION} got {x}\")
}

/// Lasts until there is a file at `path`, beside which it says that it is inside.
#[hot]
pub fn waits(path: &str) -> usize {
    std::fs::write(format!(\"{path}.inside\"), \"\").unwrap();
    while !std::path::Path::new(path).exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    VERSION as usize
}

// end
";

fn plugin(name: &str) -> Version {
    unlinked(name, PLUGIN)
}

fn second(name: &str) -> Version {
    plugin(name).edit("lib.rs", "VERSION: u32 = 1;", "VERSION: u32 = 2;")
}

fn place(bench: &Workbench, version: &Version) -> PathBuf {
    let path = bench.directory().join(version.file_name());
    rename_over(&version.artifact(), &path);
    path
}

#[track_caller]
fn open(host: &mut Host, bench: &Workbench, version: &Version) -> PathBuf {
    let path = place(bench, version);
    host.ask(&["open", version.crate_name(), path.to_str().unwrap()]);
    path
}

#[track_caller]
fn find(host: &mut Host, handle: &str, plugin: &str, ty: &str, name: &str) {
    host.ask(&["find", handle, plugin, ty, &format!("{plugin}::{name}")]);
}

/// The stages of the plugin `filters` that the program has mapped.
fn mapped(host: &Host) -> BTreeSet<String> {
    let maps = fs::read_to_string(format!("/proc/{}/maps", host.id())).unwrap();
    let paths = maps.lines().filter_map(|line| line.split_once('/'));
    paths.filter(|(_, path)| path.contains("filters")).map(|(_, path)| path.to_owned()).collect()
}

#[test]
fn a_plugin_is_called_and_swapped_like_a_linked_crate() {
    let bench = Workbench::new();
    let mut host = bench.program().spawn();
    open(&mut host, &bench, &plugin("filters"));
    find(&mut host, "scaled", "filters", "fn(u32) -> u32", "scaled");
    find(&mut host, "factor", "filters", "value u32", "FACTOR");
    assert_eq!(
        (host.ask(&["use", "scaled", "3"]), host.ask(&["use", "factor"])),
        ("30".into(), "10".into())
    );
    let version = second("filters").edit("lib.rs", "FACTOR: u32 = 10", "FACTOR: u32 = 100");
    place(&bench, &version);
    host.swapped(2);
    assert_eq!(
        (host.ask(&["use", "scaled", "3"]), host.ask(&["use", "factor"])),
        ("600".into(), "100".into())
    );
    host.unloaded(1);
    assert_eq!(host.ask(&["plugin-images", "filters"]), "1");
    assert_eq!(host.ask(&["plugin-reload", "filters"]), "unchanged generation=2");
    host.ask(&["close", "filters"]);
    host.finish();
}

#[test]
fn closing_unloads_it_and_what_is_left_says_so() {
    let bench = Workbench::new();
    let mut host = bench.program().spawn();
    let path = open(&mut host, &bench, &plugin("filters"));
    find(&mut host, "scaled", "filters", "fn(u32) -> u32", "scaled");
    host.ask(&["close", "filters"]);
    assert_eq!(mapped(&host), BTreeSet::new());
    assert_eq!(
        host.try_ask(&["use", "scaled", "3"]).unwrap_err(),
        "the current generation has no hot function `filters::scaled` any more; put it back, or look up what replaced it"
    );
    host.ask(&["open", "filters", path.to_str().unwrap()]);
    assert_eq!(host.ask(&["use", "scaled", "3"]), "30", "opened again, it is there again");
    host.ask(&["close", "filters"]);
    host.finish();
}

#[test]
fn closing_it_while_a_call_is_inside_leaves_it_mapped_until_it_is_opened_again() {
    let bench = Workbench::new();
    let mut host = bench.program().spawn();
    let path = open(&mut host, &bench, &plugin("filters"));
    find(&mut host, "waits", "filters", "fn(&str) -> usize", "waits");
    let door = bench.directory().join("door");
    let inside = bench.directory().join("door.inside");
    host.ask(&["worker", "guest"]);
    host.ask(&["begin", "guest", "use", "waits", door.to_str().unwrap()]);
    wait_until("the call is inside", || inside.exists());
    host.ask(&["close", "filters"]);
    let gone = "the current generation has no hot function `filters::waits` any more; put it back, or look up what replaced it";
    assert_eq!(host.try_ask(&["use", "waits", "nowhere"]).unwrap_err(), gone);
    let held = mapped(&host);
    assert_eq!(held.len(), 1, "its code is gone from under a call: {held:?}");
    fs::write(&door, "").unwrap();
    assert_eq!(host.ask(&["answer", "guest"]), "1", "the code that it began in");
    assert_eq!(mapped(&host), held, "nobody looks while it is closed");

    host.ask(&["open", "filters", path.to_str().unwrap()]);
    wait_until("what was closed is unloaded", || mapped(&host).is_disjoint(&held));
    assert_eq!(mapped(&host).len(), 1, "the one that was opened again");
    assert_eq!(host.ask(&["use", "waits", door.to_str().unwrap()]), "1");
    host.ask(&["close", "filters"]);
    assert_eq!(mapped(&host), BTreeSet::new());
    host.finish();
}

#[test]
fn several_plugins_and_the_linked_crate_live_side_by_side() {
    let bench = Workbench::new();
    let mut host = bench.start();
    for name in ["filters", "sounds"] {
        open(&mut host, &bench, &plugin(name));
        find(&mut host, name, name, "fn(u32) -> u32", "scaled");
    }
    place(&bench, &second("sounds"));
    host.swapped(2);
    assert_eq!(
        (host.ask(&["use", "filters", "1"]), host.ask(&["use", "sounds", "1"])),
        ("10".into(), "20".into())
    );
    host.runs(1);
    let path = bench.directory().join(plugin("filters").file_name());
    assert_eq!(
        host.try_ask(&["open", "again", path.to_str().unwrap()]).unwrap_err(),
        "start: a runtime of `filters` is running already; end it first, or use that one"
    );
    for name in ["filters", "sounds"] {
        host.ask(&["close", name]);
    }
    host.runs(1);
    host.finish();
}

#[test]
fn a_new_signature_of_what_was_looked_up_is_refused() {
    let bench = Workbench::new();
    let mut host = bench.program().spawn();
    open(&mut host, &bench, &plugin("filters"));
    find(&mut host, "scaled", "filters", "fn(u32) -> u32", "scaled");
    let wide = second("filters").edit(
        "lib.rs",
        "scaled(x: u32) -> u32 {\n    x *",
        "scaled(x: u64) -> u32 {\n    x as u32 *",
    );
    place(&bench, &wide);
    let line = host.event(&["refused step=check"]);
    let part = "item={function `filters::scaled`, argument 0 (x)} expected={`u32` (size 4, align 4)} found={`u64` (size 8, \
                align 8)} remedy={change it back, or drop what was looked up by this name}";
    assert!(line.contains(part), "{part} in {line}");
    assert_eq!(host.ask(&["use", "scaled", "3"]), "30");
    // Nobody has looked up the others.
    let others = second("filters").edit(
        "lib.rs",
        "pub fn fails(x: u32) -> u32",
        "pub fn fails(x: u8) -> u8",
    );
    place(&bench, &others);
    host.swapped(2);
    assert_eq!(host.ask(&["use", "scaled", "3"]), "60");
    host.ask(&["close", "filters"]);
    host.finish();
}

#[test]
fn a_panic_in_a_plugin_reaches_its_caller() {
    let bench = Workbench::new();
    let mut host = bench.program().spawn();
    open(&mut host, &bench, &plugin("filters"));
    find(&mut host, "fails", "filters", "fn(u32) -> u32", "fails");
    let caught = host.try_ask(&["use", "fails", "5"]).unwrap_err();
    assert!(caught.contains("plugin 1 got 5"), "{caught}");
    host.event(&["panicked \"plugin 1 got 5\" at src/lib.rs:"]);
    place(&bench, &second("filters"));
    host.swapped(2);
    host.unloaded(1);
    host.ask(&["close", "filters"]);
    host.finish();
}

#[test]
fn what_cannot_be_opened_says_why() {
    let bench = Workbench::new();
    let mut host = bench.program().spawn();
    let nowhere = bench.directory().join("libnowhere.so");
    let nowhere = nowhere.to_str().unwrap();
    assert_eq!(
        host.try_ask(&["open", "nowhere", nowhere]).unwrap_err(),
        format!(
            "stage: the artifact `{nowhere}` could not be opened; it, or the directory it is in, was removed: build again"
        )
    );
    let library = macros_library();
    let error = host.try_ask(&["open", "macros", library.to_str().unwrap()]).unwrap_err();
    let expected = format!(
        "open: `{}` cannot be used: refused at verify: the artifact: a manifest -> it has no manifest section",
        library.display()
    );
    assert!(error.starts_with(&expected), "{error}");

    let path = place(&bench, &plugin("filters"));
    let mut bytes = fs::read(&path).unwrap();
    let text = b"\nrustc=rustc 1.";
    let at = bytes.windows(text.len()).position(|found| found == text).unwrap();
    bytes[at + text.len() - 2] = b'0';
    fs::write(&path, bytes).unwrap();
    let error = host.try_ask(&["open", "filters", path.to_str().unwrap()]).unwrap_err();
    let expected = format!(
        "open: `{}` cannot be used: refused at verify: compiler: `rustc 1.",
        path.display()
    );
    assert!(error.starts_with(&expected), "{error}");
    // And nothing of the failure stays.
    open(&mut host, &bench, &plugin("filters"));
    host.ask(&["close", "filters"]);
    host.finish();
}
