//! The compiler's command as cargo uses it, captured once and replayed bare.
//!
//! Cargo calls this program in place of the compiler; it notes the one call that is wanted, and makes every call.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde::{Deserialize, Serialize};

use crate::edit_to_live::workspace::file;
use crate::error::Error;

/// The variable that makes this program a compiler: where to note the call.
const VARIABLE: &str = "LIVESWAP_BENCH_CAPTURE";
/// The crate whose call is wanted.
const CRATE: &str = "LIVESWAP_BENCH_CAPTURE_CRATE";

/// One call of the compiler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    program: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    /// The variables that cargo sets for the compiler.
    variables: Vec<(String, String)>,
}

/// Makes a call of the compiler if this program is called as one.
pub(crate) fn stand_in() -> Option<ExitCode> {
    let noted = PathBuf::from(env::var_os(VARIABLE)?);
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let (program, arguments) = arguments.split_first()?;
    let wanted = env::var(CRATE).unwrap_or_default();
    let mut pairs = arguments.windows(2);
    if pairs.any(|pair| pair[0] == "--crate-name" && *pair[1] == *wanted) {
        let text = |it: &OsString| it.to_string_lossy().into_owned();
        let call = Call {
            program: program.into(),
            arguments: arguments.iter().map(text).collect(),
            directory: env::current_dir().unwrap_or_default(),
            variables: env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .filter(|(name, _)| is_for_the_compiler(name))
                .collect(),
        };
        let written = serde_json::to_vec(&call).ok().map(|call| fs::write(&noted, call));
        if !matches!(written, Some(Ok(()))) {
            eprintln!("liveswap-bench: `{}` cannot be written", noted.display());
            return Some(ExitCode::FAILURE);
        }
    }
    let status = Command::new(program).args(arguments).status();
    let code = status.ok().and_then(|status| u8::try_from(status.code()?).ok());
    Some(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn is_for_the_compiler(name: &str) -> bool {
    let of_cargo = name.starts_with("CARGO") && name != "CARGO_MAKEFLAGS";
    of_cargo || ["OUT_DIR", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"].contains(&name)
}

impl Call {
    /// Has `cargo` call this program in place of the compiler, which notes how `crate_name` is compiled in `file`.
    pub(crate) fn note_by(cargo: &mut Command, crate_name: &str, file: &Path) -> Result<(), Error> {
        let own = env::current_exe().map_err(self::file("found", Path::new("this program")))?;
        cargo.env("RUSTC_WRAPPER", own).env(VARIABLE, file).env(CRATE, crate_name);
        Ok(())
    }

    /// What was noted.
    pub(crate) fn read(noted: &Path) -> Result<Call, Error> {
        let bytes = fs::read(noted).map_err(file("read", noted))?;
        serde_json::from_slice(&bytes).map_err(|error| file("read", noted)(error.into()))
    }

    /// The same call with all that it writes in `directory`.
    pub(crate) fn replayed_in(&self, directory: &Path) -> Call {
        let output = directory.join("out").to_string_lossy().into_owned();
        let incremental = format!("incremental={}", directory.join("incremental").display());
        let mut arguments = Vec::new();
        let mut rest = self.arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--out-dir" => {
                    rest.next();
                }
                "-C" => match rest.next() {
                    Some(option) if option.starts_with("incremental=") => {}
                    option => {
                        arguments.extend(["-C".to_owned()].into_iter().chain(option.cloned()))
                    }
                },
                _ => arguments.push(argument.clone()),
            }
        }
        arguments.extend(["--out-dir".to_owned(), output, "-C".to_owned(), incremental]);
        Call { arguments, ..self.clone() }
    }

    /// The command.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(arguments: &[&str]) -> Call {
        Call {
            program: "rustc".into(),
            arguments: arguments.iter().map(|&it| it.to_owned()).collect(),
            directory: "/w".into(),
            variables: vec![("CARGO_PKG_NAME".to_owned(), "x".to_owned())],
        }
    }

    #[test]
    fn a_replay_writes_elsewhere_and_is_the_same_otherwise() {
        let captured = call(&[
            "--crate-name",
            "x",
            "-C",
            "metadata=1",
            "--out-dir",
            "/t/deps",
            "-C",
            "incremental=/t/inc",
            "src/lib.rs",
        ]);
        let own = Path::new("/own");
        let expected = [
            "--crate-name",
            "x",
            "-C",
            "metadata=1",
            "src/lib.rs",
            "--out-dir",
            "/own/out",
            "-C",
            "incremental=/own/incremental",
        ];
        assert_eq!(captured.replayed_in(own), call(&expected));
    }

    #[test]
    fn only_what_cargo_sets_for_the_compiler_is_kept() {
        let kept = ["CARGO_PKG_NAME", "CARGO", "OUT_DIR", "LD_LIBRARY_PATH"];
        let left = ["CARGO_MAKEFLAGS", "HOME", "TOKEN"];
        assert!(kept.iter().all(|name| is_for_the_compiler(name)));
        assert!(!left.iter().any(|name| is_for_the_compiler(name)));
    }
}
