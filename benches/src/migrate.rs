//! `migrate`: carrying a large state over to a generation with another layout, beside writing and reading it alone.
//!
//! Both in one process, with the same values, code and format, in turns.

use serde::Serialize;

use crate::error::Error;
use crate::host::Host;
use crate::report::{Report, Table, Target};
use crate::statistics::{median, rounded};

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// How large the state is, in megabytes as it is written.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    megabytes: u64,
    /// Rounds, of each one swap.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// The medians.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    migrate_ms: f64,
    serde_ms: f64,
    paused_ms: f64,
    records: u64,
    state_bytes: usize,
    rounds: u32,
}

/// Measures.
pub(crate) fn run(options: &Options) -> Result<Figures, Error> {
    let host = Host::start()?;
    let failed = |error: liveswap::StateError| Error::State { words: error.to_string() };
    let small = bench_hot::records::new_records(SAMPLE);
    let (_, sample) = bench_hot::records::serde_alone(&small).map_err(failed)?;
    drop(small);
    let records = options.megabytes * 1_000_000 * SAMPLE / sample as u64;
    let state = bench_hot::records::new_records(records);
    let (mut migrate, mut serde, mut paused) = (Vec::new(), Vec::new(), Vec::new());
    let mut state_bytes = 0;
    for version in 1..=u64::from(options.rounds) {
        let (alone, bytes) = bench_hot::records::serde_alone(&state).map_err(failed)?;
        state_bytes = bytes;
        serde.push(alone.as_secs_f64() * 1000.0);
        let reload = host.swap_to(version)?;
        migrate.push(reload.timings.migrate.as_secs_f64() * 1000.0);
        paused.push(reload.timings.paused.as_secs_f64() * 1000.0);
        if !bench_hot::records::are_whole(&state).map_err(failed)? {
            return Err(Error::State { words: "the records are not what they were".to_owned() });
        }
    }
    let [migrate_ms, serde_ms, paused_ms] =
        [migrate, serde, paused].map(|all| rounded(median(&all), 1));
    Ok(Figures { migrate_ms, serde_ms, paused_ms, records, state_bytes, rounds: options.rounds })
}

/// How many records tell how large one is.
const SAMPLE: u64 = 10_000;

impl Report for Figures {
    fn table(&self) -> Table {
        let shown = |milliseconds: f64| format!("{milliseconds:.1} ms");
        Table::new(["state", "median"])
            .row(["written and read alone".to_owned(), shown(self.serde_ms)])
            .row(["carried over by a swap".to_owned(), shown(self.migrate_ms)])
            .row(["nobody could open it for".to_owned(), shown(self.paused_ms)])
            .row(["bytes, as written".to_owned(), self.state_bytes.to_string()])
            .row(["records".to_owned(), self.records.to_string()])
    }

    fn targets(&self) -> Vec<Target> {
        vec![Target::at_most("migrate / serde", self.migrate_ms / self.serde_ms, 3.0)]
    }
}
