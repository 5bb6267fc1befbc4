//! What a person is told, in one line where one is enough. Colors are taken out where they are not
//! wanted.

use std::path::Path;
use std::time::{Duration, Instant};

use liveswap::wire::{Outcome, Reload, Steps};
use liveswap_builder::Timings;

use crate::build::Product;
use crate::changed;

pub(crate) const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
pub(crate) const PLAIN: &str = "\x1b[0m";

/// What is known of the build that an answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Edit {
    /// What was edited.
    pub(crate) what: String,
    /// From the save to the answer.
    pub(crate) total: Duration,
    /// From the save to the start of the build.
    pub(crate) noticed: Duration,
    /// The builder's steps.
    pub(crate) build: Timings,
    /// Packages that were built again for it.
    pub(crate) rebuilt: Vec<String>,
}

impl Edit {
    /// What artifacts that were built together are about; nothing if there are none.
    pub(crate) fn of(
        what: String,
        since: Instant,
        noticed: Duration,
        artifacts: &[Product],
    ) -> Option<Edit> {
        let total = since.elapsed();
        let mut edit = Edit { what, total, noticed, ..Edit::default() };
        for Product { outcome, .. } in artifacts {
            let (sum, part) = (&mut edit.build, &outcome.timings);
            sum.waited += part.waited;
            sum.checked_freshness += part.checked_freshness;
            sum.captured += part.captured;
            sum.dependencies += part.dependencies;
            sum.compiled += part.compiled;
            sum.linked += part.linked;
            sum.published += part.published;
            edit.rebuilt.extend(outcome.rebuilt.iter().cloned());
        }
        (!artifacts.is_empty()).then_some(edit)
    }

    /// The steps of an edit that `reload` answers.
    pub(crate) fn steps(&self, reload: &Reload) -> Steps {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let outcome = match &reload.outcome {
            Outcome::Swapped { .. } => "swapped",
            Outcome::Unchanged { .. } => "unchanged",
            Outcome::Refused { .. } => "refused",
            _ => "superseded",
        };
        Steps {
            what: self.what.clone(),
            outcome: outcome.to_owned(),
            noticed: micros(self.noticed),
            waited: micros(self.build.waited),
            captured: micros(self.build.captured),
            dependencies: micros(self.build.dependencies),
            compiled: micros(self.build.compiled),
            linked: micros(self.build.linked),
            published: micros(self.build.published),
            reload: reload.timings,
            total: micros(self.total),
        }
    }

    /// The longer steps of the build, those of every build last.
    fn parts(&self) -> Vec<String> {
        let Timings { captured, dependencies, compiled, linked, .. } = self.build;
        let mut parts = Vec::new();
        if !captured.is_zero() {
            parts.push(format!("cargo {}", millis(captured)));
        }
        if !self.rebuilt.is_empty() {
            parts.push(format!("{} {}", changed::list(&self.rebuilt), millis(dependencies)));
        }
        parts.push(format!("rustc {}", millis(compiled)));
        parts.push(format!("link {}", millis(linked)));
        parts
    }
}

/// How a reload ended, with the build that it answers if it answers one.
pub(crate) fn reloaded(reload: &Reload, edit: Option<&Edit>) -> String {
    let what = edit.map_or_else(String::new, |edit| edit.what.clone());
    ended(reload, &what, edit)
}

/// How a reload ended whose build was not waited for to its end, with what was edited.
pub(crate) fn reloaded_early(reload: &Reload, what: &str) -> String {
    // What has a cause of its own, a rollback for one, answers no build.
    let what = if reload.cause.is_none() { what } else { "" };
    ended(reload, what, None)
}

