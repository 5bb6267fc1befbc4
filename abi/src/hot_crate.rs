//! A hot crate as one image contains it, and how an artifact's copy is connected to the host's.

use std::any::TypeId;
use std::cell::Cell;
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::LocalKey;

use crate::allocator;
use crate::dispatch::Dispatch;
use crate::function::FunctionEntry;
use crate::gate::{Claim, Gate, Nested, PinHold};
use crate::hook::{HookEntry, Role};
use crate::interpose::{self, HOST_SIDE, HostSide, LeftBehind};
use crate::lease;
use crate::panic::{self, LeftBy, PanicReport, ReadPanic};
use crate::state::{self, Migration};

/// The hot crates of this image, in no particular order; of a program, those that can be replaced in it.
///
/// With it a hot crate is found by its name, by a test kit for example. A crate of which the program uses nothing is
/// not linked, and then it is not here either.
#[cfg(any(debug_assertions, feature = "always"))]
#[linkme::distributed_slice]
pub static HOT_CRATES: [&'static HotCrate];

/// The hot crates of this image, in no particular order; of a program, those that can be replaced in it.
///
/// With it a hot crate is found by its name, by a test kit for example. A crate of which the program uses nothing is
/// not linked, and then it is not here either.
#[cfg(not(any(debug_assertions, feature = "always")))]
pub static HOT_CRATES: [&HotCrate; 0] = [];

/// Marks this copy of abi: an artifact that resolves abi from the host has the host's.
static COPY: u8 = 0;

/// Operations on an image that must run with that image's own code and allocator.
#[repr(C)]
pub(crate) struct Ops {
    copy: *const u8,
    /// Marks the standard library that the image uses.
    standard: *const (),
    host_side: &'static HostSide,
    states: &'static state::Side,
    connect: fn(&'static HotCrate, &'static HotCrate, &'static LeftBehind),
    disconnect: fn(&'static HotCrate),
    is_system_allocator: fn() -> Option<bool>,
    pub(crate) read_panic: ReadPanic,
    pub(crate) report_panic: fn(&'static HotCrate, PanicReport<'_>),
    report_left: fn(&'static HotCrate, LeftBy<'_>),
    pub(crate) guard: panic::Guard,
    pub(crate) leases: &'static lease::Side,
}

type PanicListener = Arc<dyn Fn(PanicReport<'_>) + Send + Sync>;

type LeftListener = Arc<dyn Fn(LeftBy<'_>) + Send + Sync>;

/// One image's copy of a hot crate, declared by [`hot_crate!`](crate::hot_crate!).
///
/// The host's copy is what a runtime is started with; it holds the gate. An artifact's copy is found by its exported
/// symbol and connected to the host's before any of its functions is called.
#[repr(C)]
pub struct HotCrate {
    name: &'static str,
    active: bool,
    identity: TypeId,
    manifest: &'static [u8],
    functions: fn() -> &'static [&'static FunctionEntry],
    hooks: fn() -> &'static [&'static HookEntry],
    migrations: fn() -> &'static [&'static Migration],
    attach: fn(&'static HotCrate) -> Option<Claim>,
    gate: Gate,
    host: AtomicPtr<HotCrate>,
    /// What is counted for the generation that this image is; null in the host.
    left_behind: AtomicPtr<LeftBehind>,
    ops: Ops,
    owned: AtomicBool,
    on_panic: Mutex<Option<PanicListener>>,
    on_left: Mutex<Option<LeftListener>>,
    generation: AtomicU64,
}

// SAFETY: `ops.copy` and `ops.standard` are only compared; everything else is immutable, atomic or behind a lock.
unsafe impl Sync for HotCrate {}
// SAFETY: as above.
unsafe impl Send for HotCrate {}

impl HotCrate {
    /// Describes the crate `name` in this image; used by [`hot_crate!`](crate::hot_crate!).
    #[allow(clippy::too_many_arguments, reason = "called by one macro, which has them all")]
    #[must_use]
    pub const fn new(
        name: &'static str,
        active: bool,
        identity: TypeId,
        manifest: &'static [u8],
        functions: fn() -> &'static [&'static FunctionEntry],
        hooks: fn() -> &'static [&'static HookEntry],
        migrations: fn() -> &'static [&'static Migration],
        attach: fn(&'static HotCrate) -> Option<Claim>,
    ) -> HotCrate {
        let ops = Ops {
            copy: &raw const COPY,
            standard: panic::standard_library(),
            host_side: &HOST_SIDE,
            states: &state::OWN,
            connect,
            disconnect,
            is_system_allocator: allocator::is_system,
            read_panic: panic::read_panic,
            report_panic: panic::report_panic,
            report_left: panic::report_left,
            guard: panic::guard,
            leases: &lease::OWN,
        };
        HotCrate {
            name,
            active,
            identity,
            manifest,
            functions,
            hooks,
            migrations,
            attach,
            gate: Gate::new(),
            host: AtomicPtr::new(ptr::null_mut()),
            left_behind: AtomicPtr::new(ptr::null_mut()),
            ops,
            owned: AtomicBool::new(false),
            on_panic: Mutex::new(None),
            on_left: Mutex::new(None),
            generation: AtomicU64::new(0),
        }
    }

    /// The crate's name, with underscores.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether hot functions can be replaced in this build.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Equal in host and artifact only when both were compiled as the same crate: same package, version, features,
    /// profile and compiler.
    #[must_use]
    pub fn identity(&self) -> TypeId {
        self.identity
    }

    /// The crate's own manifest record.
    #[must_use]
    pub fn manifest(&self) -> &'static [u8] {
        self.manifest
    }

    /// The hot functions that this image contains, in no particular order.
    #[must_use]
    pub fn functions(&self) -> &'static [&'static FunctionEntry] {
        (self.functions)()
    }

    /// The hooks of this image that have `role`, in the order in which they are called: that of their paths.
    #[must_use]
    pub fn hooks_of(&self, role: Role) -> Vec<&'static HookEntry> {
        let hooks = (self.hooks)().iter().copied();
        let mut hooks: Vec<&'static HookEntry> = hooks.filter(|hook| hook.role() == role).collect();
        hooks.sort_by_key(|hook| hook.path());
        hooks
    }

    /// Says which generation this image is, before it is published.
    pub fn set_generation(&self, number: u64) {
        // Relaxed: the swap's release store publishes it to those that call the generation.
        self.generation.store(number, Ordering::Relaxed);
    }

    /// The `#[hot(migrate)]` functions that this image contains, in no particular order.
    #[must_use]
    pub fn migrations(&self) -> &'static [&'static Migration] {
        (self.migrations)()
    }

    /// The gate; the host's is the one that counts.
    #[must_use]
    pub fn gate(&'static self) -> &'static Gate {
        &self.gate
    }

    pub(crate) fn ops(&self) -> &Ops {
        &self.ops
    }

    /// Makes all calls of this thread use the current generation until the guard drops.
    pub fn pin(&'static self) -> PinHold {
        let host = self.host();
        match (host.attach)(host) {
            Some(claim) => claim.pin(),
            None => host.gate.claim().pin_once(),
        }
    }

    /// Makes all calls of this thread use the generation of `dispatch` until the guard drops, whichever is current.
    ///
    /// For threads that the runtime starts to run a generation's own hooks. Where the thread holds a pin already, that one
    /// decides. Only the owner thread has it called, and keeps `dispatch` allocated until the guard was dropped.
    pub fn pin_to(&'static self, dispatch: &'static Dispatch) -> PinHold {
        let host = self.host();
        match (host.attach)(host) {
            Some(claim) => claim.pin_to(dispatch),
            None => host.gate.claim().pin_once(),
        }
    }

    /// Takes the crate for one runtime; `false` if another has it.
    #[must_use]
    pub fn take_ownership(&self) -> bool {
        // Acquire pairs with the release in `give_up_ownership`: what the former runtime left is seen.
        !self.owned.swap(true, Ordering::Acquire)
    }

    /// Lets another runtime take the crate.
    pub fn give_up_ownership(&self) {
        // Release pairs with the acquire in `take_ownership`.
        self.owned.store(false, Ordering::Release);
    }

    /// Says whether `self`, an artifact's copy, brings its own standard library and abi.
    #[must_use]
    pub fn is_standalone(&self, host: &HotCrate) -> bool {
        self.ops.copy != host.ops.copy
    }

    /// Whether this image's global allocator is the system's; `None` where that cannot be told.
    #[must_use]
    pub fn is_system_allocator(&self) -> Option<bool> {
        (self.ops.is_system_allocator)()
    }

    /// Connects an artifact's copy to the host's, and its interposers to `left_behind`.
    ///
    /// Done once, before any function of the artifact is called.
    pub fn connect(&'static self, host: &'static HotCrate, left_behind: &'static LeftBehind) {
        (self.ops.connect)(self, host, left_behind);
    }

    /// Takes back what `connect` left in the artifact's own standard library.
    ///
    /// The last call into an artifact, when nothing holds it any more, before it is unloaded.
    pub fn disconnect(&'static self) {
        (self.ops.disconnect)(self);
        state::image_goes();
    }

    /// Has `listener` called on the panicking thread for each panic in hot code of another image than the host's.
    pub fn set_panic_listener(&self, listener: Option<PanicListener>) {
        *self.on_panic.lock().unwrap_or_else(PoisonError::into_inner) = listener;
    }

    pub(crate) fn notify_panic(&self, report: PanicReport<'_>) {
        let listener = self.on_panic.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(listener) = listener {
            listener(report);
        }
    }

    /// Has `listener` called on the panicking thread for each panic that leaves a hot function of another image than the
    /// host's.
    pub fn set_left_listener(&self, listener: Option<LeftListener>) {
        *self.on_left.lock().unwrap_or_else(PoisonError::into_inner) = listener;
    }

    pub(crate) fn notify_left(&self, left: LeftBy<'_>) {
        let listener = self.on_left.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(listener) = listener {
            listener(left);
        }
    }

    /// Tells the host that a panic left `function` of this image, unless this is the host.
    pub(crate) fn tell_left(&'static self, function: &str, message: &str) {
        let host = self.host();
        if ptr::eq(host, self) {
            return;
        }
        // Relaxed: set before the swap that published the function which was called.
        let generation = self.generation.load(Ordering::Relaxed);
        (host.ops.report_left)(host, LeftBy { generation, function, message });
    }

    /// Enters for a call inside another one, from an artifact's code, or on a thread without a record.
    pub(crate) fn enter_nested(&'static self, slot: usize) -> Nested {
        let host = self.host();
        match (host.attach)(host) {
            Some(claim) => claim.enter_nested(slot),
            None => host.gate.claim().enter_once(slot),
        }
    }

    /// What is counted for the generation that this image is; `None` in the host, which is never unloaded.
    #[cfg(any(debug_assertions, feature = "always"))]
    pub(crate) fn left_behind(&self) -> Option<&'static LeftBehind> {
        // Acquire pairs with the release in `connect`.
        let left_behind = self.left_behind.load(Ordering::Acquire);
        // SAFETY: null, or set by `connect` from a `&'static` that the runtime frees only when the image is unloaded.
        unsafe { left_behind.as_ref() }
    }

    pub(crate) fn host(&'static self) -> &'static HotCrate {
        // Acquire pairs with the release in `connect`.
        let host = self.host.load(Ordering::Acquire);
        // SAFETY: null, or set by `connect` from a `&'static` of the host, which is never unloaded.
        unsafe { host.as_ref() }.unwrap_or(self)
    }
}

