//! A loaded generation: its library, its table, what it left behind, and how it goes.
//!
//! Drop order of a generation that is unloaded, each line needing the one before:
//!
//! 1. Nobody is inside (the gate, and the threads that run its hooks) and nothing it left behind can run any more
//!    ([`LeftBehind`]).
//! 2. Its pthread keys are deleted and its panic hook is taken back: the last call into its code.
//! 3. The image is closed.
//! 4. Its table is freed, then the counts, then the stage's file is removed.
//!
//! Dropping a `Generation` in any other way leaves all of it where it is, which is always sound. What has to be found out
//! before the second line is in [`ending`].

mod ending;
mod loaded;
mod quarantine;

use std::time::{Duration, Instant};

use blake3::Hash;
use liveswap_abi::dispatch::Dispatch;
use liveswap_abi::hook::Role;
use liveswap_abi::{HotCrate, LeftBehind};

use crate::check::Surface;
use crate::drain::Drain;
use crate::dylib::{CloseOutcome, MappedImage, Remnant, pages, trial};
use crate::error::Error;
use crate::event::{EditClass, Kind, Signed};
use crate::initializers::Trial;
use crate::inside::Inside;
use crate::stage::StagedArtifact;
pub(crate) use ending::{Ending, Protections};
use loaded::{Left, Loaded, kept_by_loader};

/// An artifact that is loaded and connected, but not published.
#[derive(Debug)]
pub(crate) struct Candidate {
    loaded: Box<Loaded>,
    /// Whether it has self-checks. Its own code says so, which is not to be asked once it is in quarantine.
    is_checked: bool,
}

/// A generation that is, or was, current.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    pub(crate) digest: Option<Hash>,
    pub(crate) published: Instant,
    /// What a host can see of it.
    pub(crate) surface: Surface,
    /// What kind of edit it was; `None` for the code linked into the host.
    pub(crate) class: Option<EditClass>,
    /// Its schedule once it is no longer current.
    pub(crate) drain: Option<Drain>,
    /// Why it could not be unloaded when it was last tried.
    pub(crate) retained: Option<String>,
    /// Threads that run its hooks.
    pub(crate) hooks: Vec<Inside>,
    dispatch: *const Dispatch,
    body: Body,
}

// SAFETY: the table is plain memory that this generation owns; everything else is Send by itself.
unsafe impl Send for Generation {}

#[derive(Debug)]
enum Body {
    /// Generation 0, in the host's own image.
    Linked,
    /// No code at all: what a plugin is before it is opened, and after it was closed.
    Nothing,
    Loaded(Box<Loaded>),
    /// Closed, and kept mapped by something.
    Closed(Remnant),
}

impl Candidate {
    /// Loads a verified stage and connects it to the host.
    ///
    /// # Errors
    ///
    /// [`Error::LibraryOpen`] and [`Error::SymbolMissing`].
    pub(crate) fn load(stage: StagedArtifact, host: &'static HotCrate) -> Result<Candidate, Error> {
        let loaded = Box::new(Loaded::load(stage, host)?);
        let is_checked = !loaded.hot_crate.hooks_of(Role::SelfCheck).is_empty();
        Ok(Candidate { loaded, is_checked })
    }

    /// Loads a verified stage in a copy of the process, for as long as `patience` at a time.
    pub(crate) fn try_out(stage: &StagedArtifact, patience: Duration) -> Trial {
        // SAFETY: dylib obligation 1: the bytes are the stage's, which were verified and are ours alone.
        unsafe { trial::load(stage.path(), patience) }
    }

    /// Which kind of artifact was really loaded.
    pub(crate) fn kind(&self) -> Kind {
        self.loaded.kind
    }

    /// The artifact's copy of the hot crate.
    pub(crate) fn hot_crate(&self) -> &'static HotCrate {
        self.loaded.hot_crate
    }

    /// The file that it was loaded from.
    pub(crate) fn stage(&self) -> &StagedArtifact {
        &self.loaded.stage
    }

    /// Makes a generation of it, whose table is then ready to be published.
    pub(crate) fn into_generation(
        self,
        number: u64,
        dispatch: Box<Dispatch>,
        (surface, class): (Surface, EditClass),
        now: Instant,
    ) -> Generation {
        let mut loaded = self.loaded;
        loaded.table = dispatch.memory();
        loaded.judge_signatures(surface.escape.clone());
        let dispatch = Box::into_raw(dispatch);
        loaded.left_behind.set_table(loaded.host.gate(), dispatch);
        Generation {
            number,
            kind: loaded.kind,
            digest: Some(loaded.stage.digest()),
            published: now,
            surface,
            class: Some(class),
            drain: None,
            retained: None,
            hooks: Vec::new(),
            dispatch,
            body: Body::Loaded(loaded),
        }
    }

    /// Lets go of an artifact that was refused after loading, which nobody is inside; gives it back if that is to be tried
    /// again. One that can never be let go stays mapped.
    pub(crate) fn discard(
        self,
        protections: &Protections,
        now: Instant,
    ) -> Ending<Option<Candidate>> {
        // Of its functions only self-checks can have been called.
        let protections = if self.is_checked { protections.clone() } else { Protections::none() };
        if self.loaded.is_held(&protections) || !liveswap_abi::state::holds().is_empty() {
            return Ending::Stays(Some(self));
        }
        match self.loaded.leave(&protections, now) {
            Left::Gone => Ending::Gone,
            Left::NotYet(loaded, then) => {
                Ending::Later(Some(Candidate { loaded, is_checked: self.is_checked }), then)
            }
            Left::Stays(Body::Loaded(loaded), _) if loaded.is_held(&protections) => {
                Ending::Stays(Some(Candidate { loaded, is_checked: self.is_checked }))
            }
            Left::Stays(..) => Ending::Stays(None),
        }
    }
}

