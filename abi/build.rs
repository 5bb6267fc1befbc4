//! Records which compiler, target and abi sources this build uses, so that an artifact can say it of itself.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    println!("cargo::rustc-check-cfg=cfg(loom)");
    println!("cargo::rustc-check-cfg=cfg(liveswap_no_interpose)");

    println!("cargo::rustc-env=LIVESWAP_RUSTC={}", compiler());
    println!("cargo::rustc-env=LIVESWAP_TARGET={}", env::var("TARGET").unwrap_or_default());
    println!(
        "cargo::rustc-env=LIVESWAP_FEATURES={}",
        env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default()
    );
    println!(
        "cargo::rustc-env=LIVESWAP_ABI={}-{:016x}",
        env::var("CARGO_PKG_VERSION").unwrap_or_default(),
        source_hash(Path::new("src"))
    );
}

/// The first line of `rustc -vV` names version, commit and date; a nightly of another day is another compiler.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output();
    output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| text.lines().next().map(str::to_owned))
        .unwrap_or_else(|| "unknown compiler".to_owned())
}

/// Two builds of abi are interchangeable only when they were made from the same text.
fn source_hash(root: &Path) -> u64 {
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file).unwrap_or_default().hash(&mut hasher);
    }
    hasher.finish()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
