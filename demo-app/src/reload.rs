//! Everything the demo has to do with swapping its hot crate.

use std::fmt::Write as _;
use std::time::Duration;

use liveswap::event::Timings;
use liveswap::{Cause, EditClass, Event, Events, Outcome, Runtime};

/// What the status line says about swaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReloadStatus {
    /// The generation that calls go to; 0 is the code linked into this program.
    pub(crate) generation: u64,
    /// The last swap's timings, such as `4.1 ms (stage 1.2 load 0.8)`.
    pub(crate) last_swap: Option<String>,
    /// The last edit as `cargo liveswap` tells it, such as `tick  168 ms (rustc 130, link 20, swap 0.4)`.
    pub(crate) last_edit: Option<String>,
    /// The last refusal or compile error, until a swap makes it good.
    pub(crate) last_problem: Option<String>,
    /// The same in full.
    pub(crate) details: Option<String>,
    /// The problem is that the sources do not compile.
    does_not_compile: bool,
}

/// The demo's side of swapping: what happened, as far as this program knows.
#[derive(Debug, Default)]
pub(crate) struct Reload {
    runtime: Option<Runtime>,
    events: Option<Events>,
    status: ReloadStatus,
}

impl Reload {
    /// Starts with the code that is linked into this program and takes up every new version of it.
    ///
    /// The game can be played without: where the runtime cannot start, the status line says why.
    pub(crate) fn start(owns_terminal: bool) -> Self {
        let builder = Runtime::builder(reloadable_logic::hot_crate()).owns_terminal(owns_terminal);
        let mut reload = Self::default();
        match builder.start() {
            Ok(runtime) => {
                reload.events = Some(runtime.events());
                reload.runtime = Some(runtime);
            }
            Err(error) => reload.status.last_problem = Some(error.to_string()),
        }
        reload
    }

    /// Goes back to the code before the one that runs; how that ended is told like every swap.
    pub(crate) fn back(&mut self) {
        let Some(runtime) = &self.runtime else { return };
        if let Err(error) = runtime.rollback() {
            self.status.last_problem = Some(error.to_string());
        }
    }

    /// Takes note of what happened since the last frame.
    pub(crate) fn poll(&mut self) {
        let Some(events) = &self.events else { return };
        while let Some(event) = events.try_next() {
            self.status.note(event);
        }
        if let Some(runtime) = &self.runtime {
            self.status.generation = runtime.generation();
        }
    }

    /// Returns what the status line says.
    pub(crate) fn status(&self) -> &ReloadStatus {
        &self.status
    }

    #[cfg(test)]
    pub(crate) fn status_mut(&mut self) -> &mut ReloadStatus {
        &mut self.status
    }
}

impl ReloadStatus {
    fn note(&mut self, event: Event) {
        match event {
            Event::Reloaded(reload) => match reload.outcome {
                Outcome::Swapped { class, .. } => {
                    let back = match reload.cause {
                        Cause::Activated { of } => format!("back to gen {of} in "),
                        _ => String::new(),
                    };
                    // How long the world could not be opened.
                    let paused = reload.timings.paused.as_secs_f64() * 1e3;
                    let carried = match class {
                        EditClass::Migrates => format!(", world carried over in {paused:.1} ms"),
                        _ => String::new(),
                    };
                    self.last_swap = Some(back + &spent(&reload.timings) + &carried);
                    self.last_edit = None;
                    self.solved();
                }
                Outcome::Unchanged { .. } => self.solved(),
                Outcome::Refused(refusal) => {
                    let reasons = refusal.differences.iter().map(ToString::to_string);
                    let reasons: Vec<String> = reasons.collect();
                    let details =
                        format!("refused at {}\n\n{}", refusal.step, reasons.join("\n\n"));
                    self.details = Some(details);
                    self.last_problem = Some(refusal.to_string());
                    self.does_not_compile = false;
                }
                Outcome::Superseded => {}
            },
            Event::BuildFailed { rendered } => {
                self.last_problem = Some(first_error(&rendered));
                self.details = Some(rendered);
                self.does_not_compile = true;
            }
            Event::WithoutEffect { item, why, remedy } => {
                self.last_problem = Some(format!("no effect: `{item}`; {remedy}"));
                self.details = Some(format!("`{item}` is {why}\n\n{remedy}"));
            }
            // What was taken back compiles, and brings no other code.
            Event::BuildFinished if self.does_not_compile => self.solved(),
            Event::Line { text } => {
                let edit = text.strip_prefix("gen ").and_then(|rest| rest.split_once("  "));
                self.last_edit = edit.map(|(_, edit)| edit.to_owned()).or(self.last_edit.take());
            }
            _ => {}
        }
    }

    fn solved(&mut self) {
        (self.last_problem, self.details, self.does_not_compile) = (None, None, false);
    }
}