impl Generation {
    /// No code at all.
    pub(crate) fn nothing(now: Instant) -> Generation {
        // One table for all that there will ever be: nobody could say when it is not used any more.
        static NOTHING: Dispatch = Dispatch::EMPTY;
        Generation::without_code(&raw const NOTHING, Body::Nothing, Surface::default(), now)
    }

    /// Whether there is no code in it.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self.body, Body::Nothing)
    }

    /// Generation 0.
    pub(crate) fn linked(dispatch: Box<Dispatch>, surface: Surface, now: Instant) -> Generation {
        Generation::without_code(Box::into_raw(dispatch), Body::Linked, surface, now)
    }

    fn without_code(
        dispatch: *const Dispatch,
        body: Body,
        surface: Surface,
        now: Instant,
    ) -> Generation {
        Generation {
            number: 0,
            kind: Kind::Linked,
            digest: None,
            published: now,
            surface,
            class: None,
            drain: None,
            retained: None,
            hooks: Vec::new(),
            dispatch,
            body,
        }
    }

    /// The table, for publishing: it stays allocated until this generation is unloaded.
    pub(crate) fn dispatch(&self) -> &'static Dispatch {
        // SAFETY: allocated by `Box::into_raw` and freed only by `unload`, after the gate said that nobody uses it.
        unsafe { &*self.dispatch }
    }

    /// What its code left behind; `None` for the program's own.
    pub(crate) fn left_behind(&self) -> Option<&LeftBehind> {
        match &self.body {
            Body::Loaded(loaded) => Some(loaded.left_behind),
            Body::Linked | Body::Nothing | Body::Closed(_) => None,
        }
    }

    /// Whether something it left behind is known to hold it, and known to end.
    ///
    /// A generation of which not everything is known is not waited for.
    pub(crate) fn is_held(&self, protections: &Protections) -> bool {
        match &self.body {
            Body::Loaded(loaded) => loaded.is_held(protections),
            Body::Linked | Body::Nothing | Body::Closed(_) => false,
        }
    }

    /// How many bytes of its image are in memory.
    pub(crate) fn in_memory(&self) -> u64 {
        self.mapped().map_or(0, pages::in_memory)
    }

    /// Gives back what the system can read again when it is used.
    pub(crate) fn give_back(&self) {
        if let Some(image) = self.mapped() {
            pages::give_back(image);
        }
    }

    fn mapped(&self) -> Option<&MappedImage> {
        match &self.body {
            Body::Loaded(loaded) => loaded.mapped(),
            Body::Closed(remnant) => Some(remnant.image()),
            Body::Linked | Body::Nothing => None,
        }
    }

    /// Whether it is in quarantine.
    pub(crate) fn is_quarantined(&self) -> bool {
        matches!(&self.body, Body::Loaded(loaded) if loaded.quarantine.is_on())
    }

    /// Has its quarantine end at the next look, which is to be at once.
    pub(crate) fn cut_quarantine_short(&mut self, now: Instant) {
        if let Body::Loaded(loaded) = &mut self.body {
            loaded.quarantine.cut_short(now);
        }
        if let Some(drain) = &mut self.drain {
            drain.hurry(now);
        }
    }

    /// The copy of the hot crate in its image, while that is loaded.
    pub(crate) fn image(&self, host: &'static HotCrate) -> Option<&'static HotCrate> {
        match &self.body {
            Body::Linked => Some(host),
            Body::Loaded(loaded) => Some(loaded.hot_crate),
            Body::Nothing | Body::Closed(_) => None,
        }
    }

    /// By whom its bytes are signed, while they are loaded and where the program asks for that.
    pub(crate) fn signed(&self) -> Option<&Signed> {
        match &self.body {
            Body::Loaded(loaded) => loaded.stage.signed(),
            Body::Linked | Body::Nothing | Body::Closed(_) => None,
        }
    }

    /// Whether one of its hooks may still run.
    pub(crate) fn runs_hooks(&mut self) -> bool {
        self.hooks.retain(|hooks| !hooks.has_left());
        !self.hooks.is_empty()
    }

    /// Tries to unload a generation that nobody is inside; one that must stay has the reason noted.
    pub(crate) fn unload(mut self, protections: &Protections, now: Instant) -> Ending<Generation> {
        let left = match std::mem::replace(&mut self.body, Body::Linked) {
            body @ (Body::Linked | Body::Nothing) => {
                Left::Stays(body, "it is the program's own code".to_owned())
            }
            Body::Loaded(loaded) => loaded.leave(protections, now),
            // SAFETY: dylib obligation 2: the generation was proven free before it was first closed.
            Body::Closed(remnant) => match unsafe { remnant.collect() } {
                CloseOutcome::StillMapped { remnant, .. } => {
                    let why = kept_by_loader(&remnant);
                    Left::Stays(Body::Closed(remnant), why)
                }
                CloseOutcome::Unloaded | CloseOutcome::Unknown => Left::Gone,
            },
        };
        self.retained = None;
        match left {
            Left::Gone => {
                self.free_dispatch();
                Ending::Gone
            }
            Left::NotYet(loaded, then) => {
                self.body = Body::Loaded(loaded);
                Ending::Later(self, then)
            }
            Left::Stays(body, why) => {
                self.body = body;
                self.retained = Some(why);
                Ending::Stays(self)
            }
        }
    }

    fn free_dispatch(&mut self) {
        // SAFETY: allocated by `Box::into_raw`; the gate said that nobody uses it, and it is freed only here, where the
        // generation ends.
        drop(unsafe { Box::from_raw(self.dispatch.cast_mut()) });
    }
}
