//! The replaceable form: a box together with the count of its generation.
//!
//! Both are in a block of their own, and what is moved about is the block's address (L9). A value that is moved stays behind as it
//! was: at the end of a `Vec`, in the free places of a table, in a variable. Those words must not be addresses of code, which the
//! search of memory would find long after the lease is gone.

use std::any::type_name;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::panic::resume_unwind;

use crate::hot_crate::HotCrate;
use crate::interpose::LeftBehind;
use crate::panic::guarded;

/// A value of hot code that outlives its call, and holds the code that it needs until it is dropped.
///
/// Used like the value: by `Deref`, and as `Future` or `Iterator` where it is one. Made by [`lease!`](crate::lease!). It can be
/// dropped on any thread that could drop the value; it is `Send` and `Sync` as a `Box` of the value is.
///
/// # Panics
///
/// Dropping it panics with the panic of the value's own drop.
#[must_use = "dropping it ends what it was leased for"]
pub struct Lease<T: ?Sized> {
    /// Initialized until the lease is dropped.
    leased: Box<MaybeUninit<Leased<T>>>,
}

struct Leased<T: ?Sized> {
    value: Box<T>,
    hold: Option<Hold<T>>,
}

/// What holds the generation; not there where the code is the host's.
struct Hold<T: ?Sized> {
    /// Mapped until the count is lowered.
    image: &'static HotCrate,
    left_behind: &'static LeftBehind,
    mark: usize,
    /// Drops the value with the code that made it.
    end: fn(Box<T>),
}

/// Where panics of a value's code are caught.
#[derive(Clone, Copy)]
pub(super) struct Runner(Option<&'static HotCrate>);

impl<T: ?Sized> Lease<T> {
    pub(super) fn of(image: &'static HotCrate, value: Box<T>) -> Lease<T> {
        let hold = image.left_behind().map(|left_behind| {
            let side = image.host().ops().leases;
            let mark = (side.raise)(left_behind, type_name::<T>()); // L1
            Hold { image, left_behind, mark, end: drop }
        });
        Lease { leased: Box::new(MaybeUninit::new(Leased { value, hold })) }
    }

    fn leased(&self) -> &Leased<T> {
        // SAFETY: only the drop takes it out, and nobody has the lease then.
        unsafe { self.leased.assume_init_ref() }
    }

    pub(super) fn run<R>(&self, code: impl FnOnce() -> R) -> R {
        self.runner().run(code)
    }

    pub(super) fn runner(&self) -> Runner {
        Runner(self.leased().hold.as_ref().map(|hold| hold.image))
    }
}

impl Runner {
    /// Runs `code`, which calls into the image; a panic is raised again here (L6).
    pub(super) fn run<R>(self, code: impl FnOnce() -> R) -> R {
        let Some(image) = self.0 else { return code() };
        let mut code = Some(code);
        let mut result = None;
        let panic = guarded(image, &mut || result = code.take().map(|code| code()));
        match (result, panic) {
            (Some(result), _) => result,
            (None, Some(payload)) => resume_unwind(payload),
            (None, None) => unreachable!("the code ran to its end or panicked"),
        }
    }
}

impl<T: ?Sized> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.leased().value
    }
}

impl<T: ?Sized> DerefMut for Lease<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `leased`.
        let leased = unsafe { self.leased.assume_init_mut() };
        &mut leased.value
    }
}

impl<T: ?Sized> Drop for Lease<T> {
    fn drop(&mut self) {
        // SAFETY: initialized until now, and not used again.
        let Leased { value, hold } = unsafe { self.leased.assume_init_read() };
        // Whoever gets this memory next finds no address in it.
        *black_box(&mut *self.leased) = MaybeUninit::zeroed();
        black_box(&mut *self.leased);
        let Some(Hold { image, left_behind, mark, end }) = hold else {
            return drop(value);
        };
        let host = image.host();
        let mut value = Some(value);
        let panic = guarded(image, &mut || value.take().map_or((), end));
        (host.ops().leases.lower)(left_behind, mark); // L2: the image is not touched any more
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
    }
}
