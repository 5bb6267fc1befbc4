//! The compiler that cargo uses.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::record::Record;
use crate::wrapper::MODE;

/// The compiler that cargo uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Toolchain {
    /// The compiler itself, not a proxy that chooses one.
    pub rustc: PathBuf,
    pub sysroot: PathBuf,
    /// The platform that the compiler runs on.
    pub host_triple: String,
}

impl Toolchain {
    /// Asks the compiler of a recorded call about itself.
    pub(crate) fn of(record: &Record) -> Result<Self, Error> {
        let ask = |argument: &str| {
            let mut command = Command::new(&record.program);
            command.current_dir(&record.cwd).env_remove(MODE).envs(&record.env);
            let start = |source| Error::Start { program: record.program.clone(), source };
            let output = command.args(argument.split(' ')).output().map_err(start)?;
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let sysroot = PathBuf::from(ask("--print sysroot")?.trim());
        let version = ask("-vV")?;
        let triple = version.lines().find_map(|line| line.strip_prefix("host: "));
        let real = sysroot.join("bin").join(format!("rustc{}", env::consts::EXE_SUFFIX));
        let rustc = if real.is_file() { real } else { record.program.clone() };
        Ok(Self { rustc, sysroot, host_triple: triple.unwrap_or_default().to_owned() })
    }
}
