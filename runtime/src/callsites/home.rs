//! Homes: callsites in the program's memory, for those of the same description in any artifact.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::callsite::{self, Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::subscriber::{Interest, NoSubscriber};
use tracing::{Metadata, dispatcher};

use super::guest::Guest;

/// A callsite that tracing knows, and those in artifacts that it stands for.
#[derive(Debug)]
pub(super) struct Home {
    description: OnceLock<Metadata<'static>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    interest: Interest,
    is_registered: bool,
    guests: Vec<Guest>,
}

/// All that describes a callsite.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    name: &'static str,
    target: &'static str,
    level: &'static str,
    place: (Option<&'static str>, Option<&'static str>, Option<u32>),
    kind: [bool; 3],
    fields: Vec<&'static str>,
}

/// Every home there is, and the texts of their descriptions, many of which they share.
#[derive(Debug, Default)]
struct Homes {
    homes: HashMap<Key, &'static Home>,
    texts: HashSet<&'static str>,
}

static HOMES: LazyLock<Mutex<Homes>> = LazyLock::new(Mutex::default);

impl Home {
    /// The home of callsites that are described like this.
    pub(super) fn of(like: &Metadata<'_>) -> &'static Home {
        let mut homes = locked(&HOMES);
        let key = homes.key(like);
        if let Some(home) = homes.homes.get(&key) {
            return home;
        }
        let state = State { interest: Interest::sometimes(), is_registered: false, guests: vec![] };
        let home: &'static Home =
            Box::leak(Box::new(Home { description: OnceLock::new(), state: Mutex::new(state) }));
        let names = Box::leak(key.fields.clone().into_boxed_slice());
        let (module, file, line) = key.place;
        home.description.get_or_init(|| {
            let fields = FieldSet::new(names, Identifier(home));
            let kind = kind(like);
            Metadata::new(key.name, key.target, *like.level(), file, line, module, fields, kind)
        });
        homes.homes.insert(key, home);
        home
    }

    /// What it says of itself, as the callsites it stands for did.
    pub(super) fn description(&'static self) -> &'static Metadata<'static> {
        self.description.get().expect("given to a home before anybody sees it")
    }

    /// Passes interests on to a guest from now on, the present one at once.
    pub(super) fn take_in(&self, guest: Guest) {
        let mut state = locked(&self.state);
        guest.set_interest(state.interest.clone());
        state.guests.push(guest);
    }

    /// Forgets a guest.
    pub(super) fn let_go(&self, guest: Guest) {
        locked(&self.state).guests.retain(|other| *other != guest);
    }

    /// Makes it known to tracing, once.
    pub(super) fn register(&'static self) {
        if std::mem::replace(&mut locked(&self.state).is_registered, true) {
            return;
        }
        // Case 6: what a subscriber does here is no failure of a reload.
        let registered = catch_unwind(AssertUnwindSafe(|| {
            callsite::register(self);
            dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>())
        }));
        if !registered.unwrap_or(false) {
            self.set_interest(Interest::sometimes()); // case 7
        }
    }
}

impl Callsite for Home {
    fn set_interest(&self, interest: Interest) {
        let mut state = locked(&self.state);
        for guest in &state.guests {
            guest.set_interest(interest.clone());
        }
        state.interest = interest;
    }

    fn metadata(&self) -> &Metadata<'_> {
        self.description.get().expect("given to a home before anybody sees it")
    }
}

impl Homes {
    fn key(&mut self, like: &Metadata<'_>) -> Key {
        Key {
            name: self.text(like.name()),
            target: self.text(like.target()),
            level: like.level().as_str(),
            place: (
                like.module_path().map(|module| self.text(module)),
                like.file().map(|file| self.text(file)),
                like.line(),
            ),
            kind: [like.is_event(), like.is_span(), is_hint(like)],
            fields: like.fields().iter().map(|field| self.text(field.name())).collect(),
        }
    }

    /// The same text in memory that stays.
    fn text(&mut self, text: &str) -> &'static str {
        match self.texts.get(text) {
            Some(known) => known,
            None => {
                let text: &'static str = Box::leak(text.into());
                self.texts.insert(text);
                text
            }
        }
    }
}

/// The line of every home.
#[cfg(test)]
pub(super) fn lines() -> Vec<Option<u32>> {
    locked(&HOMES).homes.keys().map(|key| key.place.2).collect()
}

fn kind(like: &Metadata<'_>) -> Kind {
    let kind = match (like.is_event(), like.is_span()) {
        (true, _) => Kind::EVENT,
        (false, true) => Kind::SPAN,
        (false, false) => return Kind::HINT,
    };
    if is_hint(like) { kind.hint() } else { kind }
}

fn is_hint(like: &Metadata<'_>) -> bool {
    // Only the words of the kind, which come last, tell.
    let words = format!("{like:?}");
    words.rsplit_once("kind: ").is_some_and(|(_, kind)| kind.contains("HINT"))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
