//! Where the time of one edit went, step by step.

use liveswap::wire;
use serde::{Serialize, Serializer};

use crate::statistics::{median, rounded};

/// Milliseconds by the name of the step, in the order in which they come.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Steps(Vec<(&'static str, f64)>);

impl Steps {
    /// What a session of `cargo liveswap run` tells of its last edit.
    pub(crate) fn of_edit(edit: &wire::Steps) -> Steps {
        let steps = [
            ("noticed", edit.noticed),
            ("waited", edit.waited),
            ("captured", edit.captured),
            ("dependencies", edit.dependencies),
            ("compiled", edit.compiled),
            ("linked", edit.linked),
            ("published", edit.published),
            ("settled", edit.reload.settle),
            ("staged", edit.reload.stage),
            ("verified", edit.reload.verify),
            ("loaded", edit.reload.load),
            ("checked", edit.reload.check),
            ("swapped", edit.reload.swap),
        ];
        Steps(steps.map(|(name, micros)| (name, micros as f64 / 1000.0)).into())
    }

    /// The median of each step.
    pub(crate) fn medians(all: &[Steps]) -> Steps {
        let names = all.first().map_or(&[][..], |steps| &steps.0).iter().map(|&(name, _)| name);
        let of = |name| {
            let steps = all.iter().flat_map(|steps| &steps.0);
            let samples = steps.filter(|(other, _)| *other == name).map(|&(_, millis)| millis);
            rounded(median(&samples.collect::<Vec<_>>()), 2)
        };
        Steps(names.map(|name| (name, of(name))).collect())
    }

    /// Names and milliseconds.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.0.iter().copied()
    }
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(compiled: u64, swapped: u64) -> Steps {
        let reload = wire::Timings { swap: swapped, ..Default::default() };
        Steps::of_edit(&wire::Steps { compiled, reload, ..Default::default() })
    }

    #[test]
    fn microseconds_become_milliseconds_in_the_order_of_the_steps() {
        let steps: Vec<_> = edit(120_500, 400).iter().collect();
        assert_eq!((steps[0].0, steps[4]), ("noticed", ("compiled", 120.5)));
        assert_eq!(steps.last(), Some(&("swapped", 0.4)));
        let json = serde_json::to_value(edit(120_500, 400)).unwrap();
        assert_eq!(json["compiled"], 120.5);
    }

    #[test]
    fn each_step_has_its_own_median() {
        let all = [edit(1000, 9), edit(3000, 5), edit(2000, 7)];
        let medians: Vec<_> = Steps::medians(&all).iter().collect();
        assert_eq!((medians[4], medians[12]), (("compiled", 2.0), ("swapped", 0.01)));
        assert_eq!(Steps::medians(&[]), Steps::default());
    }
}
