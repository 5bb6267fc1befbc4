//! The panic fence: a panic in hot code is caught in the image it happened in and raised again in its caller's.
//!
//! A panic must not unwind out of an image that carries its own standard library: the process would abort. So
//! the body that a table points to never unwinds; it returns [`Fenced`] and leaves a panic in its caller's
//! [`PanicSlot`]. The wrapper takes over what it needs of the panic while its call still holds the generation, leaves, and
//! raises it again: with the payload itself where both are the same image, and with a copy of its message where
//! they are not (the payload's code and its literal texts are gone once the generation is unloaded).

use std::any::Any;
use std::cell::Cell;
use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::function::HotFunction;
use crate::hot_crate::HotCrate;

/// The result of a fenced body, which is there unless the [`PanicSlot`] of the call was filled.
///
/// Passed like `R` itself, so that a call that does not panic costs nothing for the possibility.
#[repr(transparent)]
#[must_use = "a panic is raised again when the call is finished"]
pub struct Fenced<R>(MaybeUninit<R>);

/// Where a fenced body leaves the panic that ended it; null where it returned.
///
/// Without a destructor, so that the call needs no landing pad: finishing the call empties it.
#[repr(transparent)]
pub struct PanicSlot(Cell<*mut Caught>);

/// A fenced body's way to its caller's [`PanicSlot`].
///
/// Has no lifetime, because an additional reference among the arguments would change what elided lifetimes mean.
#[repr(transparent)]
pub struct PanicOut(*const PanicSlot);

/// A panic on its way from one image to another.
pub(crate) struct Caught {
    payload: Box<dyn Any + Send>,
    image: &'static HotCrate,
}

/// The text of a panic's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// `panic!("literal")`
    Literal(&'a str),
    /// `panic!("formatted {}", ..)`
    Formatted(&'a str),
    /// `panic_any(value)` of any other type.
    Other,
}

impl<'a> Message<'a> {
    /// The text, or what the standard library says in place of one.
    pub(crate) fn text(self) -> &'a str {
        match self {
            Message::Literal(text) | Message::Formatted(text) => text,
            Message::Other => "Box<dyn Any>",
        }
    }
}

/// Runs `body`, that of `function` in `image`, and never unwinds.
///
/// # Safety
///
/// `out` was made for this call, which has not ended.
#[inline(always)]
pub unsafe fn fence<R, F: Copy>(
    image: &'static HotCrate,
    function: &'static HotFunction<F>,
    out: PanicOut,
    body: impl FnOnce() -> R,
) -> Fenced<R> {
    // The body's arguments are the caller's, and the panic is raised again for it to judge.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Fenced(MaybeUninit::new(value)),
        Err(payload) => {
            // SAFETY: the caller of the body keeps the slot until it returns (PanicSlot::out).
            let slot = unsafe { &*out.0 };
            slot.fill(payload, image, function.entry().path());
            Fenced(MaybeUninit::uninit())
        }
    }
}

impl PanicSlot {
    /// An empty slot for one call.
    #[inline(always)]
    #[must_use]
    pub const fn new() -> PanicSlot {
        PanicSlot(Cell::new(ptr::null_mut()))
    }

    /// What the body is called with.
    ///
    /// # Safety
    ///
    /// The slot is neither moved nor dropped before the call ended.
    #[inline(always)]
    #[must_use]
    pub unsafe fn out(&self) -> PanicOut {
        PanicOut(ptr::from_ref(self))
    }

    // The box is made and opened by the image that panicked: its allocator may be another than the caller's.
    #[cold]
    fn fill(&self, payload: Box<dyn Any + Send>, image: &'static HotCrate, function: &'static str) {
        note_caught();
        image.tell_left(function, message_of(&*payload).text());
        self.0.set(Box::into_raw(Box::new(Caught { payload, image })));
    }
}

impl Default for PanicSlot {
    fn default() -> PanicSlot {
        PanicSlot::new()
    }
}

impl<R> Fenced<R> {
    /// Calls `leave` and gives the result, or raises in the image `here` what is in `slot`.
    ///
    /// # Safety
    ///
    /// The body that returned `self` was called with `slot`.
    #[inline(always)]
    pub(crate) unsafe fn into_result(
        self,
        slot: PanicSlot,
        here: &'static HotCrate,
        leave: impl FnOnce(),
    ) -> R {
        let caught = slot.0.get();
        if !caught.is_null() {
            // SAFETY: `fill` made the box for this one call.
            let caught = unsafe { Box::from_raw(caught) };
            let payload = take_over(caught, here);
            leave();
            resume_unwind(payload);
        }
        leave();
        // SAFETY: `fence` fills the slot exactly when it returns no value.
        unsafe { self.0.assume_init() }
    }
}

