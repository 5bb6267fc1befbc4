//! Programs that the bench starts: its own checkout's, and those that may be installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::artifact::profile_directory;
use crate::edit_to_live::child::{BUILT_WITHIN, Child};
use crate::error::Error;

/// `cargo-liveswap` as this checkout has it, built like this program.
pub(crate) fn own_program(checkout: &Path) -> Result<PathBuf, Error> {
    let profile = profile_directory()?;
    let target = profile.parent().unwrap_or(&profile);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(checkout).args(["build", "--package", "cargo-liveswap", "--target-dir"]);
    cargo.arg(target);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    eprintln!("liveswap-bench: building cargo-liveswap");
    Child::start("cargo build", cargo)?.finish(Instant::now(), BUILT_WITHIN)?;
    Ok(profile.join(format!("cargo-liveswap{}", std::env::consts::EXE_SUFFIX)))
}

/// Where a program is that a shell would find.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|directory| directory.join(&name));
    places.find(|place| is_program(place))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_started_is_found() {
        assert!(on_path("sh").is_some_and(|sh| sh.ends_with("sh")));
        assert_eq!(on_path("no-such-program-anywhere"), None);
        let directory = tempfile::tempdir().unwrap();
        let text = directory.path().join("text");
        fs::write(&text, "").unwrap();
        assert!(!is_program(&text) && !is_program(directory.path()));
    }
}