fn ended(reload: &Reload, what: &str, edit: Option<&Edit>) -> String {
    let swap = millis(Duration::from_micros(reload.timings.total));
    let cause = reload.cause.as_ref().map_or_else(String::new, |cause| format!("  {cause}"));
    let what = if what.is_empty() { cause } else { format!("  {what}{cause}") };
    let times = match edit {
        Some(edit) => {
            let (total, parts) = (millis(edit.total), edit.parts().join(", "));
            format!("  {BOLD}{total} ms{PLAIN} {DIM}({parts}, swap {swap}){PLAIN}")
        }
        None => format!("  {DIM}swap {swap} ms{PLAIN}"),
    };
    match &reload.outcome {
        Outcome::Swapped { generation, class, added, .. } => {
            let class = class.as_ref().map_or_else(String::new, |class| format!("  {class}"));
            let added = match added.as_slice() {
                [] => String::new(),
                added => format!("  {DIM}new: {}{PLAIN}", changed::list(added)),
            };
            format!("{BOLD}{GREEN}gen {generation}{PLAIN}{class}{what}{added}{times}")
        }
        Outcome::Unchanged { generation } => {
            format!("{BOLD}gen {generation}{PLAIN}{what}  unchanged, the same code{times}")
        }
        Outcome::Superseded => format!("{DIM}superseded{what}, a newer artifact is there{PLAIN}"),
        Outcome::Refused { step, differences } => {
            let mut text = format!("{BOLD}{RED}refused at {step}{PLAIN}{what}{times}");
            for difference in differences {
                text.push_str(&format!(
                    "\n  {}: {} -> {}; {}",
                    difference.item, difference.expected, difference.found, difference.remedy
                ));
            }
            text
        }
        _ => format!("an answer of a newer version than this tool{what}{times}"),
    }
}

/// Every step of an edit, in milliseconds, for the log.
pub(crate) fn steps(steps: &Steps) -> String {
    let of = |name: &str, micros: u64| format!("{name} {}", millis(Duration::from_micros(micros)));
    [
        of("noticed", steps.noticed),
        of("waited", steps.waited),
        of("captured", steps.captured),
        of("dependencies", steps.dependencies),
        of("compiled", steps.compiled),
        of("linked", steps.linked),
        of("published", steps.published),
        of("settled", steps.reload.settle),
        of("staged", steps.reload.stage),
        of("verified", steps.reload.verify),
        of("loaded", steps.reload.load),
        of("checked", steps.reload.check),
        of("swapped", steps.reload.swap),
    ]
    .join(", ")
}

/// A build that nobody answers.
pub(crate) fn unanswered(edit: &Edit, why: &str) -> String {
    let (what, total, parts) = (&edit.what, millis(edit.total), edit.parts().join(", "));
    format!("{BOLD}built{PLAIN}  {what}  {total} ms {DIM}({parts}){PLAIN}, but {why}")
}

/// The same artifact came out.
pub(crate) fn unchanged(edit: &Edit) -> String {
    let (what, total, parts) = (&edit.what, millis(edit.total), edit.parts().join(", "));
    let (why, parts) = match edit.build.compiled.is_zero() {
        true => ("nothing to compile", String::new()),
        false => ("the same code came out", format!(" {DIM}({parts}){PLAIN}")),
    };
    format!("{BOLD}unchanged{PLAIN}  {what}  {why}  {total} ms{parts}")
}

/// The same program came out.
pub(crate) fn the_same_program(what: &str) -> String {
    format!("{BOLD}unchanged{PLAIN}  {what}  the same program came out; it goes on")
}

/// A line of cargo's progress, in cargo's own colors.
pub(crate) fn progress(line: &str) -> String {
    let at = line.len() - line.trim_start().len();
    match line[at..].split_once(' ') {
        Some((verb, rest)) if at > 0 && verb.starts_with(|letter: char| letter.is_uppercase()) => {
            format!("{}{BOLD}{GREEN}{verb}{PLAIN} {rest}", &line[..at])
        }
        _ => line.to_owned(),
    }
}

/// A text with the paths in it shown from the workspace's root.
pub(crate) fn shown_below(text: &str, workspace: &Path) -> String {
    text.replace(&format!("{}/", workspace.display()), "")
}

/// What is wrong, where neither cargo nor the compiler has said it.
pub(crate) fn words(error: &liveswap_builder::Error) -> String {
    use liveswap_builder::Error;
    let more = match error {
        Error::Cargo { words } | Error::Compile { words, .. } | Error::Link { words, .. } => words,
        _ => "",
    };
    let text = crate::error::chain(error);
    if more.trim().is_empty() { text } else { format!("{text}\n{}", more.trim_end()) }
}

/// Something that is as it should be.
pub(crate) fn good(text: &str) -> String {
    format!("{BOLD}{GREEN}{text}{PLAIN}")
}