/// Runs `code`, catches its panic with the standard library of the image it is called in, and never unwinds.
///
/// For code that crosses into `image` by a vtable, where no wrapper stands at the border: the frames of the caller's
/// image that the panic passes on its way only clean up, which they may.
pub(crate) type Guard = fn(&'static HotCrate, &mut dyn FnMut()) -> Option<Box<Caught>>;

/// The [`Guard`] of this image.
pub(crate) fn guard(image: &'static HotCrate, code: &mut dyn FnMut()) -> Option<Box<Caught>> {
    // Who keeps what the code worked on has the panic raised again, to judge for itself.
    let payload = catch_unwind(AssertUnwindSafe(code)).err()?;
    note_caught();
    Some(Box::new(Caught { payload, image }))
}

/// Runs `code`, which calls into `image`, and gives what it panicked with, as far as that does not need the image.
#[cfg(any(debug_assertions, feature = "always"))]
pub(crate) fn guarded(
    image: &'static HotCrate,
    code: &mut dyn FnMut(),
) -> Option<Box<dyn Any + Send>> {
    let caught = (image.ops().guard)(image, code)?;
    Some(take_over(caught, image.host()))
}

/// How many panics this copy of the crate has caught on their way out of hot code.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

/// How many panics were caught on their way out of hot code that shares this image's copy of the crate.
#[must_use]
pub fn caught() -> u64 {
    // Relaxed: see `note_caught`.
    CAUGHT.load(Ordering::Relaxed)
}

/// Takes note of a panic that leaves hot code.
#[cold]
pub(crate) fn note_caught() {
    // Relaxed: who reads it for a generation does so when the gate and the counts have said that nothing holds that, which
    // orders it after whatever its code did.
    CAUGHT.fetch_add(1, Ordering::Relaxed);
}

/// The payload, as far as it does not need the generation that panicked.
#[cold]
fn take_over(caught: Box<Caught>, here: &'static HotCrate) -> Box<dyn Any + Send> {
    let image = caught.image;
    if ptr::eq(image, here) {
        return caught.payload;
    }
    let mut copy: Box<dyn Any + Send> =
        Box::new("panic with a payload of the hot crate's own type");
    (image.ops().read_panic)(caught, &mut |message| {
        copy = match message {
            Message::Literal(text) => Box::new(intern(text)),
            Message::Formatted(text) => Box::new(text.to_owned()),
            Message::Other => return,
        }
    });
    copy
}

/// Runs [`read_panic`] of the image that panicked.
pub(crate) type ReadPanic = fn(Box<Caught>, &mut dyn FnMut(Message<'_>));

/// Reads and drops a payload with the code and the allocator of the image that made it.
pub(crate) fn read_panic(caught: Box<Caught>, read: &mut dyn FnMut(Message<'_>)) {
    read(message_of(&*caught.payload));
    // A payload whose own destructor panics must not end the caller as well.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(caught)));
    std::mem::forget(dropped);
}

pub(crate) fn message_of(payload: &(dyn Any + Send)) -> Message<'_> {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        Message::Literal(text)
    } else if let Some(text) = payload.downcast_ref::<String>() {
        Message::Formatted(text)
    } else {
        Message::Other
    }
}

/// Keeps one copy of every literal panic message, so that catching one finds the `&'static str` it expects.
///
/// Bounded by the number of different literals in the hot crate's panics.
fn intern(text: &str) -> &'static str {
    static LITERALS: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut literals = LITERALS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let literals = literals.get_or_insert_with(HashSet::new);
    if let Some(known) = literals.get(text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    literals.insert(kept);
    kept
}

/// A panic as the panicking image saw it, for the host's hook and events.
#[derive(Debug, Clone, Copy)]
pub struct PanicReport<'a> {
    /// The panic's message.
    pub message: &'a str,
    /// File, line and column of the panic.
    pub location: (&'a str, u32, u32),
}

/// A panic that left a hot function of another image than the host's, for whoever judges generations.
///
/// One that passes through several hot functions is told once for each, the innermost first.
#[derive(Debug, Clone, Copy)]
pub struct LeftBy<'a> {
    /// The number of the generation, zero while it is not published.
    pub generation: u64,
    /// The path of the hot function.
    pub function: &'a str,
    /// The panic's message.
    pub message: &'a str,
}

/// Tells the host's listener of a panic that left a function of another image. Never unwinds: the caller is a fence.
pub(crate) fn report_left(host: &'static HotCrate, left: LeftBy<'_>) {
    let notified = catch_unwind(AssertUnwindSafe(|| host.notify_left(left)));
    // Its own panic's payload may panic again when it is dropped.
    std::mem::forget(notified);
}

/// An address in the standard library that this image uses.
pub(crate) const fn standard_library() -> *const () {
    type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send>;
    // One that keeps nothing of its caller's: a shared artifact is judged by whom it can call.
    let take_hook: fn() -> Hook = std::panic::take_hook;
    take_hook as *const ()
}

/// Makes panics in this image's own standard library known to the host's panic hook.
///
/// Called in an image that carries its own standard library, whose default hook would print on its own and leave
/// the host's hook (which may have a terminal to restore) unaware.
pub(crate) fn forward_hook(host: &'static HotCrate) {
    std::panic::set_hook(Box::new(move |info| {
        let location = info.location();
        let message = message_of(info.payload()).text();
        let location = location
            .map_or(("unknown", 0, 0), |place| (place.file(), place.line(), place.column()));
        (host.ops().report_panic)(host, PanicReport { message, location });
    }));
}

/// Drops the hook that `forward_hook` installed: the standard library it is in is about to go.
pub(crate) fn take_back_hook() {
    drop(std::panic::take_hook());
}

/// Runs the host's panic hook with message and place of a panic of another image.
///
/// The hook's own `location()` is this function's, because no other can be given; the text says the true one.
/// Never unwinds: the caller is another image's hook.
pub(crate) fn report_panic(host: &'static HotCrate, report: PanicReport<'_>) {
    let (file, line, column) = report.location;
    let text =
        format!("{}\n  in hot code of `{}` at {file}:{line}:{column}", report.message, host.name());
    let hooked = catch_unwind(AssertUnwindSafe(|| std::panic::panic_any(text)));
    // Dropping a String cannot panic.
    drop(hooked);
    let notified = catch_unwind(AssertUnwindSafe(|| host.notify_panic(report)));
    // Its own panic's payload may panic again when it is dropped.
    std::mem::forget(notified);
}

#[cfg(test)]
mod tests;
