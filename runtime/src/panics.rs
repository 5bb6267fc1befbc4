//! Where the last panic of a thread happened: whoever catches a panic has its message, but not its place.
//!
//! The place is known to the panic hook alone. A standalone artifact's hook hands it to the program's copy of the crate; for
//! everything else the runtime puts a hook of its own before the program's, which takes note and passes on. A program that
//! sets another hook later takes that away, and the place of a shared artifact's panic is then not known.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

struct Seen {
    message: String,
    location: String,
}

thread_local! {
    static LAST: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// How many panics the hook has seen.
static SEEN: AtomicU64 = AtomicU64::new(0);

/// A number that is another after a panic whose payload the program's own hook may have been shown as it is.
///
/// Panics are seen by the hook, and where the program has replaced that, by whoever catches them when they leave hot code.
pub(crate) fn count() -> u64 {
    // Relaxed: a generation asks before its code can run, and again when nothing holds it, which the gate and the counts
    // order after all that its code did.
    SEEN.load(Ordering::Relaxed) + liveswap_abi::panic::caught()
}

/// Takes note of the panics of this process from now on; however often it is called, once.
pub(crate) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            SEEN.fetch_add(1, Ordering::Relaxed); // read by `count`
            if let Some(location) = info.location() {
                note(info.payload_as_str().unwrap_or(OTHER), &location.to_string());
            }
            next(info);
        }));
    });
}

/// What stands for the message of a payload that is no text, here and in abi.
const OTHER: &str = "Box<dyn Any>";

/// Takes note of a panic of this thread.
pub(crate) fn note(message: &str, location: &str) {
    let seen = Seen { message: message.to_owned(), location: location.to_owned() };
    // Fails while the thread's locals are destroyed, when nobody asks any more.
    let _ = LAST.try_with(|last| last.replace(Some(seen)));
}

/// Where this thread's last panic happened, if its message is this one: a panic that is raised again passes no hook.
pub(crate) fn place_of(message: &str) -> Option<String> {
    let place = |last: &RefCell<Option<Seen>>| {
        let last = last.borrow();
        last.as_ref().filter(|seen| seen.message == message).map(|seen| seen.location.clone())
    };
    LAST.try_with(place).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_last_panic_of_this_thread_is_known() {
        listen();
        let before = count();
        let line = line!() + 1;
        let caught = panic::catch_unwind(|| panic!("at {}", 5));
        assert!(caught.is_err());
        assert!(count() > before);
        assert_eq!(place_of("another message"), None);
        assert!(place_of("at 5").unwrap().starts_with(&format!("{}:{line}:", file!())));
        let elsewhere = std::thread::spawn(|| place_of("at 5")).join();
        assert_eq!(elsewhere.unwrap(), None);
        note("lost", "hot.rs:7:5");
        assert_eq!(place_of("lost").as_deref(), Some("hot.rs:7:5"));
    }
}
