//! The `tracing` callsites of shared artifacts, and their homes in the program.
//!
//! An event or span of hot code has a static in the artifact, its callsite, and another that describes it. Left alone, the
//! program's tracing would keep the address of the first for ever, in its list of callsites, and subscribers that of the
//! second, for as long as a span is open or a filter remembers it. So every callsite of an artifact is given a *home*
//! before any of the artifact's code can run: a callsite of the same description in the program's own memory, which is
//! never freed. The home is what tracing knows. The artifact's callsite becomes its *guest*:
//!
//! - it refers to the home's description, so whoever asks an event or a span for its metadata, its fields or its callsite
//!   is given the program's memory;
//! - it has an interest from the start, so it never registers itself; its home tells it whenever that changes.
//!
//! Homes are told apart by all that describes them (file, line, name, target, level, fields, kind), so a callsite that an
//! edit leaves where it is goes on under the home of the generation before, and swaps make nothing grow. A moved or new one
//! costs a home for the rest of the process.
//!
//! What can meet, and why it is harmless:
//!
//! 1. Interests are rebuilt while a guest moves in. Both take the home's lock. Either the guest is given the interest of
//!    before and is in the list when the new one is passed on, or it is given the new one.
//! 2. Interests are rebuilt while a guest is withdrawn. Both take the home's lock. Once `withdraw` has returned, nobody is
//!    passing anything on to the guest, and nobody will.
//! 3. A new home is registered. No lock of ours is held meanwhile, because tracing holds its own while it passes interests
//!    on. Until the home has heard, its guests ask the subscriber each time.
//! 4. The generation stays although its guests were withdrawn (the loader keeps its image). They still refer to their homes
//!    and have the last interest that they heard; nothing is freed that they need.
//! 5. A callsite has registered itself all the same: in an initializer that ran while the artifact was loaded, or because
//!    somebody called its `register`. The first is seen when it is found, the second by its bytes before it is unloaded.
//!    Either keeps the generation ([`Housed::why_kept`]).
//! 6. A subscriber panics while it is shown a new home. The home's guests ask each time; the panic goes no further.
//! 7. The program's subscriber is the default of some threads only. The thread that registers a home is none of them, and
//!    tracing, which asks that thread where there is but one subscriber, would be told `never`. Then the guests ask each
//!    time, on the thread that they are on, until a rebuild says better.
//!
//! Only the program's own tracing is meant: a standalone artifact has its own, with its own list, and both go with it.

use std::ops::Range;
use std::path::Path;

mod guest;
mod home;

use guest::Guest;
use home::Home;

/// The callsites of one artifact, each at home in the program.
#[derive(Debug, Default)]
pub(crate) struct Housed {
    guests: Vec<(&'static Home, Guest)>,
    /// Why some of them are not.
    astray: Option<String>,
}

impl Housed {
    /// Finds the callsites of the shared artifact that was loaded from `file`, and gives each a home.
    ///
    /// `base` and `segments` say where it is in memory. None of its code runs yet.
    pub(crate) fn house(file: &Path, base: usize, segments: &[Range<usize>]) -> Housed {
        let writable = match guest::writable(file, base) {
            Ok(writable) => writable,
            Err(error) => {
                let astray = Some(format!("its variables cannot be read: {error}"));
                return Housed { guests: Vec::new(), astray };
            }
        };
        let housed = Housed::find(&writable, segments);
        for (home, _) in &housed.guests {
            home.register();
        }
        housed
    }

    fn find(writable: &[Range<usize>], segments: &[Range<usize>]) -> Housed {
        let mut housed = Housed::default();
        // Where nothing is found although the artifact has callsites, its symbols say that it has.
        for guest in Guest::find(writable, segments).unwrap_or_default() {
            if !guest.is_new() {
                let place = guest.place();
                housed.astray = Some(format!("`{place}` was used while it was loaded"));
                continue;
            }
            let home = guest.with_metadata(Home::of);
            guest.move_to(home.description());
            home.take_in(guest);
            housed.guests.push((home, guest));
        }
        housed
    }

    /// How many callsites have a home.
    pub(crate) fn count(&self) -> usize {
        self.guests.len()
    }

    /// Why the program's tracing may refer to the artifact all the same; `None` where it cannot.
    pub(crate) fn why_kept(&self) -> Option<String> {
        let registered = || self.guests.iter().find(|(_, guest)| !guest.is_as_left());
        let why = self.astray.clone().or_else(|| {
            let (home, _) = registered()?;
            Some(format!("`{}` has registered itself", home.description().name()))
        });
        why.map(|why| format!("the program's `tracing` may keep callsites of it: {why}"))
    }

    /// Has the homes forget the artifact; nothing of it may be running any more.
    pub(crate) fn withdraw(&mut self) {
        for (home, guest) in self.guests.drain(..) {
            home.let_go(guest);
        }
    }
}

#[cfg(test)]
mod tests;
