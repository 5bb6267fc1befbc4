//! What the runtime's own types are on the wire.

use std::time::Duration;

use crate::event::{self, Cause, Event, Reload, Retirement};
use crate::status::{self, GenerationState};
use crate::wire::{self, FromCli, ToCli};

/// What `cargo liveswap` is told of an event; nothing of those that it told itself.
#[must_use]
pub fn told(hot_crate: &str, event: &Event) -> Option<ToCli> {
    Some(match event {
        Event::Reloaded(reload) => ToCli::Reloaded(self::reload(hot_crate, reload)),
        Event::Draining { generation, holders } => ToCli::Draining {
            generation: *generation,
            holders: holders.iter().map(ToString::to_string).collect(),
        },
        Event::Retired { generation, outcome } => {
            let (retained, bytes) = match outcome {
                Retirement::Unloaded => (None, 0),
                Retirement::Retained { why, bytes } => (Some(why.clone()), *bytes),
            };
            ToCli::Retired { generation: *generation, retained, bytes }
        }
        Event::Panicked { message, location } => {
            ToCli::Panicked { message: message.clone(), location: location.clone() }
        }
        Event::HookPanicked { generation, role, panic } => ToCli::Panicked {
            message: format!(
                "`{}` ({}) of generation {generation}: {}",
                panic.function,
                role.name(),
                panic.message
            ),
            location: panic.location.clone().unwrap_or_else(|| "an unknown place".to_owned()),
        },
        Event::StateNotUsed(unused) => ToCli::StateNotUsed { text: unused.to_string() },
        Event::Watching { method } => ToCli::Watching { method: method.clone() },
        Event::Lagged { missed } => ToCli::Lagged { missed: *missed },
        Event::BuildFailed { .. }
        | Event::BuildStarted
        | Event::BuildFinished
        | Event::WithoutEffect { .. }
        | Event::Line { .. } => return None,
    })
}

/// What the program's readers are told of a message.
#[must_use]
pub fn event(message: FromCli) -> Option<Event> {
    match message {
        FromCli::BuildStarted { .. } => Some(Event::BuildStarted),
        FromCli::BuildFailed { rendered, .. } => Some(Event::BuildFailed { rendered }),
        FromCli::BuildFinished { .. } => Some(Event::BuildFinished),
        FromCli::Line { text } => Some(Event::Line { text }),
        FromCli::WithoutEffect { item, why, remedy } => {
            Some(Event::WithoutEffect { item, why, remedy })
        }
        _ => None,
    }
}

fn reload(hot_crate: &str, reload: &Reload) -> wire::Reload {
    wire::Reload {
        hot_crate: hot_crate.to_owned(),
        artifact: reload.artifact.to_string_lossy().into_owned(),
        digest: reload.digest.clone(),
        signed: reload.signed.as_ref().map(ToString::to_string),
        outcome: outcome(&reload.outcome),
        cause: match &reload.cause {
            Cause::Artifact => None,
            cause => Some(cause.to_string()),
        },
        timings: timings(&reload.timings),
    }
}

fn outcome(outcome: &event::Outcome) -> wire::Outcome {
    match outcome {
        event::Outcome::Swapped { generation, kind, class, added } => wire::Outcome::Swapped {
            generation: *generation,
            kind: kind.to_string(),
            class: Some(class.to_string()),
            added: added.clone(),
        },
        event::Outcome::Unchanged { generation } => {
            wire::Outcome::Unchanged { generation: *generation }
        }
        event::Outcome::Refused(refusal) => wire::Outcome::Refused {
            step: refusal.step.to_string(),
            differences: refusal.differences.iter().map(difference).collect(),
        },
        event::Outcome::Superseded => wire::Outcome::Superseded,
    }
}

fn difference(difference: &event::Difference) -> wire::Difference {
    let event::Difference { item, expected, found, remedy } = difference.clone();
    wire::Difference { item, expected, found, remedy }
}

