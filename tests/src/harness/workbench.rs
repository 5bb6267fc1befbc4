//! A place of its own for one test: a directory for the artifact, one for stages, and ways to put an artifact there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use liveswap_testkit::process::directories;
use tempfile::TempDir;

use super::version::host;
use super::{Host, Version, v1, v2, v3};

/// Two directories that nobody else uses, removed with it.
pub(crate) struct Workbench {
    root: TempDir,
}

/// A program that is about to be started.
pub(crate) struct Program {
    pub(crate) command: Command,
    pub(crate) stages: PathBuf,
    pub(crate) stderr: PathBuf,
}

impl Workbench {
    pub(crate) fn new() -> Workbench {
        // Artifacts that are older than the program would be taken for a part of it, and a test that measures time
        // does not mean the compiler's.
        host();
        v2().artifact();
        v3().artifact();
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(root.path().join("artifacts")).unwrap();
        Workbench { root }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Where artifacts appear.
    pub(crate) fn directory(&self) -> PathBuf {
        self.root().join("artifacts")
    }

    /// The artifact that the program watches.
    pub(crate) fn artifact(&self) -> PathBuf {
        self.directory().join(v1().file_name())
    }

    /// The program, told where its artifact and its stages are.
    pub(crate) fn program(&self) -> Program {
        let mut program = self.bare_program(&host());
        program.command.arg("--artifact").arg(self.artifact());
        program.command.arg("--stage-dir").arg(self.root());
        // Long enough for a stray call that comes at once to be noticed, and no longer: most tests wait for its end.
        program.command.args(["--quarantine", "50"]);
        program
    }

    /// The program from `executable`, told nothing; its stages are expected under `root`.
    pub(crate) fn bare_program(&self, executable: &Path) -> Program {
        let mut command = Command::new(executable);
        command.env_remove("LIVESWAP_ARTIFACT_DIR").env_remove("RUST_BACKTRACE");
        let stderr = tempfile::Builder::new().prefix("stderr").tempfile_in(self.root()).unwrap();
        let (_, stderr) = stderr.keep().unwrap();
        Program { command, stages: self.stages(), stderr }
    }

    /// The program's executable under another name, at `path` below the root.
    ///
    /// Not a copy: a test that starts a program meanwhile would hand on the open file, and it could not be run.
    pub(crate) fn link_to_host(&self, path: &str) -> PathBuf {
        let to = self.root().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::hard_link(host(), &to).unwrap();
        to
    }

    /// Starts the program and its runtime with no artifact there.
    pub(crate) fn start(&self) -> Host {
        self.program().start()
    }

    /// Puts the version in the artifact's place, as most linkers do: written aside and renamed over.
    pub(crate) fn install(&self, version: &Version) {
        rename_over(&version.artifact(), &self.artifact());
    }

    /// The directory that holds those of all processes.
    pub(crate) fn stages(&self) -> PathBuf {
        self.root().join("liveswap/stages")
    }

    /// The stage directories of all processes, living and dead.
    pub(crate) fn stage_directories(&self) -> Vec<PathBuf> {
        directories(&self.stages())
    }
}

impl Program {
    pub(crate) fn arg(mut self, name: &str, value: &str) -> Program {
        self.command.args([name, value]);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Program {
        self.command.env(name, value);
        self
    }

    /// Expects the program's stages under `target`.
    pub(crate) fn stages_under(mut self, target: &Path) -> Program {
        self.stages = target.join("liveswap/stages");
        self
    }

    /// Starts it through another program, which runs what follows its own arguments in its own place.
    pub(crate) fn under(mut self, program: &str, arguments: &[&str]) -> Program {
        let mut command = Command::new(program);
        command.args(arguments).arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.command = command;
        self
    }

    /// Starts the program and its runtime.
    #[track_caller]
    pub(crate) fn start(self) -> Host {
        let mut host = self.spawn();
        host.ask(&["start"]);
        host
    }

    /// Starts the program only.
    pub(crate) fn spawn(self) -> Host {
        Host::spawn(self)
    }
}

/// Copies `from` beside `to` and renames it over it.
#[track_caller]
pub(crate) fn rename_over(from: &Path, to: &Path) {
    liveswap_testkit::process::rename_over(from, to).unwrap();
}
