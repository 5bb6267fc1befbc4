//! What was found: medians, their ratios, and where Liveswap's time went.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::edit_to_live::hot_crate::Which;
use crate::edit_to_live::steps::Steps;
use crate::edit_to_live::subject::Key;
use crate::report::{Report, Table, Target};
use crate::statistics::{median, rounded};

/// What the edits of one of those that are compared took.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Samples {
    millis: Vec<f64>,
    steps: Vec<Steps>,
    /// Edits that never arrived.
    pub(crate) lost: u32,
}

/// Medians in milliseconds; `null` for what was not measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    #[serde(rename = "crate")]
    which: Which,
    /// Edits that were asked for, of each.
    edits: u32,
    liveswap: Option<f64>,
    rustc_floor: Option<f64>,
    cargo_build: Option<f64>,
    hot_lib_reloader_default: Option<f64>,
    hot_lib_reloader_best: Option<f64>,
    dx: Option<f64>,
    /// Medians of Liveswap's steps, as `cargo liveswap status` tells them.
    steps: Steps,
    /// `liveswap` divided by each of the others, as `to_dx`.
    ratios: BTreeMap<String, f64>,
    /// The fastest and the slowest edit of each, as `of_dx`.
    ranges: BTreeMap<String, [f64; 2]>,
    /// How many edits never arrived, as `of_dx`, and are not counted; of those that lost any.
    lost: BTreeMap<String, u32>,
}

impl Samples {
    /// Adds what one edit took.
    pub(crate) fn add(&mut self, took: Duration, steps: Steps) {
        self.millis.push(took.as_secs_f64() * 1000.0);
        self.steps.push(steps);
    }

    fn median(&self) -> Option<f64> {
        (!self.millis.is_empty()).then(|| rounded(median(&self.millis), 1))
    }

    fn range(&self) -> Option<[f64; 2]> {
        let least = self.millis.iter().copied().min_by(f64::total_cmp)?;
        let most = self.millis.iter().copied().max_by(f64::total_cmp)?;
        Some([least, most].map(|millis| rounded(millis, 1)))
    }
}

/// The name under which the figures have it.
pub(crate) fn name(key: Key) -> &'static str {
    match key {
        Key::Liveswap => "liveswap",
        Key::RustcFloor => "rustc_floor",
        Key::CargoBuild => "cargo_build",
        Key::HotLibReloaderDefault => "hot_lib_reloader_default",
        Key::HotLibReloaderBest => "hot_lib_reloader_best",
        Key::Dx => "dx",
    }
}

impl Figures {
    pub(crate) fn new(which: Which, edits: u32, all: BTreeMap<Key, Samples>) -> Figures {
        let of = |key: Key| all.get(&key).and_then(Samples::median);
        let liveswap = of(Key::Liveswap);
        let others = Key::value_variants().iter().filter(|&&key| key != Key::Liveswap);
        let ratios = others.filter_map(|&key| {
            Some((format!("to_{}", name(key)), rounded(liveswap? / of(key)?, 3)))
        });
        let steps = all.get(&Key::Liveswap).map(|samples| Steps::medians(&samples.steps));
        let named = |key: Key| format!("of_{}", name(key));
        let ranges = all.iter().filter_map(|(&key, it)| Some((named(key), it.range()?)));
        let lost = all.iter().filter(|(_, it)| it.lost > 0).map(|(&key, it)| (named(key), it.lost));
        Figures {
            which,
            edits,
            liveswap,
            rustc_floor: of(Key::RustcFloor),
            cargo_build: of(Key::CargoBuild),
            hot_lib_reloader_default: of(Key::HotLibReloaderDefault),
            hot_lib_reloader_best: of(Key::HotLibReloaderBest),
            dx: of(Key::Dx),
            steps: steps.unwrap_or_default(),
            ratios: ratios.collect(),
            ranges: ranges.collect(),
            lost: lost.collect(),
        }
    }

