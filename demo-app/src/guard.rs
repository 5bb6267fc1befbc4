//! Keeps a panic in a hot function from ending the game.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static NOTED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// How the runtime names the place of a panic that happened in another image than the host.
const HOT_PLACE: &str = "\n  in hot code of ";

/// Makes panics inside [`guarded`] silent; all others are reported as before.
pub(crate) fn install() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if GUARDED.get() {
            NOTED.set(Some(note(info)));
        } else {
            others(info);
        }
    }));
}

/// Calls `work` and turns a panic into one line: where it happened, then what, because the end of
/// a long line is what a narrow screen does not show.
///
/// What `work` borrows may be left half changed; the game's world is plain data that any frame
/// may find in any state.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.map_err(|payload| {
        let noted = NOTED.take();
        noted.unwrap_or_else(|| format!("panicked: {}", text_of(&*payload)))
    })
}

fn note(info: &PanicHookInfo<'_>) -> String {
    let text = text_of(info.payload());
    if let Some((message, place)) = text.split_once(HOT_PLACE) {
        return format!("panicked in {place}: {message}");
    }
    match info.location() {
        Some(place) => format!("panicked at {}:{}: {text}", place.file(), place.line()),
        None => format!("panicked: {text}"),
    }
}

fn text_of(payload: &(dyn std::any::Any + Send)) -> &str {
    match (payload.downcast_ref::<&'static str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "a panic without a message",
    }
}

#[cfg(test)]
mod tests {
    use super::{guarded, install};

    #[test]
    fn a_panic_becomes_one_line_with_its_place() {
        install();
        assert_eq!(guarded(|| 7), Ok(7));
        let number = 5;
        let line = guarded(|| -> () { panic!("boom {number}") }).unwrap_err();
        assert!(line.starts_with("panicked at ") && line.contains("guard.rs:"), "{line}");
        assert!(line.ends_with(": boom 5"), "{line}");
        let forwarded = "late\n  in hot code of `logic` at src/a.rs:3:9";
        let line = guarded(|| -> () { panic!("{forwarded}") }).unwrap_err();
        assert_eq!(line, "panicked in `logic` at src/a.rs:3:9: late");
    }

    #[test]
    fn a_raised_again_panic_has_its_message() {
        let line = guarded(|| -> () { std::panic::resume_unwind(Box::new("again")) });
        assert_eq!(line, Err("panicked: again".to_owned()));
    }
}
