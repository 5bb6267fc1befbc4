//! `traces`: what events and spans of hot code cost, beside those of the program itself.
//!
//! A hot crate that traces, and a program that links it, are generated and built as `cargo liveswap run` builds them, with
//! optimized code. The program swaps a shared artifact in, so that the callsites of hot code are guests of homes in the
//! program, and runs the same loops in hot code and in its own, in turn. Then it swaps artifacts with many more callsites
//! in and out: first where no callsite stood on those lines before, so that each costs a home, and once more where they
//! have one.

mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use liveswap_builder::{
    ArtifactKind, Builder, CargoFlags, Host, HostTarget, Project, Settings, Task,
};
use serde::Serialize;

use crate::edit_to_live::child::{BUILT_WITHIN, Child};
use crate::error::Error;
use crate::report::{Report, Table, Target};
use crate::statistics::{median, rounded};

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Rounds of each loop.
    #[arg(long, default_value_t = 101, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// Events or spans of each round.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,

    /// Callsites that come and go.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5000))]
    callsites: u32,

    /// Artifacts with callsites on lines where none stood before.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    artifacts: u32,

    /// Where everything is compiled, to be found there by the next run [default: a temporary directory].
    #[arg(long, value_name = "DIRECTORY")]
    target_dir: Option<PathBuf>,
}

/// Nanoseconds, once in the program's own code and once in hot code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Cost {
    own_ns: f64,
    hot_ns: f64,
    /// The median of the rounds' ratios, hot to own.
    ratio: f64,
}

/// The medians.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    event: Cost,
    /// One that the subscriber does not want to hear.
    unheard_event: Cost,
    /// Opened, entered, left and closed.
    span: Cost,
    unheard_span: Cost,
    /// What a callsite adds to the load of an artifact where none stood on its line before.
    load_new_us: f64,
    /// And where one did.
    load_known_us: f64,
    /// What a callsite on a new line costs for the rest of the process.
    kept_new_bytes: f64,
    /// And one on a line where one stood before.
    kept_known_bytes: f64,
    rounds: u32,
    callsites: u32,
}

/// What the program says.
enum Said {
    /// A round: own and hot, of each loop in turn.
    Costs([f64; 8]),
    /// Load of new callsites, of known ones and of none, in nanoseconds, and what was kept of the first two, in bytes.
    Loads([f64; 5]),
    Done,
}

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Figures, Error> {
    let place = tempfile::Builder::new().prefix("liveswap-bench-").tempdir();
    let place = place.map_err(file("made", Path::new("a temporary directory")))?;
    // As the compilers name it.
    let root = place.path().canonicalize().map_err(file("found", place.path()))?;
    let (host, artifacts) = build(options, &root)?;

    let stages = root.join("stages");
    fs::create_dir_all(&stages).map_err(file("made", &stages))?;
    let mut command = Command::new(host);
    command.arg(&stages).args([options.rounds, options.count].map(|number| number.to_string()));
    command.args(artifacts);
    let mut program = Child::start("traces", command)?;
    let (mut costs, mut loads) = (Vec::new(), Vec::new());
    loop {
        match program.line("figures of the program", BUILT_WITHIN, said)? {
            Said::Costs(round) => costs.push(round),
            Said::Loads(round) => loads.push(round),
            Said::Done => break,
        }
    }
    Ok(figures(options, &costs, &loads))
}

fn figures(options: &Options, costs: &[[f64; 8]], loads: &[[f64; 5]]) -> Figures {
    let of = |pick: &dyn Fn(&[f64; 8]) -> f64| median(&costs.iter().map(pick).collect::<Vec<_>>());
    let cost = |index: usize| Cost {
        own_ns: rounded(of(&|round| round[2 * index]), 2),
        hot_ns: rounded(of(&|round| round[2 * index + 1]), 2),
        ratio: rounded(of(&|round| round[2 * index + 1] / round[2 * index]), 2),
    };
    let each = |pick: &dyn Fn(&[f64; 5]) -> f64| {
        median(&loads.iter().map(pick).collect::<Vec<_>>()) / f64::from(options.callsites)
    };
    Figures {
        event: cost(0),
        unheard_event: cost(1),
        span: cost(2),
        unheard_span: cost(3),
        load_new_us: rounded(each(&|[new, _, none, ..]| new - none) / 1e3, 2),
        load_known_us: rounded(each(&|[_, known, none, ..]| known - none) / 1e3, 2),
        kept_new_bytes: rounded(each(&|[.., new, _]| *new), 0),
        kept_known_bytes: rounded(each(&|[.., known]| *known), 0),
        rounds: options.rounds,
        callsites: options.callsites,
    }
}

