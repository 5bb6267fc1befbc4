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
//! Dropping a `Generation` in any other way leaves all of it where it is, which is always sound.

use std::cell::OnceCell;
use std::time::Instant;

use blake3::Hash;
use liveswap_abi::dispatch::Dispatch;
use liveswap_abi::hook::Role;
use liveswap_abi::{HotCrate, LeftBehind};

use crate::check::Surface;
use crate::drain::Drain;
use crate::dylib::{CloseOutcome, Image, Remnant};
use crate::error::Error;
use crate::event::{EditClass, Kind};
use crate::inside::Inside;
use crate::keeps;
use crate::stage::StagedArtifact;

/// An artifact that is loaded and connected, but not published.
#[derive(Debug)]
pub(crate) struct Candidate {
    loaded: Loaded,
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

#[derive(Debug)]
struct Loaded {
    image: Image,
    hot_crate: &'static HotCrate,
    host: &'static HotCrate,
    /// What it is in truth, whatever its manifest says.
    kind: Kind,
    left_behind: &'static LeftBehind,
    stage: StagedArtifact,
    /// Why a pointer to it may be kept in the program, once it was asked.
    keeps: OnceCell<Option<String>>,
}

impl Candidate {
    /// Loads a verified stage and connects it to the host.
    ///
    /// # Errors
    ///
    /// [`Error::LibraryOpen`] and [`Error::SymbolMissing`].
    pub(crate) fn load(stage: StagedArtifact, host: &'static HotCrate) -> Result<Candidate, Error> {
        let left_behind: &'static LeftBehind = Box::leak(Box::new(LeftBehind::new()));
        let loading = left_behind.while_loading();
        // SAFETY: dylib obligation 1: the bytes are the stage's, which were verified and are ours alone.
        let image = unsafe { Image::open(stage.path()) };
        drop(loading);
        let image = match image {
            Ok(image) => image,
            Err(error) => {
                free(left_behind);
                return Err(error);
            }
        };
        let symbol = image.symbol(&format!("__liveswap_{}", host.name()))?;
        // SAFETY: verify compared abi and compiler, so a symbol of this name is a `HotCrate` of the same layout; it stays
        // for as long as the image is mapped, and references to it end before `close`.
        let hot_crate: &'static HotCrate = unsafe { symbol.cast::<HotCrate>().as_ref() };
        hot_crate.connect(host, left_behind);
        let standalone = hot_crate.is_standalone(host);
        let kind = if standalone { Kind::Standalone } else { Kind::Shared };
        let keeps = OnceCell::new();
        let loaded = Loaded { image, hot_crate, host, kind, left_behind, stage, keeps };
        loaded.watch();
        Ok(Candidate { loaded })
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
        let dispatch = Box::into_raw(dispatch);
        self.loaded.left_behind.set_table(self.loaded.host.gate(), dispatch);
        Generation {
            number,
            kind: self.loaded.kind,
            digest: Some(self.loaded.stage.digest()),
            published: now,
            surface,
            class: Some(class),
            drain: None,
            retained: None,
            hooks: Vec::new(),
            dispatch,
            body: Body::Loaded(Box::new(self.loaded)),
        }
    }

    /// Lets go of an artifact that was refused after loading, which nobody is inside; gives it back if something it
    /// left behind may still run. One of which that cannot be known stays mapped.
    pub(crate) fn discard(self) -> Result<(), Box<Candidate>> {
        let loaded = &self.loaded;
        // Of its functions only self-checks can have been called.
        let checked = !loaded.hot_crate.hooks_of(Role::SelfCheck).is_empty();
        if loaded.unprovable().is_some() || (checked && loaded.kept().is_some()) {
            return Ok(());
        }
        if !loaded.left_behind.is_empty() || !liveswap_abi::state::holds().is_empty() {
            return Err(Box::new(self));
        }
        loaded.left_behind.withdraw(); // I4 of the interposers
        if !loaded.left_behind.is_empty() {
            loaded.watch();
            return Err(Box::new(self));
        }
        // What the loader answers changes nothing: the artifact was never published.
        let _ = self.loaded.close();
        Ok(())
    }
}

impl Generation {
    /// No code at all.
    pub(crate) fn nothing(now: Instant) -> Generation {
        let generation = Generation::linked(Dispatch::new(0, Vec::new()), Surface::default(), now);
        Generation { body: Body::Nothing, ..generation }
    }

    /// Whether there is no code in it.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self.body, Body::Nothing)
    }

