//! Functions of a hot crate that the runtime itself calls around a swap: `#[hot(self_check)]`, `#[hot(on_load)]` and
//! `#[hot(on_retire)]`.
//!
//! A hook never unwinds into its caller: its panic is caught in the image it happened in, and only its message, a
//! `String`, crosses. The runtime calls hooks after *check*, which has made sure that both sides free each other's memory.
//!
//! # Which code a hook's calls of hot functions reach
//!
//! *A self-check* runs in an image that is not published. No function of it has a slot yet
//! ([`UNASSIGNED`](crate::dispatch::UNASSIGNED) is past the end of every table), so every call from its code falls back to
//! the body compiled beside the caller: the candidate tries itself, on whatever thread, and the current generation is
//! neither asked nor changed. The runtime numbers the functions only once nothing can refuse the candidate any more.
//!
//! *The other hooks* run in generations that have slots. The runtime pins their thread to the hook's own generation
//! ([`HotCrate::pin_to`](crate::HotCrate::pin_to)), and so it does for a self-check of the linked generation.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::interpose;
use crate::panic::{message_of, note_caught};

/// When the runtime calls a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Role {
    /// In the new generation, before it is published; it can refuse the swap.
    SelfCheck,
    /// In a generation that a swap has just made current.
    OnLoad,
    /// In a generation that has just been replaced, before it can be unloaded.
    OnRetire,
}

impl Role {
    /// The argument of `#[hot(..)]` that gives a function this role.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::SelfCheck => "self_check",
            Role::OnLoad => "on_load",
            Role::OnRetire => "on_retire",
        }
    }
}

/// How a hook ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C)]
pub enum Ended {
    /// It returned, and had nothing to object to.
    Well,
    /// A self-check returned this error.
    Vetoed(String),
    /// It panicked with this message.
    Panicked(String),
}

/// One hook as its image lists it.
#[derive(Debug)]
#[repr(C)]
pub struct HookEntry {
    path: &'static str,
    role: Role,
    run: fn() -> Ended,
}

impl HookEntry {
    /// Describes the hook at `path`, run by `run`, which is [`self_check`] or [`plain`] of the user's function.
    #[must_use]
    pub const fn new(path: &'static str, role: Role, run: fn() -> Ended) -> HookEntry {
        HookEntry { path, role, run }
    }

    /// The function's path, beginning with the crate's name.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// When it is called.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Runs it on this thread. Never unwinds.
    #[must_use]
    pub fn run(&self) -> Ended {
        // Not a call through the gate, so what it leaves behind is known by its address.
        interpose::run_in(self.run as *const () as usize, self.run)
    }
}

/// What a self-check may return.
#[diagnostic::on_unimplemented(
    message = "a self-check returns `Result<(), String>`, not `{Self}`",
    label = "write `Result<(), String>` here",
    note = "`Ok(())` lets the new generation in; `Err(\"why\".to_owned())` refuses it, and the text is what the event says"
)]
pub trait Answer {
    /// The answer as the runtime reads it.
    fn into_ended(self) -> Ended;
}

impl Answer for Result<(), String> {
    fn into_ended(self) -> Ended {
        self.map_or_else(Ended::Vetoed, |()| Ended::Well)
    }
}

/// Runs a self-check and catches its panic.
pub fn self_check<R: Answer>(body: fn() -> R) -> Ended {
    caught(catch_unwind(body).map(Answer::into_ended))
}

/// Runs a hook that has nothing to answer and catches its panic.
pub fn plain(body: fn()) -> Ended {
    caught(catch_unwind(body).map(|()| Ended::Well))
}

fn caught(ended: Result<Ended, Box<dyn Any + Send>>) -> Ended {
    ended.unwrap_or_else(|payload| {
        note_caught();
        let message = message_of(&*payload).text().to_owned();
        // A payload whose own destructor panics must not reach the runtime.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        std::mem::forget(dropped);
        Ended::Panicked(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_ends_well_or_with_its_own_words_and_never_unwinds() {
        assert_eq!(self_check(|| Ok(())), Ended::Well);
        assert_eq!(self_check(|| Err("no".to_owned())), Ended::Vetoed("no".to_owned()));
        fn panics() -> Result<(), String> {
            panic!("at {}", 5)
        }
        assert_eq!(self_check(panics), Ended::Panicked("at 5".to_owned()));
        assert_eq!(plain(|| {}), Ended::Well);
        assert_eq!(plain(|| panic!("literal")), Ended::Panicked("literal".to_owned()));
        let other = Ended::Panicked("Box<dyn Any>".to_owned());
        assert_eq!(plain(|| std::panic::panic_any(7)), other);
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_held_back() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        let ended = plain(|| std::panic::panic_any(Bomb));
        assert_eq!(ended, Ended::Panicked("Box<dyn Any>".to_owned()));
    }

    #[test]
    fn a_hook_knows_its_path_and_its_role() {
        static HOOK: HookEntry = HookEntry::new("game::check", Role::SelfCheck, || Ended::Well);
        assert_eq!(
            (HOOK.path(), HOOK.role(), HOOK.run()),
            ("game::check", Role::SelfCheck, Ended::Well)
        );
        let names = [Role::SelfCheck, Role::OnLoad, Role::OnRetire].map(Role::name);
        assert_eq!(names, ["self_check", "on_load", "on_retire"]);
    }
}