    fn rows(&self) -> [(&'static str, Option<f64>); 6] {
        [
            ("liveswap", self.liveswap),
            ("rustc_floor", self.rustc_floor),
            ("cargo_build", self.cargo_build),
            ("hot_lib_reloader_default", self.hot_lib_reloader_default),
            ("hot_lib_reloader_best", self.hot_lib_reloader_best),
            ("dx", self.dx),
        ]
    }
}

impl Report for Figures {
    fn table(&self) -> Table {
        let millis = |millis: f64| format!("{millis:.1}");
        let heading = format!("medians, {}", self.which.name());
        let mut table = Table::new([&heading, "ms", "from", "to", "liveswap / it"]);
        for (name, found) in self.rows() {
            let range = self.ranges.get(&format!("of_{name}")).map(|range| range.map(millis));
            let [least, most] = range.unwrap_or_default();
            let ratio = self.ratios.get(&format!("to_{name}")).map(|ratio| format!("{ratio:.2}"));
            let found = found.map_or("-".to_owned(), millis);
            table = table.row([name.to_owned(), found, least, most, ratio.unwrap_or_default()]);
            if name == "liveswap" {
                for (step, took) in self.steps.iter() {
                    let took = format!("{took:.1}");
                    table = table.row([
                        format!("  {step}"),
                        took,
                        String::new(),
                        String::new(),
                        String::new(),
                    ]);
                }
            }
        }
        table
    }

    fn targets(&self) -> Vec<Target> {
        let Some(live) = self.liveswap else { return Vec::new() };
        let limits = [
            ("liveswap / hot_lib_reloader_default", self.hot_lib_reloader_default, 0.15),
            ("liveswap / hot_lib_reloader_best", self.hot_lib_reloader_best, 0.35),
            ("liveswap / dx", self.dx, 0.75),
        ];
        let floor = self.rustc_floor.map(|floor| {
            Target::at_most("(liveswap - 15 ms) / rustc_floor", (live - 15.0) / floor, 1.15)
        });
        let ratios = limits.iter().filter_map(|(what, other, limit)| {
            Some(Target::at_most(what, live / (*other)?, *limit))
        });
        floor.into_iter().chain(ratios).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liveswap::wire;

    fn figures(medians: &[(Key, f64)]) -> Figures {
        let samples = medians.iter().map(|&(key, millis)| {
            let mut samples = Samples::default();
            for millis in [millis * 2.0, millis, millis / 2.0] {
                let edit = wire::Steps { linked: 500, ..Default::default() };
                samples.add(Duration::from_secs_f64(millis / 1000.0), Steps::of_edit(&edit));
            }
            (key, samples)
        });
        Figures::new(Which::Deps, 3, samples.collect())
    }

    const ALL: [(Key, f64); 6] = [
        (Key::Liveswap, 130.0),
        (Key::RustcFloor, 100.0),
        (Key::CargoBuild, 300.0),
        (Key::HotLibReloaderDefault, 1300.0),
        (Key::HotLibReloaderBest, 400.0),
        (Key::Dx, 200.0),
    ];

    #[test]
    fn the_keys_are_those_that_are_promised() {
        let json = serde_json::to_value(figures(&ALL)).unwrap();
        for (key, millis) in ALL {
            assert_eq!(json[name(key)], millis, "{json}");
        }
        assert_eq!(json["steps"]["linked"], 0.5);
        assert_eq!((&json["edits"], &json["crate"]), (&3.into(), &"deps".into()));
        assert_eq!(json["ratios"]["to_dx"], 0.65);
        assert_eq!(json["ranges"]["of_dx"], serde_json::json!([100.0, 400.0]));
        assert_eq!(json["lost"], serde_json::json!({}));
        let json = serde_json::to_value(figures(&ALL[..2])).unwrap();
        assert!(json["dx"].is_null() && json["hot_lib_reloader_best"].is_null(), "{json}");
    }

    #[test]
    fn each_of_those_that_were_measured_is_a_target() {
        let holds = |all: &[(Key, f64)]| -> Vec<bool> {
            figures(all).targets().iter().map(Target::holds).collect()
        };
        assert_eq!(holds(&ALL), [true; 4]);
        assert_eq!(holds(&ALL[..2]), [true]);
        assert_eq!(holds(&[(Key::Liveswap, 131.0), ALL[1]]), [false]);
        let slower =
            ALL.map(|(key, millis)| (key, if key == Key::Liveswap { 201.0 } else { millis }));
        assert_eq!(holds(&slower), [false; 4]);
    }

    #[test]
    fn the_names_are_those_of_the_command_line() {
        for key in Key::value_variants() {
            assert_eq!(
                key.to_possible_value().map(|it| it.get_name().to_owned()).as_deref(),
                Some(name(*key))
            );
        }
    }
}
