//! What can be asked of `cargo liveswap`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Swap the functions of a running Rust program whenever their source is saved.
#[derive(Debug, Parser)]
#[command(name = "cargo-liveswap", bin_name = "cargo liveswap", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build and start a program, and swap its hot functions whenever they are saved.
    Run(Run),
    /// Build the artifacts of a program's hot crates once, and print where they are.
    Build(Build),
    /// Show what an artifact says of itself.
    Inspect(Inspect),
    /// Show what runs now in this workspace.
    Status(Status),
    /// Look for what commonly breaks, each with its remedy.
    Doctor(Doctor),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) what: What,

    /// Never end the program to start it anew: what cannot be swapped waits, with its reason.
    #[arg(long)]
    pub(crate) no_restart: bool,

    /// Begin with the named states that the last session of this program left, not anew.
    #[arg(long)]
    pub(crate) keep_state: bool,

    /// Let artifacts bring a standard library and dependencies of their own, and link the program as
    /// cargo does.
    #[arg(long)]
    pub(crate) standalone: bool,

    /// What the program is given.
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) what: What,

    /// Build the program too, so that it can take shared artifacts, and make these.
    #[arg(long)]
    pub(crate) shared: bool,

    /// Where the artifacts go [default: the directory of the program].
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) artifact_dir: Option<PathBuf>,

    /// Print one JSON object an artifact, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The artifact's file.
    pub(crate) artifact: PathBuf,

    /// Print one JSON object, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Print one JSON object a session, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where the workspace and its target directory are.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Place {
    /// Path to Cargo.toml.
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,

    /// Directory for everything that is built.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) target_dir: Option<PathBuf>,
}

/// What to build, and how. Everything but `--hot` means what it means to `cargo run`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct What {
    /// The package of the program.
    #[arg(short, long, value_name = "PACKAGE")]
    pub(crate) package: Option<String>,

    /// A crate to keep hot, by its package's name [default: all that depend on `liveswap-abi`].
    #[arg(long, value_name = "CRATE")]
    pub(crate) hot: Vec<String>,

    /// The binary of the package to run.
    #[arg(long, value_name = "NAME")]
    pub(crate) bin: Option<String>,

    /// Build with optimizations; hot functions stay replaceable.
    #[arg(short, long, conflicts_with = "profile")]
    pub(crate) release: bool,

    /// Build with this profile; hot functions stay replaceable.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Features of the program's package, separated by commas or spaces.
    #[arg(short = 'F', long, value_name = "FEATURES")]
    pub(crate) features: Vec<String>,

    /// All features of the program's package.
    #[arg(long)]
    pub(crate) all_features: bool,

    /// None of the default features of the program's package.
    #[arg(long)]
    pub(crate) no_default_features: bool,

    /// Build for this target triple.
    #[arg(long, value_name = "TRIPLE")]
    pub(crate) target: Option<String>,

    #[command(flatten)]
    pub(crate) place: Place,

    /// How many jobs run in parallel.
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<String>,

    /// Require that Cargo.lock stays as it is.
    #[arg(long)]
    pub(crate) locked: bool,

    /// Build without the network.
    #[arg(long)]
    pub(crate) offline: bool,

    /// As `--locked --offline`.
    #[arg(long)]
    pub(crate) frozen: bool,
}

impl What {
    /// Whether debug assertions, which make hot functions replaceable, may be off.
    pub(crate) fn may_lack_debug_assertions(&self) -> bool {
        self.release || self.profile.as_deref().is_some_and(|name| name != "dev")
    }

    /// The options that decide what cargo may touch.
    pub(crate) fn lock_options(&self) -> impl Iterator<Item = &'static str> {
        [("--locked", self.locked), ("--offline", self.offline), ("--frozen", self.frozen)]
            .into_iter()
            .filter_map(|(option, given)| given.then_some(option))
    }

    /// The features that were asked for, one by one.
    pub(crate) fn feature_list(&self) -> impl Iterator<Item = &str> {
        self.features
            .iter()
            .flat_map(|list| list.split([',', ' ']))
            .filter(|feature| !feature.is_empty())
    }
}

/// Parses the process's arguments, with or without the `liveswap` that cargo puts first.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|first| first == "liveswap") {
        args.remove(1);
    }
    Cli::try_parse_from(args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn run(line: &str) -> Run {
        match parsed(line).unwrap().command {
            Command::Run(run) => run,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_command_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_the_alias_appends_goes_where_it_belongs() {
        let alias = "cargo-liveswap liveswap run -p demo-app";
        let table: [(&str, &[&str], bool); 5] = [
            ("", &[], false),
            (" --release", &[], true),
            (" -- --headless --frames 60", &["--headless", "--frames", "60"], false),
            (" --release -- --release", &["--release"], true),
            (" -- -- x", &["--", "x"], false),
        ];
        for (rest, args, release) in table {
            let run = run(&format!("{alias}{rest}"));
            assert_eq!(run.args, args, "{rest}");
            assert_eq!(run.what.release, release, "{rest}");
            assert_eq!(run.what.package.as_deref(), Some("demo-app"), "{rest}");
        }
    }

    #[test]
    fn states_outlive_a_session_only_where_that_is_asked_for() {
        assert!(!run("x run").keep_state);
        assert!(run("x run --keep-state").keep_state);
        assert!(!run("x run -- --keep-state").keep_state, "it is the program's");
    }

    #[test]
    fn it_runs_with_and_without_cargo_before_it() {
        for line in ["cargo-liveswap liveswap doctor", "cargo-liveswap doctor"] {
            assert!(matches!(parsed(line).unwrap().command, Command::Doctor(_)), "{line}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for line in [
            "cargo-liveswap",
            "cargo-liveswap run stray",
            "cargo-liveswap run --release --profile dev",
            "cargo-liveswap inspect",
            "cargo-liveswap liveswap liveswap run",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn features_are_told_apart() {
        let what = run("x run --features a,b -F c -F=d,,e").what;
        assert_eq!(what.feature_list().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
        assert_eq!(run("x run").what.feature_list().count(), 0);
    }

    #[test]
    fn only_the_dev_profile_is_known_to_have_debug_assertions() {
        let table =
            [("", false), (" --profile dev", false), (" --release", true), (" --profile p", true)];
        for (rest, expected) in table {
            let run = run(&format!("x run{rest}"));
            assert_eq!(run.what.may_lack_debug_assertions(), expected, "{rest}");
        }
    }
}