/// The time of a swap and of its longer steps.
fn spent(timings: &Timings) -> String {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let mut text = format!("{:.1} ms (", millis(timings.total));
    let steps = [("stage", timings.stage), ("load", timings.load), ("swap", timings.swap)];
    for (index, (step, time)) in steps.into_iter().enumerate() {
        let space = if index == 0 { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{space}{step} {:.1}", millis(time));
    }
    text + ")"
}

/// The first error among a compiler's diagnostics, with its place.
fn first_error(rendered: &str) -> String {
    let mut lines = rendered.lines().map(str::trim);
    let error = lines.by_ref().find(|line| line.starts_with("error"));
    let place = lines.find_map(|line| line.strip_prefix("--> "));
    match (error, place) {
        (Some(error), Some(place)) => format!("{error} at {place}"),
        (Some(error), None) => error.to_owned(),
        (None, _) => "the build failed; see the log of cargo liveswap".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liveswap::Reload as Reloaded;
    use liveswap::event::{Difference, Kind, Refusal, Step};

    fn reloaded(outcome: Outcome) -> Event {
        let timings = Timings { total: Duration::from_micros(4140), ..Timings::default() };
        let cause = Cause::Artifact;
        Event::Reloaded(Reloaded {
            outcome,
            cause,
            artifact: "x.so".into(),
            digest: None,
            signed: None,
            timings,
        })
    }

    #[test]
    fn a_problem_stays_until_a_swap_makes_it_good() {
        let mut status = ReloadStatus::default();
        let difference = Difference {
            item: "function `tick`".to_owned(),
            expected: "`f32`".to_owned(),
            found: "`f64`".to_owned(),
            remedy: "change it back".to_owned(),
        };
        let refusal = Refusal { step: Step::Check, differences: vec![difference] };
        status.note(reloaded(Outcome::Refused(refusal)));
        let problem = status.last_problem.clone().unwrap();
        assert!(problem.contains("check") && problem.contains("`tick`"), "{problem}");
        assert_eq!(status.last_swap, None);

        let kind = Kind::Standalone;
        status.note(reloaded(Outcome::Swapped {
            generation: 2,
            kind,
            class: EditClass::Body,
            added: Vec::new(),
        }));
        assert_eq!(status.last_problem, None);
        assert_eq!(status.last_swap.as_deref(), Some("4.1 ms (stage 0.0 load 0.0 swap 0.0)"));
    }

    #[test]
    fn going_back_says_where_to() {
        let mut status = ReloadStatus::default();
        let outcome = Outcome::Swapped {
            generation: 5,
            kind: Kind::Shared,
            class: EditClass::Body,
            added: Vec::new(),
        };
        let Event::Reloaded(mut reload) = reloaded(outcome) else { unreachable!() };
        reload.cause = Cause::Activated { of: 2 };
        status.note(Event::Reloaded(reload));
        let shown = "back to gen 2 in 4.1 ms (stage 0.0 load 0.0 swap 0.0)";
        assert_eq!(status.last_swap.as_deref(), Some(shown));
    }

    #[test]
    fn of_a_failed_build_the_first_error_is_shown_with_its_place() {
        let rendered = "warning: unused\n  --> src/a.rs:1:1\n\nerror[E0308]: mismatched types\n   --> src/b.rs:7:9\n";
        let mut status = ReloadStatus::default();
        status.note(Event::BuildFailed { rendered: rendered.to_owned() });
        let shown = "error[E0308]: mismatched types at src/b.rs:7:9";
        assert_eq!(status.last_problem.as_deref(), Some(shown));
        assert_eq!(status.details.as_deref(), Some(rendered));

        // Taken back: the same code comes out, and no artifact is taken up.
        status.note(Event::BuildFinished);
        assert_eq!((status.last_problem, status.details), (None, None));
    }

    #[test]
    fn a_build_that_ends_well_does_not_hide_a_refusal() {
        let mut status = ReloadStatus::default();
        let differences = Vec::new();
        let refusal = Refusal { step: Step::Check, differences };
        status.note(reloaded(Outcome::Refused(refusal)));
        status.note(Event::BuildFinished);
        assert!(status.last_problem.is_some() && status.details.is_some());
    }

    #[test]
    fn an_edit_is_told_in_the_words_of_cargo_liveswap() {
        let mut status = ReloadStatus::default();
        for text in ["gen 7  body  tick  168 ms (rustc 130)", "restart needed  for no reason"] {
            status.note(Event::Line { text: text.to_owned() });
            assert_eq!(status.last_edit.as_deref(), Some("body  tick  168 ms (rustc 130)"));
        }
        let kind = Kind::Shared;
        status.note(reloaded(Outcome::Swapped {
            generation: 8,
            kind,
            class: EditClass::Body,
            added: Vec::new(),
        }));
        assert_eq!(status.last_edit, None, "that was the edit before");
    }
}
