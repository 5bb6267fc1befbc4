//! Where the time of one edit went, step by step.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::statistics::{median, rounded};

/// Milliseconds by the name of the step.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Steps(BTreeMap<String, f64>);

impl Steps {
    /// What a host reports: names and microseconds, `settle 120 stage 80`.
    pub(crate) fn of_host(words: &str) -> Steps {
        let words: Vec<&str> = words.split_whitespace().collect();
        let pairs = words.chunks_exact(2);
        let steps = pairs.filter_map(|pair| {
            let micros: f64 = pair[1].parse().ok()?;
            Some((pair[0].to_owned(), micros / 1000.0))
        });
        Steps(steps.collect())
    }

    /// What `cargo liveswap` says of a swap: `gen 7  tick  168 ms (rustc 130, link 20, swap 0.4)`.
    ///
    /// The `168` is its own count from the notice of the save to the answer; `None` for any other line.
    pub(crate) fn of_line(line: &str) -> Option<Steps> {
        let line = plain(line);
        let rest = line.strip_prefix("gen ")?;
        let (before, steps) = rest.trim_end().strip_suffix(')')?.rsplit_once('(')?;
        let total = before.trim_end().strip_suffix("ms")?.split_whitespace().last()?;
        let mut all = BTreeMap::from([("total".to_owned(), total.parse().ok()?)]);
        for step in steps.split(',') {
            let (name, millis) = step.trim().rsplit_once(' ')?;
            all.insert(name.to_owned(), millis.parse().ok()?);
        }
        Some(Steps(all))
    }

    /// Those of `other` too, under names with `prefix`.
    pub(crate) fn and(mut self, prefix: &str, other: Steps) -> Steps {
        self.0
            .extend(other.0.into_iter().map(|(name, millis)| (format!("{prefix}{name}"), millis)));
        self
    }

    /// The median of each step.
    pub(crate) fn medians(all: &[Steps]) -> Steps {
        let mut samples: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (name, millis) in all.iter().flat_map(|steps| &steps.0) {
            samples.entry(name).or_default().push(*millis);
        }
        let medians = samples.into_iter();
        Steps(medians.map(|(name, all)| (name.to_owned(), rounded(median(&all), 2))).collect())
    }

    /// Names and milliseconds.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, millis)| (name.as_str(), *millis))
    }
}

/// Without what colors a line in a terminal.
fn plain(line: &str) -> String {
    let mut plain = String::new();
    let mut parts = line.split("\x1b[");
    plain.extend(parts.next());
    plain.extend(parts.filter_map(|part| part.split_once('m').map(|(_, text)| text)));
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(pairs: &[(&str, f64)]) -> Steps {
        Steps(pairs.iter().map(|&(name, millis)| (name.to_owned(), millis)).collect())
    }

    #[test]
    fn microseconds_of_a_host_become_milliseconds() {
        assert_eq!(
            Steps::of_host("settle 120 load 80 swap"),
            steps(&[("settle", 0.12), ("load", 0.08)])
        );
        assert_eq!(Steps::of_host(""), Steps::default());
    }

    #[test]
    fn the_line_of_a_swap_is_understood_and_others_are_not() {
        let found = Steps::of_line(
            "\x1b[1m\x1b[32mgen 7\x1b[0m  body  tick, spawn  \x1b[1m168 ms\x1b[0m \
             \x1b[2m(rustc 130, link 20, swap 0.4)\x1b[0m",
        );
        let expected = [("total", 168.0), ("rustc", 130.0), ("link", 20.0), ("swap", 0.4)];
        assert_eq!(found, Some(steps(&expected)));
        for line in ["", "gen 7  swap 4.1 ms", "value 7", "gen 7 (x)", "note (a 1, b 2)"] {
            assert_eq!(Steps::of_line(line), None, "{line}");
        }
    }

    #[test]
    fn each_step_has_its_own_median() {
        let all = [steps(&[("a", 1.0), ("b", 5.0)]), steps(&[("a", 3.0)]), steps(&[("a", 2.0)])];
        assert_eq!(Steps::medians(&all), steps(&[("a", 2.0), ("b", 5.0)]));
        let joined = steps(&[("a", 1.0)]).and("host ", steps(&[("b", 2.0)]));
        assert_eq!(joined, steps(&[("a", 1.0), ("host b", 2.0)]));
    }
}
