//! Where an artifact is expected when nobody says so: beside the program that runs.

use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};

/// The environment variable that names the directory to look in instead, or several of them,
/// separated as in `PATH`.
pub const ARTIFACT_DIR: &str = "LIVESWAP_ARTIFACT_DIR";

/// The file name of the library of `hot_crate`: `libgame_logic.so` on Linux.
///
/// ```
/// let name = liveswap::locate::file_name("game-logic");
/// assert!(name.contains("game_logic"));
/// ```
#[must_use]
pub fn file_name(hot_crate: &str) -> String {
    format!("{DLL_PREFIX}{}{DLL_SUFFIX}", hot_crate.replace('-', "_"))
}

/// The files to watch for a program at `executable`, with `directory` as the answer of [`ARTIFACT_DIR`].
///
/// Cargo leaves the library of a dependency in `deps`, and a copy one directory above if the crate itself was asked
/// for. Both are looked at, from wherever in the profile's directory the program runs: itself, `deps` (tests and
/// benches) or `examples`.
pub(crate) fn artifacts(
    hot_crate: &str,
    executable: &Path,
    directory: Option<&Path>,
) -> Vec<PathBuf> {
    let name = file_name(hot_crate);
    if let Some(directory) = directory {
        if directory.is_dir() {
            return vec![directory.join(name)];
        }
        return env::split_paths(directory).map(|directory| directory.join(&name)).collect();
    }
    let profile = profile_directory(executable);
    vec![profile.join(&name), profile.join("deps").join(&name)]
}

/// The directory under which stages are kept for a program at `executable`: the target directory, if it is in one.
pub(crate) fn target_directory(executable: &Path) -> PathBuf {
    // Cargo marks the root of a target directory with this file.
    let marked = executable.ancestors().skip(1).find(|above| above.join("CACHEDIR.TAG").is_file());
    marked.map_or_else(|| profile_directory(executable), Path::to_owned)
}

fn profile_directory(executable: &Path) -> PathBuf {
    let directory = executable.parent().unwrap_or(Path::new("."));
    let inner = directory.file_name().is_some_and(|name| name == "deps" || name == "examples");
    match directory.parent() {
        Some(parent) if inner => parent.to_owned(),
        _ => directory.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_leads_to_the_profile_directory() {
        let name = file_name("a-b");
        assert_eq!(name, format!("{DLL_PREFIX}a_b{DLL_SUFFIX}"));
        for (executable, profile) in [
            ("/w/target/debug/host", "/w/target/debug"),
            ("/w/target/debug/deps/host-0123", "/w/target/debug"),
            ("/w/target/debug/examples/host", "/w/target/debug"),
            ("/t/x86_64-unknown-linux-gnu/release/host", "/t/x86_64-unknown-linux-gnu/release"),
            ("/opt/host", "/opt"),
        ] {
            let found = artifacts("a-b", Path::new(executable), None);
            let profile = Path::new(profile);
            assert_eq!(found, [profile.join(&name), profile.join("deps").join(&name)]);
        }
    }

    #[test]
    fn the_given_directory_is_the_only_one() {
        let found = artifacts("game", Path::new("/opt/host"), Some(Path::new("/elsewhere")));
        assert_eq!(found, [Path::new("/elsewhere").join(file_name("game"))]);
        let several = env::join_paths(["/a", "/b"]).unwrap();
        let found = artifacts("game", Path::new("/opt/host"), Some(Path::new(&several)));
        assert_eq!(found, ["/a", "/b"].map(|at| Path::new(at).join(file_name("game"))));
    }

    #[test]
    fn stages_go_under_the_marked_target_directory() {
        let dir = tempfile::tempdir().unwrap();
        let deps = dir.path().join("target/debug/deps");
        std::fs::create_dir_all(&deps).unwrap();
        let executable = deps.join("host-0123");
        assert_eq!(target_directory(&executable), dir.path().join("target/debug"));
        std::fs::write(dir.path().join("target/CACHEDIR.TAG"), "").unwrap();
        assert_eq!(target_directory(&executable), dir.path().join("target"));
    }
}
