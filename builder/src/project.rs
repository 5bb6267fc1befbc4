//! What is built: which host, which hot crate, and how cargo is asked for them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The program that runs while its hot crate is edited.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Host {
    /// The package, as `cargo -p` takes it.
    pub package: String,
    /// The target inside the package.
    pub target: HostTarget,
}

/// A target of a package that becomes a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HostTarget {
    /// `--bin NAME`
    Bin(String),
    /// `--example NAME`
    Example(String),
    /// `--test NAME`: an integration test that hosts hot code itself.
    Test(String),
    /// `--bench NAME`
    Bench(String),
}

impl HostTarget {
    /// The target's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Bin(name) | Self::Example(name) | Self::Test(name) | Self::Bench(name) => name,
        }
    }

    /// The name of the crate that cargo compiles for it.
    pub fn crate_name(&self) -> String {
        self.name().replace('-', "_")
    }

    fn flag(&self) -> &'static str {
        match self {
            Self::Bin(_) => "--bin",
            Self::Example(_) => "--example",
            Self::Test(_) => "--test",
            Self::Bench(_) => "--bench",
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(&self.target, HostTarget::Bin(name) if *name == self.package) {
            return f.write_str(&self.package);
        }
        write!(f, "{} ({} {})", self.package, &self.target.flag()[2..], self.target.name())
    }
}

/// The choices a person gives to cargo, kept as one so that a build and its replay agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CargoFlags {
    /// `--profile NAME`; `release` for `--release`.
    pub profile: Option<String>,
    /// `--features`
    pub features: Vec<String>,
    /// `--all-features`
    pub all_features: bool,
    /// `--no-default-features`
    pub no_default_features: bool,
    /// `--target TRIPLE`
    pub target: Option<String>,
    /// `--target-dir DIRECTORY`
    pub target_dir: Option<PathBuf>,
    /// `--manifest-path FILE`
    pub manifest_path: Option<PathBuf>,
    /// `--config KEY=VALUE`
    pub config: Vec<String>,
    /// Further arguments of `cargo build`, such as `--locked`, `--offline` or `-j2`.
    pub other: Vec<String>,
}

impl CargoFlags {
    fn apply(&self, command: &mut Command) {
        if let Some(profile) = &self.profile {
            command.args(["--profile", profile]);
        }
        if !self.features.is_empty() {
            command.arg("--features").arg(self.features.join(","));
        }
        if self.all_features {
            command.arg("--all-features");
        }
        if self.no_default_features {
            command.arg("--no-default-features");
        }
        if let Some(target) = &self.target {
            command.args(["--target", target]);
        }
        if let Some(directory) = &self.target_dir {
            command.arg("--target-dir").arg(directory);
        }
        if let Some(manifest) = &self.manifest_path {
            command.arg("--manifest-path").arg(manifest);
        }
        for config in &self.config {
            command.args(["--config", config]);
        }
        command.args(&self.other);
    }
}

/// A hot crate and the host that links it.
///
/// ```
/// use liveswap_builder::{CargoFlags, Host, HostTarget, Project};
///
/// let project = Project {
///     directory: "/home/me/game".into(),
///     host: Host { package: "game".into(), target: HostTarget::Bin("game".into()) },
///     hot_package: "game-logic".into(),
///     flags: CargoFlags { features: vec!["sound".into()], ..CargoFlags::default() },
/// };
/// assert_eq!(project.host.to_string(), "game");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Project {
    /// The directory in which cargo is run; it decides which cargo configuration counts.
    pub directory: PathBuf,
    /// The program that links the hot crate.
    pub host: Host,
    /// The package name of the hot crate (with its hyphens, not as it is renamed somewhere).
    pub hot_package: String,
    /// How cargo is asked.
    pub flags: CargoFlags,
}

impl Project {
    /// The command that builds the host, with arguments for its last compiler call only and one further flag for cargo.
    ///
    /// Without such arguments this is a plain `cargo build`; cargo then does not rebuild the host
    /// that it built for the person before.
    pub(crate) fn cargo(
        &self,
        further: Option<&str>,
        host_rustc_args: &[String],
        color: bool,
    ) -> Command {
        let mut command = Command::new(cargo_program());
        command.current_dir(&self.directory);
        command.arg(if host_rustc_args.is_empty() { "build" } else { "rustc" });
        command.args(["-p", &self.host.package, self.host.target.flag(), self.host.target.name()]);
        self.flags.apply(&mut command);
        command.args(further);
        let ansi = if color { "-diagnostic-rendered-ansi" } else { "" };
        command.arg(format!("--message-format=json{ansi}"));
        if !host_rustc_args.is_empty() {
            command.arg("--").args(host_rustc_args);
        }
        command
    }

    /// The manifest that cargo starts from.
    pub(crate) fn manifest_path(&self) -> Option<&Path> {
        self.flags.manifest_path.as_deref()
    }
}

/// The cargo that runs us, or the one on the path.
pub(crate) fn cargo_program() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}
