//! Cargo and the compiler as they are found, and what they leave in the environment.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::args::What;

/// The cargo that started this program, or the one on the path.
pub(crate) fn program() -> OsString {
    env::var_os("CARGO").filter(|path| !path.is_empty()).unwrap_or_else(|| "cargo".into())
}

/// What `cargo run` says of this tool's own package, which is not that of the host.
pub(crate) fn inherited() -> impl Iterator<Item = OsString> {
    env::vars_os().map(|(name, _)| name).filter(|name| {
        name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_")
                || ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_BIN_NAME"].contains(&name)
                || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"].contains(&name)
        })
    })
}

/// The directory of the dynamic standard library, for programs that were linked against that.
pub(crate) fn standard_library(what: &What) -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC").filter(|path| !path.is_empty());
    let mut command = Command::new(rustc.unwrap_or_else(|| "rustc".into()));
    command.args(["--print", "target-libdir"]);
    if let Some(target) = &what.target {
        command.args(["--target", target]);
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    let path = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(path.trim_end()))
}