/// Runs in the artifact's own copy of abi if it has one, else in the host's.
fn connect(artifact: &'static HotCrate, host: &'static HotCrate, left_behind: &'static LeftBehind) {
    // Release pairs with the acquire in `host`.
    artifact.host.store(ptr::from_ref(host).cast_mut(), Ordering::Release);
    // Release pairs with the acquire in `left_behind`.
    artifact.left_behind.store(ptr::from_ref(left_behind).cast_mut(), Ordering::Release);
    if !ptr::eq(&raw const COPY, host.ops.copy) {
        interpose::connect(left_behind, host.ops.host_side);
        state::connect(host.ops.states);
        if has_own_standard(artifact, host) {
            panic::forward_hook(host);
        }
    }
}

/// Whether the artifact's panic hook is another than the host's: both may link one shared standard library.
fn has_own_standard(artifact: &HotCrate, host: &HotCrate) -> bool {
    !ptr::eq(artifact.ops.standard, host.ops.standard)
}

/// Runs where `connect` ran.
fn disconnect(artifact: &'static HotCrate) {
    if has_own_standard(artifact, artifact.host()) {
        panic::take_back_hook();
    }
}

impl fmt::Debug for HotCrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HotCrate")
            .field("name", &self.name)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// A thread's memory of its record.
pub type LocalRecord = Cell<Option<Claim>>;

/// Finds or claims the calling thread's record in the host; `None` while the thread's locals are being destroyed.
pub fn attach(
    image: &'static HotCrate,
    local: &'static LocalKey<LocalRecord>,
    exit: &'static LocalKey<ThreadExit>,
) -> Option<Claim> {
    if let Some(claim) = local.get() {
        return Some(claim);
    }
    // Arms the destructor that gives the record back.
    exit.try_with(|_| ()).ok()?;
    let claim = image.gate.claim();
    claim.set_name(std::thread::current().name().unwrap_or_default());
    local.set(Some(claim));
    Some(claim)
}

/// Gives a thread's record back when the thread ends.
pub struct ThreadExit(&'static LocalKey<LocalRecord>);

impl ThreadExit {
    /// Watches over the record in `local`.
    #[must_use]
    pub const fn new(local: &'static LocalKey<LocalRecord>) -> ThreadExit {
        ThreadExit(local)
    }
}

impl Drop for ThreadExit {
    fn drop(&mut self) {
        if let Some(claim) = self.0.take() {
            claim.release();
        }
    }
}
