//! The library of a generation while it is loaded, and its way out.

use std::cell::OnceCell;
use std::ops::Range;
use std::time::Instant;

use liveswap_abi::{HotCrate, LeftBehind};

use super::Body;
use super::ending::{Protections, Verdict};
use super::quarantine::Phase;
use crate::callsites::Housed;
use crate::drain;
use crate::dylib::{CloseOutcome, Image, MappedImage, Remnant};
use crate::error::Error;
use crate::event::Kind;
use crate::keeps;
use crate::panics;
use crate::scan::{Answer, Search, Target};
use crate::stage::StagedArtifact;

#[derive(Debug)]
pub(super) struct Loaded {
    image: Image,
    pub(super) hot_crate: &'static HotCrate,
    pub(super) host: &'static HotCrate,
    /// What it is in truth, whatever its manifest says.
    pub(super) kind: Kind,
    pub(super) left_behind: &'static LeftBehind,
    pub(super) stage: StagedArtifact,
    /// Its `tracing` callsites.
    callsites: Housed,
    /// Why a pointer to it may be kept in the program, once it was asked.
    keeps: OnceCell<Option<String>>,
    /// By which signature an address inside of it may have got out, once it was published; and by which import, once it was
    /// asked.
    escape: Option<String>,
    unsearched: OnceCell<Option<String>>,
    /// How many panics there were before its code could run.
    panics: u64,
    search: Search,
    /// Where its table is, which leads to its code.
    pub(super) table: Range<usize>,
    pub(super) quarantine: Phase,
}

/// What came of a loaded library's way out.
#[derive(Debug)]
pub(super) enum Left {
    Gone,
    NotYet(Box<Loaded>, Instant),
    Stays(Body, String),
}