    /// Generation 0.
    pub(crate) fn linked(dispatch: Box<Dispatch>, surface: Surface, now: Instant) -> Generation {
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
            dispatch: Box::into_raw(dispatch),
            body: Body::Linked,
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
    pub(crate) fn is_held(&self) -> bool {
        match &self.body {
            Body::Loaded(loaded) => {
                loaded.unprovable().is_none()
                    && loaded.kept().is_none()
                    && !loaded.left_behind.is_empty()
            }
            Body::Linked | Body::Nothing | Body::Closed(_) => false,
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

    /// Whether one of its hooks may still run.
    pub(crate) fn runs_hooks(&mut self) -> bool {
        self.hooks.retain(|hooks| !hooks.has_left());
        !self.hooks.is_empty()
    }

    /// Tries to unload a generation that nobody is inside; gives it back, with the reason noted, if it must stay.
    pub(crate) fn unload(mut self) -> Result<(), Box<Generation>> {
        let body = std::mem::replace(&mut self.body, Body::Linked);
        let (body, why) = match body {
            body @ (Body::Linked | Body::Nothing) => {
                (body, "it is the program's own code".to_owned())
            }
            Body::Loaded(loaded) => match loaded.unload() {
                Ok(()) => {
                    self.free_dispatch();
                    return Ok(());
                }
                Err((body, why)) => (body, why),
            },
            Body::Closed(remnant) => {
                // SAFETY: dylib obligation 2: the generation was proven free before it was first closed.
                match unsafe { remnant.collect() } {
                    CloseOutcome::StillMapped { remnant, .. } => {
                        let why = kept_by_loader(&remnant);
                        (Body::Closed(remnant), why)
                    }
                    CloseOutcome::Unloaded | CloseOutcome::Unknown => {
                        self.free_dispatch();
                        return Ok(());
                    }
                }
            }
        };
        self.body = body;
        self.retained = Some(why);
        Err(Box::new(self))
    }

    fn free_dispatch(&mut self) {
        // SAFETY: allocated by `Box::into_raw`; the gate said that nobody uses it, and it is freed only here, where the
        // generation ends.
        drop(unsafe { Box::from_raw(self.dispatch.cast_mut()) });
    }
}

impl Loaded {
    /// Has the host's interposers count for it, if its standard library is the host's.
    fn watch(&self) {
        // Where the loader does not tell where the image is, nothing can be counted, and it stays unprovable.
        if let (Kind::Shared, Some(mapped)) = (self.kind, self.image.mapped()) {
            let parts = mapped.segments.iter().map(|segment| segment.range.clone());
            self.left_behind.watch(mapped.base, parts.collect());
        }
    }

    fn unload(self: Box<Self>) -> Result<(), (Body, String)> {
        if let Some(why) = self.unprovable() {
            return Err((Body::Loaded(self), why));
        }
        if let Some(why) = self.kept().map(str::to_owned) {
            return Err((Body::Loaded(self), why));
        }
        self.left_behind.withdraw(); // I4 of the interposers
        if !self.left_behind.is_empty() {
            // Code of it ran although nobody was inside: somebody has kept a pointer to it.
            self.watch();
            let threads = self.left_behind.threads();
            let destructors = self.left_behind.destructors();
            let keys = self.left_behind.key_values();
            let why = format!(
                "hot code left {threads} running threads, {destructors} thread-local destructors and {keys} \
                 values with a destructor behind"
            );
            return Err((Body::Loaded(self), why));
        }
        match self.close() {
            CloseOutcome::StillMapped { remnant, refusal } => {
                let why = refusal.unwrap_or_else(|| kept_by_loader(&remnant));
                Err((Body::Closed(remnant), why))
            }
            CloseOutcome::Unloaded | CloseOutcome::Unknown => Ok(()),
        }
    }

    /// Why it cannot be known what the generation left behind; `None` where it is known.
    fn unprovable(&self) -> Option<String> {
        (!self.left_behind.is_provable()).then(|| {
            "what its code leaves behind cannot be counted: the thread functions of its standard library are not \
             bound to those that count on this platform, or its initializers used them"
                .to_owned()
        })
    }

    /// Why a pointer to it may be kept in the program; `None` where none can.
    fn kept(&self) -> Option<&str> {
        if self.kind != Kind::Shared {
            // Whoever it registers something with is part of it, but for the C library.
            return None;
        }
        let reason = || keeps::reason(self.stage.path(), self.host.name());
        self.keeps.get_or_init(reason).as_deref()
    }

    /// Steps 2 to 4 of the drop order; nothing holds the generation.
    fn close(self) -> CloseOutcome {
        let Loaded { image, hot_crate, left_behind, stage, .. } = self;
        left_behind.release_keys();
        hot_crate.disconnect();
        // SAFETY: dylib obligation 2: the gate and the counts are empty, `hot_crate` is not used again.
        let outcome = unsafe { image.close() };
        free(left_behind);
        drop(stage);
        outcome
    }
}

fn kept_by_loader(remnant: &Remnant) -> String {
    format!("the loader keeps `{}` mapped", remnant.image().path.display())
}

/// Frees the counts of a generation that is gone, or never was; anything counted still keeps them.
fn free(left_behind: &'static LeftBehind) {
    if left_behind.is_empty() {
        let left_behind: *const LeftBehind = left_behind;
        // SAFETY: leaked by `Candidate::load`, and nobody watches for it any more; every count is zero, so no wrapper
        // refers to it either.
        drop(unsafe { Box::from_raw(left_behind.cast_mut()) });
    }
}
