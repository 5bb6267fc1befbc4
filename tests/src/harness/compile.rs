//! Compiling fixtures by the compiler itself, each at most once, whoever else does so at the same time.
//!
//! One call with `rlib` and `cdylib` makes what the program is linked with and the artifact of the same text; every
//! other version is a `cdylib` only, compiled as the same crate (same name, same metadata).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::{OPTIMIZED, lock_file, rustc, tools};
use super::version::{Version, v1};

const HOST_SOURCES: [(&str, &str); 8] = [
    ("main.rs", include_str!("../../fixtures/host/main.rs")),
    ("calls.rs", include_str!("../../fixtures/host/calls.rs")),
    ("commands.rs", include_str!("../../fixtures/host/commands.rs")),
    ("log.rs", include_str!("../../fixtures/host/log.rs")),
    ("panics.rs", include_str!("../../fixtures/host/panics.rs")),
    ("setup.rs", include_str!("../../fixtures/host/setup.rs")),
    ("storm.rs", include_str!("../../fixtures/host/storm.rs")),
    ("workers.rs", include_str!("../../fixtures/host/workers.rs")),
];

/// The directory with the compiled version.
pub(crate) fn hot_crate(version: &Version) -> PathBuf {
    let Version { files, crate_name, metadata, edited } = version;
    let mut key = blake3::Hasher::new();
    key.update(format!("{crate_name} {metadata} {edited}\n").as_bytes());
    for (name, text) in files {
        key.update(format!("{name} {}\n{text}", text.len()).as_bytes());
    }
    once(&format!("hot-{}", &key.finalize().to_hex()[..16]), |directory| {
        let files = files.iter().map(|(name, text)| (*name, text.as_str()));
        let mut command = base(directory, files, "lib.rs");
        command.args(["--crate-name", crate_name]);
        command.args(["--crate-type", if *edited { "cdylib" } else { "rlib,cdylib" }]);
        command.args(["-C", &format!("metadata={metadata}")]);
        command.args(if *edited { ["--cap-lints", "allow"] } else { ["-D", "warnings"] });
        command.env("CARGO_CRATE_NAME", crate_name).env("CARGO_PKG_VERSION", "0.1.0");
        for (name, path) in &tools().hot_externs {
            command.arg("--extern").arg(format!("{name}={}", path.display()));
        }
        command
    })
}

/// The program that is linked with the first version.
pub(crate) fn host() -> PathBuf {
    let linked = hot_crate(&v1());
    let mut key = blake3::Hasher::new();
    key.update(linked.as_os_str().as_encoded_bytes());
    for (name, text) in HOST_SOURCES {
        key.update(format!("{name} {}\n{text}", text.len()).as_bytes());
    }
    let directory = once(&format!("host-{}", &key.finalize().to_hex()[..16]), |directory| {
        let mut command = base(directory, HOST_SOURCES.into_iter(), "main.rs");
        command.args(["--crate-name", "host", "--crate-type", "bin", "-D", "warnings"]);
        let (name, path) = &tools().host_extern;
        command.arg("--extern").arg(format!("{name}={}", path.display()));
        let rlib = linked.join("libhot_fixture.rlib");
        command.arg("--extern").arg(format!("hot_fixture={}", rlib.display()));
        command
    });
    directory.join("host")
}

/// A dynamic library of the same compiler that is no artifact.
pub(crate) fn macros_library() -> PathBuf {
    let (_, path) = tools().hot_externs.iter().find(|(name, _)| name == "liveswap_macros").unwrap();
    path.clone()
}

fn base<'a>(
    directory: &Path,
    files: impl Iterator<Item = (&'a str, &'a str)>,
    root: &str,
) -> Command {
    // Relative, so that places in the source are the same wherever it is compiled.
    let sources = directory.join("src");
    fs::create_dir_all(&sources).unwrap();
    for (name, text) in files {
        fs::write(sources.join(name), text).unwrap();
    }
    let mut command = rustc();
    command.current_dir(directory).arg(Path::new("src").join(root));
    command.args(["--edition", "2024", "-C", "debuginfo=0", "-C", "strip=debuginfo"]);
    if OPTIMIZED {
        command.args(["-C", "opt-level=3"]);
    }
    command
        .arg("-L")
        .arg(format!("dependency={}", tools().deps.display()))
        .args(["--out-dir", "."]);
    command
}

/// The directory `name` in the cache, filled by the command that `prepare` makes unless somebody has done so.
fn once(name: &str, prepare: impl FnOnce(&Path) -> Command) -> PathBuf {
    let directory = tools().cache.join(name);
    let done = directory.join("done");
    if !done.is_file() {
        fs::create_dir_all(&directory).unwrap();
        let lock = lock_file(&directory.join("lock"));
        lock.lock().unwrap();
        if !done.is_file() {
            let output = prepare(&directory).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name} does not compile:\n{text}");
            fs::write(&done, "").unwrap();
        }
    }
    directory
}