/// The program, and its artifacts: one with few callsites, and others with many.
fn build(options: &Options, root: &Path) -> Result<(PathBuf, Vec<PathBuf>), Error> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checkout = checkout.parent().unwrap_or(checkout);
    let ours = |name: &str, folder: &str, more: &str| {
        format!("{name} = {{ path = {:?}{more} }}\n", checkout.join(folder))
    };
    let package = |name: &str, dependencies: &[String]| {
        format!(
            "[package]\nname = \"traces-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [dependencies]\ntracing = {{ version = \"0.1\", default-features = false, features = [\"std\"] }}\n{}",
            dependencies.concat()
        )
    };
    let hot = [ours("liveswap-abi", "abi", ""), ours("liveswap-macros", "macros", "")];
    let host = [
        ours("liveswap", "runtime", ""),
        "hot = { package = \"traces-hot\", path = \"../hot\" }\n".to_owned(),
    ];
    let lib = root.join("hot/src/lib.rs");
    put(
        &root.join("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = [\"host\", \"hot\"]\n\n\
         [profile.dev]\nopt-level = 3\ndebug = 0\n",
    )?;
    put(&root.join("hot/Cargo.toml"), &package("hot", &hot))?;
    put(&root.join("host/Cargo.toml"), &package("host", &host))?;
    put(&root.join("host/src/main.rs"), &text::host())?;
    put(&lib, &text::hot(0, 0))?;
    // The same versions as everything else of the checkout.
    let lock = root.join("Cargo.lock");
    fs::copy(checkout.join("Cargo.lock"), &lock).map_err(file("written", &lock))?;

    let target = match &options.target_dir {
        Some(own) => std::path::absolute(own).map_err(file("found", own))?,
        None => root.join("target"),
    };
    let project = Project {
        directory: root.to_owned(),
        host: Host {
            package: "traces-host".to_owned(),
            target: HostTarget::Bin("traces-host".to_owned()),
        },
        hot_package: "traces-hot".to_owned(),
        flags: CargoFlags { target_dir: Some(target), ..CargoFlags::default() },
    };
    eprintln!("liveswap-bench: building");
    let builder = Builder::open(project, Settings { color: false, ..Settings::default() })
        .map_err(not_built)?;
    let host = builder.build_host().and_then(Task::wait).map_err(not_built)?;
    let mut artifacts = Vec::new();
    for number in 0..=options.artifacts + 1 {
        let callsites = if number == 0 { 0 } else { options.callsites };
        // Lines of their own, far from those of the others.
        put(&lib, &text::hot(callsites, number * (options.callsites + 100)))?;
        let built = builder.start().and_then(Task::wait).map_err(not_built)?.artifact;
        if built.kind != ArtifactKind::Shared {
            let why = built.not_shared.map_or_else(String::new, |why| format!(": {why}"));
            return Err(Error::NotBuilt { words: format!("its artifact is not shared{why}") });
        }
        let copy = root.join(format!("{number}.so"));
        fs::copy(&built.path, &copy).map_err(file("copied", &built.path))?;
        artifacts.push(copy);
    }
    Ok((host.executable, artifacts))
}

fn not_built(error: liveswap_builder::Error) -> Error {
    let rendered = error.diagnostics().iter().map(|one| one.rendered.as_str());
    Error::NotBuilt { words: format!("{error}\n{}", rendered.collect::<String>()) }
}

fn put(path: &Path, text: &str) -> Result<(), Error> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(file("made", parent))?;
    }
    fs::write(path, text).map_err(file("written", path))
}

fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

fn said(line: &str) -> Option<Said> {
    fn numbers<const COUNT: usize>(words: &str) -> Option<[f64; COUNT]> {
        let numbers: Vec<f64> = words.split(' ').map_while(|word| word.parse().ok()).collect();
        numbers.try_into().ok()
    }
    match line.split_once(' ') {
        Some(("costs", words)) => numbers(words).map(Said::Costs),
        Some(("loads", words)) => numbers(words).map(Said::Loads),
        _ => (line == "done").then_some(Said::Done),
    }
}

impl Report for Figures {
    fn table(&self) -> Table {
        let rows = [
            ("an event that is heard", self.event),
            ("one that is not", self.unheard_event),
            ("a span that is heard", self.span),
            ("one that is not", self.unheard_span),
        ];
        let headings = ["ns, medians", "the program's own", "of hot code", "ratio"];
        let table = rows.iter().fold(Table::new(headings), |table, (what, cost)| {
            let [own, hot, ratio] =
                [cost.own_ns, cost.hot_ns, cost.ratio].map(|it| format!("{it:.2}"));
            table.row([(*what).to_owned(), own, hot, ratio])
        });
        let row =
            |what: &str, new: String, known: String| [what.to_owned(), new, known, String::new()];
        table
            .row(row("a callsite", "on a new line".to_owned(), "on a known one".to_owned()))
            .row(row(
                "us of load",
                format!("{:.2}", self.load_new_us),
                format!("{:.2}", self.load_known_us),
            ))
            .row(row(
                "bytes kept",
                format!("{:.0}", self.kept_new_bytes),
                format!("{:.0}", self.kept_known_bytes),
            ))
    }

    fn targets(&self) -> Vec<Target> {
        vec![
            Target::at_most("hot / own, an event that is heard,", self.event.ratio, 1.5),
            Target::at_most("hot / own, a span that is heard,", self.span.ratio, 1.5),
            Target::at_most("bytes kept of a callsite on a new line", self.kept_new_bytes, 1024.0),
            Target::at_most("bytes kept of one on a known line", self.kept_known_bytes, 16.0),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options { rounds: 3, count: 10, callsites: 100, artifacts: 2, target_dir: None }
    }

    #[test]
    fn medians_of_rounds_and_of_their_ratios() {
        let costs = [[10.0, 11.0, 1.0, 2.0, 30.0, 30.0, 2.0, 3.0]; 3];
        let loads = [
            [900_000.0, 500_000.0, 400_000.0, 48_000.0, 100.0],
            [800_000.0, 450_000.0, 400_000.0, 50_000.0, -100.0],
        ];
        let json = serde_json::to_value(figures(&options(), &costs, &loads)).unwrap();
        assert_eq!(
            (&json["event"]["own_ns"], &json["event"]["ratio"]),
            (&10.0.into(), &1.1.into())
        );
        assert_eq!(json["unheard_event"]["hot_ns"], 2.0);
        assert_eq!(
            (&json["span"]["ratio"], &json["unheard_span"]["ratio"]),
            (&1.0.into(), &1.5.into())
        );
        assert_eq!((&json["load_new_us"], &json["load_known_us"]), (&4.5.into(), &0.75.into()));
        assert_eq!(
            (&json["kept_new_bytes"], &json["kept_known_bytes"]),
            (&490.0.into(), &0.0.into())
        );
    }

    #[test]
    fn what_is_missing_reaches_nothing() {
        let nothing = figures(&options(), &[], &[]);
        assert!(nothing.targets().iter().all(|target| !target.holds()));
    }

    #[test]
    fn what_the_program_says_is_understood() {
        assert!(matches!(said("costs 1 2 3 4 5 6 7 8.5"), Some(Said::Costs([1.0, .., 8.5]))));
        assert!(matches!(said("loads 1 2 3 4 -5"), Some(Said::Loads([1.0, .., -5.0]))));
        assert!(matches!(said("done"), Some(Said::Done)));
        assert!(said("costs 1 2").is_none() && said("loads").is_none());
    }
}