impl Loaded {
    /// Loads a verified stage and connects it to the host.
    pub(super) fn load(stage: StagedArtifact, host: &'static HotCrate) -> Result<Loaded, Error> {
        let panics = panics::count();
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
        // SAFETY: verify compared abi and compiler, so a symbol of this name refers to a `HotCrate` of the same layout; that
        // stays for as long as the image is mapped, and references to it end before `close`.
        let hot_crate: &'static HotCrate = unsafe { symbol.cast::<&'static HotCrate>().read() };
        hot_crate.connect(host, left_behind);
        let standalone = hot_crate.is_standalone(host);
        let kind = if standalone { Kind::Standalone } else { Kind::Shared };
        let callsites = match image.mapped() {
            Some(mapped) if kind == Kind::Shared => {
                let parts: Vec<_> = mapped.segments.iter().map(|part| part.range.clone()).collect();
                Housed::house(stage.path(), mapped.base, &parts)
            }
            _ => Housed::default(),
        };
        let keeps = OnceCell::new();
        let (search, table, quarantine) = (Search::default(), 0..0, Phase::default());
        let loaded = Loaded {
            image,
            hot_crate,
            host,
            kind,
            left_behind,
            stage,
            callsites,
            keeps,
            escape: Some("its signatures were not judged".to_owned()),
            unsearched: OnceCell::new(),
            panics,
            search,
            table,
            quarantine,
        };
        loaded.watch();
        Ok(loaded)
    }

    /// Whether something it left behind is known to hold it, and known to end.
    ///
    /// A library of which not everything is known is not waited for.
    pub(super) fn is_held(&self, protections: &Protections) -> bool {
        self.unprovable().is_none()
            && self.kept(protections).is_none()
            && !self.left_behind.is_empty()
    }

    /// Where it is in memory, as far as the loader tells.
    pub(super) fn mapped(&self) -> Option<&MappedImage> {
        self.image.mapped()
    }

    /// Takes the way out as far as it goes now; nobody is inside.
    pub(super) fn leave(mut self: Box<Self>, protections: &Protections, now: Instant) -> Left {
        let steps = [Loaded::counted, Loaded::judged, Loaded::looked_for, Loaded::quarantined];
        for step in steps {
            match step(&mut self, protections, now) {
                Verdict::Clear => {}
                Verdict::NotYet(then) => return Left::NotYet(self, then),
                Verdict::Stays(why) => return Left::Stays(Body::Loaded(self), why),
            }
        }
        self.left_behind.withdraw(); // I4 of the interposers
        if let Some(why) = self.left() {
            self.watch();
            return Left::Stays(Body::Loaded(self), why);
        }
        match self.close() {
            CloseOutcome::StillMapped { remnant, refusal } => {
                let why = refusal.unwrap_or_else(|| kept_by_loader(&remnant));
                Left::Stays(Body::Closed(remnant), why)
            }
            CloseOutcome::Unloaded | CloseOutcome::Unknown => Left::Gone,
        }
    }

    /// Step 1: what it left behind is counted. That the counts are zero was seen before, and is seen once more at the end.
    fn counted(&mut self, _: &Protections, _: Instant) -> Verdict {
        self.unprovable().map_or(Verdict::Clear, Verdict::Stays)
    }

    /// Step 2: by its imports and its callsites, nobody can have kept a pointer to it.
    fn judged(&mut self, protections: &Protections, _: Instant) -> Verdict {
        let imports = self.kept(protections).map(str::to_owned);
        imports.or_else(|| self.callsites.why_kept()).map_or(Verdict::Clear, Verdict::Stays)
    }

    /// Step 3: nobody has a pointer to it, as far as can be seen.
    fn looked_for(&mut self, protections: &Protections, now: Instant) -> Verdict {
        // Where the loader does not tell where the image is, nothing can be looked for.
        let Some(mapped) = self.image.mapped().filter(|_| protections.scan) else {
            return Verdict::Clear;
        };
        let Some(why) = self.may_be_reached() else { return Verdict::Clear };
        tracing::trace!(stage = %self.stage.path().display(), why, "memory is searched");
        let this = &raw const *self;
        let target = || Target {
            file: self.stage.path().to_owned(),
            base: mapped.base,
            segments: mapped.segments.iter().map(|segment| segment.range.clone()).collect(),
            locals: mapped.locals,
            known: vec![
                this.addr()..this.addr() + size_of::<Loaded>(),
                self.table.clone(),
                LeftBehind::key_places(),
            ],
        };
        match self.search.ask(target, drain::RETAINED, now) {
            Answer::Unreached => Verdict::Clear,
            Answer::NotYet(then) => Verdict::NotYet(then),
            Answer::Reached(why) => Verdict::Stays(why),
        }
    }

    /// Step 4: for a while, nobody could call it unnoticed, and nobody did.
    fn quarantined(&mut self, protections: &Protections, now: Instant) -> Verdict {
        self.quarantine.step(self.image.mapped(), protections.quarantine, now)
    }

    /// Has the host's interposers count for it, if its standard library is the host's.
    fn watch(&self) {
        // Where the loader does not tell where the image is, nothing can be counted, and it stays unprovable.
        if let (Kind::Shared, Some(mapped)) = (self.kind, self.image.mapped()) {
            let parts = mapped.segments.iter().map(|segment| segment.range.clone());
            self.left_behind.watch(mapped.base, parts.collect());
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

    /// What it left behind although nobody is inside: somebody has kept a pointer to it.
    fn left(&self) -> Option<String> {
        (!self.left_behind.is_empty()).then(|| {
            let threads = self.left_behind.threads();
            let destructors = self.left_behind.destructors();
            let keys = self.left_behind.key_values();
            let leases = self.left_behind.leases();
            format!(
                "hot code left {threads} running threads, {destructors} thread-local destructors, {keys} values with \
                 a destructor and {leases} leases behind"
            )
        })
    }

    /// Why a pointer to it may be kept in the program; `None` where none can.
    fn kept(&self, protections: &Protections) -> Option<&str> {
        if self.kind != Kind::Shared || !protections.judge_imports {
            // Whoever a standalone one registers something with is part of it, but for the C library.
            return None;
        }
        self.imports()
    }

    /// By which of its imports the shared artifact may have left a pointer to itself.
    fn imports(&self) -> Option<&str> {
        let reason = || keeps::reason(self.stage.path(), self.host.name(), self.callsites.count());
        self.keeps.get_or_init(reason).as_deref()
    }

    /// Says by which signature an address inside of it may get out, if by any.
    pub(super) fn judge_signatures(&mut self, escape: Option<String>) {
        self.escape = escape;
    }

    /// Why memory has to be searched for pointers to it: by which way one may have got out; `None` where there is none.
    ///
    /// The ways are those of `liveswap_abi::layout::Escape`, by their numbers.
    fn may_be_reached(&self) -> Option<String> {
        let signature = self.escape.clone(); // 1 to 4, 6, 7, 9
        let state = || {
            let name = liveswap_abi::state::pointing()?; // 5
            Some(format!("there was a state of `{name}`, which may have kept addresses"))
        };
        let panicked = || {
            let shown = self.kind == Kind::Shared && panics::count() != self.panics; // 8
            shown.then(|| "the program's panic hook was called while it was loaded".to_owned())
        };
        let imports = || match self.kind {
            Kind::Shared => self.imports().map(str::to_owned),
            _ => None,
        };
        let unsearched = || {
            let ask = || keeps::unsearched(self.stage.path(), self.kind);
            self.unsearched.get_or_init(ask).clone()
        };
        signature.or_else(state).or_else(panicked).or_else(imports).or_else(unsearched)
    }

    /// Steps 2 to 4 of the drop order; nothing holds the generation.
    fn close(self) -> CloseOutcome {
        let Loaded { image, hot_crate, left_behind, stage, mut callsites, .. } = self;
        callsites.withdraw();
        left_behind.release_keys();
        hot_crate.disconnect();
        // SAFETY: dylib obligation 2: the gate and the counts are empty, `hot_crate` is not used again.
        let outcome = unsafe { image.close() };
        free(left_behind);
        drop(stage);
        outcome
    }
}

pub(super) fn kept_by_loader(remnant: &Remnant) -> String {
    format!("the loader keeps `{}` mapped", remnant.image().path.display())
}

/// Frees the counts of a generation that is gone, or never was; anything counted still keeps them.
fn free(left_behind: &'static LeftBehind) {
    if left_behind.is_empty() {
        let left_behind: *const LeftBehind = left_behind;
        // SAFETY: leaked by `Loaded::load`, and nobody watches for it any more; every count is zero, so no wrapper
        // refers to it either.
        drop(unsafe { Box::from_raw(left_behind.cast_mut()) });
    }
}
