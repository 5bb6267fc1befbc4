//! What was left of a hostile run.

use std::collections::BTreeSet;

use serde::Serialize;

use super::callers::Holds;
use crate::report::{Report, Table, Target};

/// What was left, in the moment of rest after the last artifact.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Hostile {
    /// Good artifacts, each of which was swapped in.
    pub(crate) swaps: u32,
    /// Bad ones, each of which was refused at its step.
    pub(crate) bad: u32,
    pub(crate) seed: u64,
    /// Artifacts before the first look at memory, descriptors and threads.
    pub(crate) warm_up: u32,
    /// Results of versions that were not current during the call, or not the pinned one.
    pub(crate) wrong: u64,
    pub(crate) rss_growth_kib: i64,
    /// Stages mapped in the end.
    pub(crate) images_mapped: usize,
    /// Stages mapped at once, at most.
    pub(crate) images_mapped_most: usize,
    pub(crate) fd_growth: i64,
    pub(crate) thread_growth: i64,
    /// Files of stages that outlived their generation or the runtime.
    pub(crate) stages_left: usize,
    /// How often a generation that nothing held was kept, for the time being or for ever, and the reasons.
    pub(crate) retained: usize,
    pub(crate) retained_because: BTreeSet<String>,
    pub(crate) holds: Holds,
    pub(crate) calls: u64,
    pub(crate) rss_kib: i64,
    pub(crate) seconds: f64,
}

impl Report for Hostile {
    fn table(&self) -> Table {
        let rows = [
            ("swaps", self.swaps.to_string()),
            ("bad artifacts", self.bad.to_string()),
            ("calls", self.calls.to_string()),
            ("wrong results", self.wrong.to_string()),
            ("memory, KiB", self.rss_kib.to_string()),
            ("growth after the warm-up, KiB", self.rss_growth_kib.to_string()),
            ("images mapped in the end", self.images_mapped.to_string()),
            ("images mapped at once", self.images_mapped_most.to_string()),
            ("growth of descriptors", self.fd_growth.to_string()),
            ("growth of threads", self.thread_growth.to_string()),
            ("stages left", self.stages_left.to_string()),
            ("times retained", self.retained.to_string()),
            ("seconds", format!("{:.1}", self.seconds)),
        ];
        let table = Table::new(["soak --hostile", ""]);
        let rows = rows.into_iter().map(|(what, found)| [what.to_owned(), found]);
        let holds = self.holds.rows().map(|(what, count)| [what.to_owned(), count.to_string()]);
        rows.chain(holds).fold(table, Table::row)
    }

    fn targets(&self) -> Vec<Target> {
        vec![
            Target::at_most("wrong results", self.wrong as f64, 0.0),
            Target::at_most("KiB of growth", self.rss_growth_kib as f64, 4095.0),
            Target::at_most("images mapped in the end", self.images_mapped as f64, 1.0),
            Target::at_most("growth of descriptors", self.fd_growth as f64, 0.0),
            Target::at_most("growth of threads", self.thread_growth as f64, 0.0),
            Target::at_most("stages left", self.stages_left as f64, 0.0),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Hostile {
        Hostile { images_mapped: 1, rss_growth_kib: -4, ..Hostile::default() }
    }

    #[test]
    fn each_leak_misses_its_own_target() {
        let missed = |figures: &Hostile| -> Vec<usize> {
            let targets = figures.targets();
            (0..targets.len()).filter(|index| !targets[*index].holds()).collect()
        };
        assert!(missed(&figures()).is_empty());
        assert_eq!(missed(&Hostile { wrong: 1, ..figures() }), [0]);
        assert_eq!(missed(&Hostile { rss_growth_kib: 4096, ..figures() }), [1]);
        assert_eq!(missed(&Hostile { images_mapped: 2, ..figures() }), [2]);
        assert_eq!(missed(&Hostile { fd_growth: 1, ..figures() }), [3]);
        assert_eq!(missed(&Hostile { thread_growth: 1, ..figures() }), [4]);
        assert_eq!(missed(&Hostile { stages_left: 1, ..figures() }), [5]);
    }
}
