//! Failed steps in words: the item, what was expected, what was found, and what to do.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::error::Error;
use crate::event::{Difference, HotPanic, Kind, Refusal, Step};
use crate::initializers::{Initializers, Trial};
use crate::structure::Unsound;
use crate::verify::ManifestError;

/// How many symbols are named when many are missing.
const NAMED: usize = 3;

/// The refusal of a step that failed with `error`.
pub(crate) fn because(step: Step, error: &Error) -> Refusal {
    let shown = |path: &Path| format!("`{}`", path.display());
    let (item, expected, found, remedy) = match error {
        Error::Untrusted { difference } => return Refusal::one(step, (**difference).clone()),
        Error::Unfinished { path, source } => {
            (shown(path), "a whole artifact", source.to_string(), "build it again")
        }
        Error::ArtifactKind { path, found } => {
            (shown(path), "a regular file", (*found).to_owned(), "remove it and build again")
        }
        Error::ArtifactTooLarge { path, len, limit } => {
            let found = format!("{len} bytes, over the limit of {limit}");
            (
                shown(path),
                "an artifact within the limit",
                found,
                "raise the limit, or build it again",
            )
        }
        Error::ArtifactOpen { path, source } | Error::ArtifactRead { path, source } => {
            let remedy = "give this user access to it, or build it again";
            (shown(path), "a readable artifact", source.to_string(), remedy)
        }
        Error::StageWrite { path, needed, source } => {
            let found = format!("{source} while writing {needed} bytes");
            (shown(path), "room for a private copy", found, "free space on that disk")
        }
        Error::StageDirectory { path, source } => {
            let remedy = "make its parent directory writable, or choose another with `stage_dir`";
            (shown(path), "a private directory for stages", source.to_string(), remedy)
        }
        Error::LibraryOpen { path, reason } => {
            (shown(path), "a library that can be loaded", reason.clone(), "see the loader's words")
        }
        Error::SymbolMissing { path, symbol, reason } => {
            let remedy = "put `liveswap_abi::hot_crate!()` at the root of the crate";
            (format!("symbol `{symbol}` of {}", shown(path)), "one", reason.clone(), remedy)
        }
        other => ("the step".to_owned(), "success", other.to_string(), "see the cause"),
    };
    Refusal::one(step, difference(item, expected, found, remedy))
}

/// The refusal of a file that has no readable manifest.
pub(crate) fn no_manifest(error: &ManifestError) -> Refusal {
    let remedy = "put `liveswap_abi::hot_crate!()` at the root of the crate and build it with debug \
                  assertions or liveswap-abi's feature `always`";
    let item = "the artifact".to_owned();
    Refusal::one(Step::Verify, difference(item, "a manifest", error.to_string(), remedy))
}

/// The refusal of a library that the loader would stumble over.
pub(crate) fn unsound(error: &Unsound) -> Refusal {
    let remedy =
        "build it again; where that says the same, say which linker made it in a report of a bug";
    let item = "the artifact's structure".to_owned();
    let expected = "a library that the system's loader can read";
    Refusal::one(Step::Verify, difference(item, expected, error.to_string(), remedy))
}

/// The refusal of a library with functions that choose others, where nobody says that they belong there.
pub(crate) fn choosing(initializers: &Initializers) -> Refusal {
    let item = "the artifact's structure".to_owned();
    let expected = "no function that chooses others while it is loaded, or a seal";
    let remedy = "build it again, with `cargo liveswap` where it is meant to have them";
    Refusal::one(Step::Verify, difference(item, expected, initializers.names(), remedy))
}

/// The refusal of a library of which it cannot be told what runs while it is loaded.
pub(crate) fn unreadable(error: &object::read::Error) -> Refusal {
    let item = "the artifact's initializers".to_owned();
    let found = error.to_string();
    Refusal::one(Step::Verify, difference(item, "tables that can be read", found, "build it again"))
}

