//! The compiler, and where cargo left the crates that fixtures are compiled against.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// What compiling a fixture needs; found once a run.
pub(crate) struct Tools {
    /// `liveswap_abi` and `liveswap_macros`, for the hot crate.
    pub(crate) hot_externs: Vec<(String, PathBuf)>,
    /// `liveswap`, for the program.
    pub(crate) host_extern: (String, PathBuf),
    /// Where their dependencies are.
    pub(crate) deps: PathBuf,
    /// Where compiled fixtures are kept that fit these crates and no others.
    pub(crate) cache: PathBuf,
    /// Keeps other runs from removing the cache.
    _in_use: File,
}

static TOOLS: LazyLock<Result<Tools, String>> = LazyLock::new(Tools::find);

/// What compiling a fixture needs.
///
/// # Panics
///
/// In every test alike, with cargo's own words, if our crates do not compile.
pub(crate) fn tools() -> &'static Tools {
    TOOLS.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

const CRATES: [&str; 3] = ["liveswap", "liveswap_abi", "liveswap_macros"];

/// Hot functions of an optimized build are replaceable only on demand.
pub(crate) const OPTIMIZED: bool = !cfg!(debug_assertions);

impl Tools {
    fn find() -> Result<Tools, String> {
        let layout = Layout::of(&std::env::current_exe().unwrap());
        let built = built(&layout)?;
        let [liveswap, abi, macros] = CRATES.map(|name| {
            let path = built.iter().find(|(built, _)| built == name);
            path.unwrap_or_else(|| panic!("cargo did not build {name}")).clone()
        });
        let mut key = blake3::Hasher::new();
        key.update(rustc_version().as_bytes());
        for (_, path) in [&liveswap, &abi, &macros] {
            let metadata = fs::metadata(path).unwrap();
            let state = format!("{path:?} {} {:?}\n", metadata.len(), metadata.modified().unwrap());
            key.update(state.as_bytes());
        }
        let root = layout.target.join("liveswap-tests");
        let cache = root.join(&key.finalize().to_hex()[..16]);
        let in_use = occupy(&root, &cache);
        Ok(Tools {
            hot_externs: vec![abi, macros],
            host_extern: liveswap,
            deps: layout.profile.join("deps"),
            cache,
            _in_use: in_use,
        })
    }
}

/// Where in a target directory this test runs.
struct Layout {
    target: PathBuf,
    profile: PathBuf,
    triple: Option<String>,
}

impl Layout {
    /// A test binary is in `TARGET_DIR[/TRIPLE]/PROFILE/deps`.
    fn of(executable: &Path) -> Layout {
        let profile = executable.ancestors().nth(2).unwrap().to_owned();
        let above = profile.parent().unwrap();
        let name = above.file_name().unwrap().to_string_lossy();
        // Cargo marks the target directories that it made itself; one that was there before has no mark.
        if above.join("CACHEDIR.TAG").is_file() || name.matches('-').count() < 2 {
            return Layout { target: above.to_owned(), profile, triple: None };
        }
        let triple = name.into_owned();
        Layout { target: above.parent().unwrap().to_owned(), profile, triple: Some(triple) }
    }
}

/// The files of our crates as cargo builds them for the layout, which mostly means finding them fresh.
fn built(layout: &Layout) -> Result<Vec<(String, PathBuf)>, String> {
    let profile = layout.profile.file_name().unwrap().to_string_lossy().into_owned();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--message-format=json-render-diagnostics", "--quiet"]);
    cargo.args(["-p", "liveswap", "-p", "liveswap-abi", "-p", "liveswap-macros"]);
    cargo.args(["--profile", if profile == "debug" { "dev" } else { &profile }]);
    cargo.arg("--target-dir").arg(&layout.target);
    if let Some(triple) = &layout.triple {
        cargo.args(["--target", triple]);
    }
    if OPTIMIZED {
        cargo.args(["--features", "liveswap-abi/always"]);
    }
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
    let output = cargo.output().unwrap();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("our crates do not compile:\n{text}"));
    }
    let messages = String::from_utf8(output.stdout).unwrap();
    let messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    Ok(messages.filter_map(|message| artifact(&message, layout)).collect())
}

/// Name and file of one of our crates, by the name that the next build does not reuse.
fn artifact(message: &Value, layout: &Layout) -> Option<(String, PathBuf)> {
    let name = message["target"]["name"].as_str()?;
    if message["reason"] != "compiler-artifact" || !CRATES.contains(&name) {
        return None;
    }
    let files = message["filenames"].as_array()?.iter().filter_map(|file| file.as_str());
    let files: Vec<&Path> = files.map(Path::new).collect();
    let metadata = files.iter().find(|file| file.extension().is_some_and(|is| is == "rmeta"));
    let unique = metadata.map(|file| file.with_extension("rlib")).filter(|file| file.is_file());
    let library = files.iter().find(|file| file.extension().is_some_and(|is| is != "rmeta"))?;
    assert!(library.starts_with(&layout.target), "{library:?} is not in {:?}", layout.target);
    Some((name.to_owned(), unique.unwrap_or_else(|| library.to_path_buf())))
}

fn rustc_version() -> String {
    let output = rustc().arg("-vV").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The compiler that cargo uses here.
pub(crate) fn rustc() -> Command {
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Takes the cache into use and removes those that nobody uses and whose crates are gone.
fn occupy(root: &Path, cache: &Path) -> File {
    fs::create_dir_all(cache).unwrap();
    let entrance = lock_file(&root.join("lock"));
    entrance.lock().unwrap();
    for entry in fs::read_dir(root).unwrap().flatten() {
        let other = entry.path();
        if other.is_dir() && other != cache && lock_file(&other.join("lock")).try_lock().is_ok() {
            // What cannot be removed is tried again by the next run.
            let _ = fs::remove_dir_all(other);
        }
    }
    fs::create_dir_all(cache).unwrap();
    let in_use = lock_file(&cache.join("lock"));
    in_use.lock_shared().unwrap();
    in_use
}

/// A file to lock; what is in it does not matter.
pub(crate) fn lock_file(path: &Path) -> File {
    File::options().create(true).truncate(false).write(true).open(path).unwrap()
}