/// Something that a person should know.
pub(crate) fn notable(word: &str, text: &str) -> String {
    format!("{BOLD}{YELLOW}{word}{PLAIN}  {text}")
}

/// Something that went wrong.
pub(crate) fn bad(word: &str, text: &str) -> String {
    format!("{BOLD}{RED}{word}{PLAIN}  {text}")
}

/// How many warnings there are, for the end of a line; nothing if there are none.
pub(crate) fn warnings(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => format!("  {YELLOW}1 warning{PLAIN}"),
        count => format!("  {YELLOW}{count} warnings{PLAIN}"),
    }
}

/// Milliseconds with as many digits as matter.
pub(crate) fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    if millis < 9.95 { format!("{millis:.1}") } else { format!("{millis:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liveswap::wire::{self, Difference};

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn reload(outcome: Outcome) -> Reload {
        Reload {
            hot_crate: "game".to_owned(),
            artifact: "t/libgame.so".to_owned(),
            digest: None,
            signed: None,
            outcome,
            cause: None,
            timings: wire::Timings { total: 4_120, ..wire::Timings::default() },
        }
    }

    fn edit() -> Edit {
        Edit {
            what: "tick, spawn".to_owned(),
            total: Duration::from_micros(168_400),
            build: Timings {
                compiled: Duration::from_millis(130),
                linked: Duration::from_millis(20),
                ..Timings::default()
            },
            ..Edit::default()
        }
    }

    #[test]
    fn every_outcome_has_its_line() {
        let swapped = |class: Option<&str>, added: &[&str]| Outcome::Swapped {
            generation: 7,
            kind: "standalone".to_owned(),
            class: class.map(str::to_owned),
            added: added.iter().map(|&name| name.to_owned()).collect(),
        };
        let refused = Outcome::Refused {
            step: "check".to_owned(),
            differences: vec![Difference {
                item: "function `game::tick`".to_owned(),
                expected: "1 argument".to_owned(),
                found: "2 arguments".to_owned(),
                remedy: "restart the program".to_owned(),
            }],
        };
        let table = [
            (swapped(None, &[]), "gen 7  tick, spawn  168 ms (rustc 130, link 20, swap 4.1)"),
            (
                swapped(Some("body"), &[]),
                "gen 7  body  tick, spawn  168 ms (rustc 130, link 20, swap 4.1)",
            ),
            (
                swapped(None, &["game::more"]),
                "gen 7  tick, spawn  new: game::more  168 ms (rustc 130, link 20, swap 4.1)",
            ),
            (
                Outcome::Unchanged { generation: 7 },
                "gen 7  tick, spawn  unchanged, the same code  168 ms (rustc 130, link 20, swap 4.1)",
            ),
            (Outcome::Superseded, "superseded  tick, spawn, a newer artifact is there"),
            (
                refused,
                "refused at check  tick, spawn  168 ms (rustc 130, link 20, swap 4.1)\n  function \
                 `game::tick`: 1 argument -> 2 arguments; restart the program",
            ),
        ];
        for (outcome, expected) in table {
            assert_eq!(plain(&reloaded(&reload(outcome), Some(&edit()))), expected);
        }
        let mut back = reload(swapped(None, &[]));
        back.cause = Some("generation 2 was asked for".to_owned());
        let asked = "gen 7  generation 2 was asked for  swap 4.1 ms";
        assert_eq!(plain(&reloaded(&back, None)), asked);
        assert_eq!(plain(&reloaded_early(&back, "tick")), asked);
        let unasked = reloaded(&reload(swapped(None, &[])), None);
        assert_eq!(plain(&unasked), "gen 7  swap 4.1 ms");
        let early = reloaded_early(&reload(swapped(None, &[])), "tick, spawn");
        assert_eq!(plain(&early), "gen 7  tick, spawn  swap 4.1 ms");
    }

    #[test]
    fn times_have_the_digits_that_matter() {
        let table = [(412, "0.4"), (4_120, "4.1"), (9_949, "9.9"), (9_951, "10"), (168_400, "168")];
        for (micros, expected) in table {
            assert_eq!(millis(Duration::from_micros(micros)), expected);
        }
    }
}
