//! What a person is told, in one line where one is enough. Colors are taken out where they are not
//! wanted.

use std::time::Duration;

use liveswap::wire::{Outcome, Reload, Session};

const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// What is known of the build that an answer is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// What was edited.
    pub(crate) what: String,
    /// From the save to the answer.
    pub(crate) total: Duration,
    /// How long cargo took.
    pub(crate) cargo: Duration,
}

/// How a reload ended, with the build that it answers if it answers one.
pub(crate) fn reloaded(reload: &Reload, edit: Option<&Edit>) -> String {
    let swap = millis(Duration::from_micros(reload.timings.total));
    let what = edit.map_or_else(String::new, |edit| format!("  {}", edit.what));
    let times = match edit {
        Some(Edit { total, cargo, .. }) => {
            // Cargo ends a moment after it has written the artifact, which is swapped in meanwhile.
            let before = total.saturating_sub(Duration::from_micros(reload.timings.total));
            let cargo = millis((*cargo).min(before));
            let total = millis(*total);
            format!("  {BOLD}{total} ms{PLAIN} {DIM}(cargo {cargo}, swap {swap}){PLAIN}")
        }
        None => format!("  {DIM}swap {swap} ms{PLAIN}"),
    };
    match &reload.outcome {
        Outcome::Swapped { generation, class, added, .. } => {
            let class = class.as_ref().map_or_else(String::new, |class| format!("  {class}"));
            let added = match added.as_slice() {
                [] => String::new(),
                added => format!("  {DIM}new: {}{PLAIN}", crate::changed::list(added)),
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
                    "\n  {}: expected {}, found {}; {}",
                    difference.item, difference.expected, difference.found, difference.remedy
                ));
            }
            text
        }
        _ => format!("an answer of a newer version than this tool{what}{times}"),
    }
}

/// A build that nobody answers.
pub(crate) fn unanswered(edit: &Edit, why: &str) -> String {
    let Edit { what, total, cargo } = edit;
    let (total, cargo) = (millis(*total), millis(*cargo));
    format!("{BOLD}built{PLAIN}  {what}  {total} ms {DIM}(cargo {cargo}){PLAIN}, but {why}")
}

/// Cargo had nothing to do.
pub(crate) fn nothing_to_build(what: &str) -> String {
    format!("{BOLD}unchanged{PLAIN}  {what}  {DIM}cargo had nothing to do{PLAIN}")
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

/// A session and what its program's runtimes say, in several lines.
pub(crate) fn session(session: &Session) -> String {
    let mut text =
        format!("{BOLD}{}{PLAIN}  cargo liveswap is process {}", session.host, session.pid);
    let mut line = |name: &str, value: String| text.push_str(&format!("\n  {name:<10}{value}"));
    line(
        "program",
        match session.program {
            Some(pid) => format!("process {pid}, started anew {} times", session.restarts),
            None => "does not run".to_owned(),
        },
    );
    line("hot", session.hot.join(", "));
    line(
        "builds",
        match &session.last_build {
            Some(last) => format!("{}, the last one {last}", session.builds),
            None => session.builds.to_string(),
        },
    );
    line("artifacts", session.artifact_directory.clone());
    line("log", session.log.clone());
    if session.status.is_empty() {
        line("runtime", "no answer: the program has none, or does not answer".to_owned());
    }
    for status in &session.status {
        let counts = format!(
            "generation {}; {} swapped, {} refused, {} unchanged, {} superseded; watching {}",
            status.generation,
            status.swapped,
            status.refused,
            status.unchanged,
            status.superseded,
            status.watching,
        );
        line(&status.hot_crate, counts);
        for generation in &status.generations {
            let mut words = format!("generation {} ({})", generation.number, generation.kind);
            if let Some(why) = &generation.retained {
                words.push_str(&format!(", retained: {why}"));
            }
            if !generation.holders.is_empty() {
                words.push_str(&format!(", held by {}", generation.holders.join("; ")));
            }
            line("", words);
        }
    }
    text
}

/// Milliseconds with as many digits as matter.
pub(crate) fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    if millis < 9.95 { format!("{millis:.1}") } else { format!("{millis:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liveswap::wire::{Difference, Timings};

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn reload(outcome: Outcome) -> Reload {
        Reload {
            hot_crate: "game".to_owned(),
            artifact: "t/libgame.so".to_owned(),
            digest: None,
            outcome,
            timings: Timings { total: 4_120, ..Timings::default() },
        }
    }

    fn edit() -> Edit {
        Edit {
            what: "tick, spawn".to_owned(),
            total: Duration::from_micros(168_400),
            cargo: Duration::from_millis(150),
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
            (swapped(None, &[]), "gen 7  tick, spawn  168 ms (cargo 150, swap 4.1)"),
            (swapped(Some("body"), &[]), "gen 7  body  tick, spawn  168 ms (cargo 150, swap 4.1)"),
            (
                swapped(None, &["game::more"]),
                "gen 7  tick, spawn  new: game::more  168 ms (cargo 150, swap 4.1)",
            ),
            (
                Outcome::Unchanged { generation: 7 },
                "gen 7  tick, spawn  unchanged, the same code  168 ms (cargo 150, swap 4.1)",
            ),
            (Outcome::Superseded, "superseded  tick, spawn, a newer artifact is there"),
            (
                refused,
                "refused at check  tick, spawn  168 ms (cargo 150, swap 4.1)\n  function \
                 `game::tick`: expected 1 argument, found 2 arguments; restart the program",
            ),
        ];
        for (outcome, expected) in table {
            assert_eq!(plain(&reloaded(&reload(outcome), Some(&edit()))), expected);
        }
        let unasked = reloaded(&reload(swapped(None, &[])), None);
        assert_eq!(plain(&unasked), "gen 7  swap 4.1 ms");
    }

    #[test]
    fn times_have_the_digits_that_matter() {
        let table = [(412, "0.4"), (4_120, "4.1"), (9_949, "9.9"), (9_951, "10"), (168_400, "168")];
        for (micros, expected) in table {
            assert_eq!(millis(Duration::from_micros(micros)), expected);
        }
    }
}