/// The refusal of an artifact whose initializers cannot be run, by how they ended in a copy of the process; `None` where they
/// did well.
pub(crate) fn tried(
    initializers: &Initializers,
    trial: Trial,
    patience: Duration,
) -> Option<Refusal> {
    let callable = "call it from a hot function instead, or make it return";
    let (found, remedy) = match trial {
        Trial::Passed => return None,
        Trial::Panicked(panic) => (format!("a panic at {panic}"), callable),
        Trial::Ended(how) => (format!("the end of the process, by {how}"), callable),
        Trial::Late => (
            format!("no end within {patience:?}"),
            "make it return sooner, or give it more time with the setting `self_check_deadline`",
        ),
        Trial::Impossible(error) => (
            format!("no copy of the process to try it in: {error}"),
            "make room for one, or load it untried with the setting `try_initializers`",
        ),
    };
    let item = format!("what runs while it is loaded: {}", initializers.names());
    let expected = "initializers that return, as tried in a copy of the process";
    Some(Refusal::one(Step::Load, difference(item, expected, found, remedy)))
}

/// The refusal of an artifact whose manifest is not what the macros write.
pub(crate) fn no_place_for_a_seal() -> Refusal {
    let item = "the artifact's seal".to_owned();
    let found = "no such key in its manifest".to_owned();
    Refusal::one(
        Step::Verify,
        difference(item, "a seal, or its empty place", found, "build it again"),
    )
}

/// The refusal of an artifact that is not what its builder finished.
pub(crate) fn broken_seal(sealed: &str, found: &str) -> Refusal {
    let remedy = "build it again, and change nothing in it afterwards";
    let (item, found) = ("the artifact's seal".to_owned(), format!("a file with the hash {found}"));
    let expected = format!("the file that was sealed with {sealed}");
    Refusal::one(Step::Verify, difference(item, &expected, found, remedy))
}

/// The refusal of an artifact that was compiled as another crate than the host's.
pub(crate) fn other_identity(expected: &str, found: &str) -> Refusal {
    let remedy = "build host and artifact with one cargo command line: same profile, features, RUSTFLAGS and crate \
                  types; then restart the program";
    let item = "crate identity (package, version, features, profile, crate types)".to_owned();
    Refusal::one(Step::Check, difference(item, expected, found.to_owned(), remedy))
}

/// The refusal of a standalone artifact where memory could not be freed on the other side.
pub(crate) fn other_allocator(in_host: bool) -> Refusal {
    let found = if in_host { "another one in the program" } else { "another one in the artifact" };
    let remedy = "leave `#[global_allocator]` out of development builds: values that cross are freed by the other side";
    let item = "global allocator".to_owned();
    Refusal::one(
        Step::Check,
        difference(item, "the system's on both sides", found.to_owned(), remedy),
    )
}

/// The refusal of an artifact that was linked in another way than its manifest says.
pub(crate) fn other_kind(said: Kind, found: Kind) -> Refusal {
    let remedy = "build it again with `cargo liveswap`, which writes the kind that it links";
    let item = "kind of artifact, as its manifest says".to_owned();
    Refusal::one(Step::Check, difference(item, &format!("`{said}`"), format!("`{found}`"), remedy))
}

/// The refusal of a shared artifact that needs what this program does not give.
pub(crate) fn not_exported(missing: &[String]) -> Refusal {
    let remedy = "start the program with `cargo liveswap run`, or build a standalone artifact with `cargo liveswap build`";
    let mut item =
        missing.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if missing.len() > NAMED {
        item.push_str(&format!(" and {} more", missing.len() - NAMED));
    }
    let found = match missing.len() {
        1 => "1 symbol of a shared artifact that is not".to_owned(),
        count => format!("{count} symbols of a shared artifact that are not"),
    };
    Refusal::one(Step::Verify, difference(item, "exported by the program", found, remedy))
}