fn timings(timings: &event::Timings) -> wire::Timings {
    wire::Timings {
        settle: micros(timings.settle),
        stage: micros(timings.stage),
        verify: micros(timings.verify),
        load: micros(timings.load),
        check: micros(timings.check),
        self_check: micros(timings.self_check),
        migrate: micros(timings.migrate),
        paused: micros(timings.paused),
        swap: micros(timings.swap),
        total: micros(timings.total),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl From<&status::Status> for wire::Status {
    fn from(status: &status::Status) -> wire::Status {
        wire::Status {
            hot_crate: status.hot_crate.clone(),
            generation: status.current,
            generations: status.generations.iter().map(generation).collect(),
            swapped: status.counts.swapped,
            refused: status.counts.refused,
            unchanged: status.counts.unchanged,
            superseded: status.counts.superseded,
            watching: status.watching.clone(),
            searched: status.searched.map(|searched| wire::Searched {
                passes: searched.passes,
                bytes: searched.bytes,
                took: micros(searched.took),
            }),
        }
    }
}

fn generation(generation: &status::GenerationStatus) -> wire::Generation {
    let (retained, bytes) = match &generation.state {
        GenerationState::Retained { why, bytes } => (Some(why.clone()), *bytes),
        _ => (None, 0),
    };
    wire::Generation {
        number: generation.number,
        kind: generation.kind.to_string(),
        class: generation.class.map(|class| class.to_string()),
        signed: generation.signed.as_ref().map(ToString::to_string),
        may_escape: generation.may_escape.clone(),
        holders: generation.holders.iter().map(ToString::to_string).collect(),
        retained,
        bytes,
        quarantined: generation.state == GenerationState::Quarantined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Difference, EditClass, Kind, Outcome, Refusal, Signed, Step, Timings};

    fn reloaded(outcome: Outcome) -> Event {
        let timings = Timings { swap: Duration::from_micros(7), ..Timings::default() };
        Event::Reloaded(Reload {
            outcome,
            cause: Cause::Artifact,
            artifact: "t/libgame.so".into(),
            digest: Some("ab".to_owned()),
            signed: None,
            timings,
        })
    }

    #[test]
    fn every_outcome_is_told_with_its_words_and_times() {
        let refusal = Refusal::one(
            Step::Check,
            Difference {
                item: "function `game::tick`".to_owned(),
                expected: "1 argument".to_owned(),
                found: "2 arguments".to_owned(),
                remedy: "restart".to_owned(),
            },
        );
        let cases = [
            (
                Outcome::Swapped {
                    generation: 3,
                    kind: Kind::Shared,
                    class: EditClass::Additive,
                    added: vec!["game::f".to_owned()],
                },
                r#"{"swapped":{"generation":3,"kind":"shared","class":"additive","added":["game::f"]}}"#,
            ),
            (Outcome::Unchanged { generation: 2 }, r#"{"unchanged":{"generation":2}}"#),
            (
                Outcome::Refused(refusal),
                r#"{"refused":{"step":"check","differences":[{"item":"function `game::tick`","expected":"1 argument","found":"2 arguments","remedy":"restart"}]}}"#,
            ),
            (Outcome::Superseded, r#""superseded""#),
        ];
        for (outcome, expected) in cases {
            let Some(ToCli::Reloaded(told)) = told("game", &reloaded(outcome)) else {
                panic!("a reload is always told");
            };
            assert_eq!(serde_json::to_string(&told.outcome).unwrap(), expected);
            assert_eq!((told.timings.swap, told.digest.as_deref()), (7, Some("ab")));
            assert_eq!(told.artifact, "t/libgame.so");
        }
    }

    #[test]
    fn a_reload_that_no_artifact_asked_for_is_told_with_its_cause() {
        let Event::Reloaded(reload) = reloaded(Outcome::Unchanged { generation: 2 }) else {
            panic!("it is one");
        };
        assert_eq!(super::reload("game", &reload).cause, None);
        let signed = Signed { key: "E7".to_owned(), trusted_comment: "build 12".to_owned() };
        let asked = Reload { cause: Cause::Activated { of: 2 }, signed: Some(signed), ..reload };
        let told = super::reload("game", &asked);
        assert_eq!(told.signed.as_deref(), Some("by the key E7: build 12"));
        assert_eq!(told.cause.as_deref(), Some("generation 2 was asked for"));
    }

    #[test]
    fn what_the_builder_said_is_not_told_back() {
        let heard = [
            event(FromCli::BuildStarted { build: 1 }),
            event(FromCli::BuildFailed { build: 1, rendered: "error: no".to_owned() }),
            event(FromCli::BuildFinished { build: 1, artifacts: Vec::new(), micros: 1 }),
            event(FromCli::Line { text: "gen 1".to_owned() }),
            event(FromCli::WithoutEffect {
                item: "SPEED".to_owned(),
                why: "a constant".to_owned(),
                remedy: "restart".to_owned(),
            }),
        ];
        for event in heard {
            assert_eq!(told("game", &event.unwrap()), None);
        }
        assert_eq!(event(FromCli::AskStatus), None);
    }
}