/// The refusal where no artifact is there to take up.
pub(crate) fn no_artifact(path: &Path) -> Refusal {
    let item = format!("`{}`", path.display());
    let remedy = "build it with `cargo liveswap build`, or set LIVESWAP_ARTIFACT_DIR";
    Refusal::one(Step::Settle, difference(item, "an artifact", "nothing".to_owned(), remedy))
}

/// The refusal of code that was taken back, until other code came.
pub(crate) fn set_aside(path: &Path, generation: u64, why: &str) -> Refusal {
    let found = format!("the code of generation {generation}, which was taken back: {why}");
    let remedy = format!("change it and save, or ask for it with `activate({generation})`");
    let item = format!("`{}`", path.display());
    Refusal::one(Step::Stage, difference(item, "code that was not taken back", found, &remedy))
}

/// The refusal of a generation that cannot be activated.
pub(crate) fn not_kept(generation: u64, kept: &[u64]) -> Refusal {
    let kept: Vec<String> = kept.iter().map(u64::to_string).collect();
    let remedy =
        format!("choose one of {}, or keep more with the setting `history`", kept.join(", "));
    let item = format!("generation {generation}");
    let found = "none with that number".to_owned();
    Refusal::one(Step::Stage, difference(item, "a generation whose stage is kept", found, &remedy))
}

/// The refusal of going back from the first generation.
pub(crate) fn nothing_before(current: u64) -> Refusal {
    let item = format!("the generation before generation {current}");
    let remedy = "save a change, or choose a generation of the history with `activate`";
    Refusal::one(Step::Stage, difference(item, "one", "none".to_owned(), remedy))
}

/// What a self-check said.
pub(crate) fn self_check_vetoed(path: &str, why: &str) -> Difference {
    difference(
        check(path),
        "`Ok(())`",
        why.to_owned(),
        "make it good, or change the check, and save",
    )
}

/// How a self-check fell.
pub(crate) fn self_check_panicked(panic: &HotPanic) -> Difference {
    let at = panic.location.as_ref().map_or_else(String::new, |at| format!(", at {at}"));
    let found = format!("a panic: {}{at}", panic.message);
    difference(
        check(&panic.function),
        "`Ok(())`",
        found,
        "make it good, or change the check, and save",
    )
}

/// That a self-check said nothing.
pub(crate) fn self_check_late(path: &str, deadline: Duration) -> Difference {
    let found = "no answer; it still runs, and its code stays loaded until it returns".to_owned();
    let expected = format!("an answer within {deadline:?}");
    let remedy =
        "make it return sooner, or give it more time with the setting `self_check_deadline`";
    difference(check(path), &expected, found, remedy)
}

/// That a self-check could not be run.
pub(crate) fn no_thread(name: &str, error: &io::Error) -> Difference {
    let item = format!("thread `{name}`");
    difference(item, "a thread", error.to_string(), "raise the limit on threads and save again")
}

fn check(path: &str) -> String {
    format!("self-check `{path}`")
}

/// The refusal of an artifact that was another one at each look.
pub(crate) fn restless(path: &Path) -> Refusal {
    let item = format!("`{}`", path.display());
    let (expected, found) = ("an artifact that stays as it is", "another one at each look");
    let remedy = "open it when nobody writes it any more";
    Refusal::one(Step::Stage, difference(item, expected, found.to_owned(), remedy))
}

fn difference(item: String, expected: &str, found: String, remedy: &str) -> Difference {
    Difference { item, expected: expected.to_owned(), found, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_missing_symbols_are_named_and_all_are_counted() {
        let names = |count: usize| (0..count).map(|n| format!("a::f{n}")).collect::<Vec<_>>();
        let one = not_exported(&names(1)).to_string();
        assert!(one.contains("`a::f0`: ") && one.contains("1 symbol of"), "{one}");
        let many = not_exported(&names(5)).to_string();
        assert!(many.contains("`a::f0`, `a::f1`, `a::f2` and 2 more"), "{many}");
        assert!(many.contains("5 symbols of") && many.contains("cargo liveswap run"), "{many}");
    }
}
