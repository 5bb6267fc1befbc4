//! Leases: values of hot code that outlive the call that made them, together with the hold on their code.
//!
//! A boxed trait object, a closure or a future points to code: its methods, and what drops it. A [`Lease`] is such a value
//! with a count raised for the generation whose code that is; the generation is unloaded when the last of its leases is
//! gone. In builds that are not replaceable a lease is a `Box` and nothing else.
//!
//! # Which generation
//!
//! 1. *The one whose code stands around [`lease!`](crate::lease!)*, not the one that the thread is inside: the compiler put the vtable and
//!    the drop glue into the image into which it compiled that place. The macro names `crate::hot_crate()`, which each image
//!    has of its own (an artifact's symbols of its own crate are local), and that knows its generation's counts since it
//!    was connected. So a generic or inlined function of the hot crate that was compiled into the host makes leases of the
//!    host, and an old function that still runs makes leases of its own generation.
//! 2. *In the host*, so also in generation 0, nothing is counted: its code stays. One comparison with null is the cost.
//! 3. *Either kind of artifact* does the same. What differs is whose copy of this code runs, and that matters only for what
//!    touches the counts, which is the host's ([`Side`]).
//!
//! # Obligations, numbered L1 to L9 in `docs/safety.md`
//!
//! - L1. The count is raised by code that is itself held (I1): it runs because of a call, a thread, a destructor or another
//!   lease. It is raised before anybody else can have the lease.
//! - L2. The value is dropped, by the code that made it, before the count is lowered, and the lowering is the host's (I2). What
//!   runs after it is the code that dropped the lease: of the host, which stays; or of a generation, which something else
//!   holds: the lease's own generation in a call, a lease inside a leased value (the outer one's count goes later), or
//!   another one.
//! - L3. A lease may be dropped on any thread that may drop the value, whichever generation that is inside, also while a
//!   swap is under way: the count says nothing of threads.
//! - L4. What a lease's method starts is counted as what a call starts: a thread by the frames of the generation on the
//!   starting thread's stack (`shared.rs`, case 1), everything else by its address.
//! - L5. A lease that nobody drops (`mem::forget`, a cycle, a `static`) holds its generation for ever and is named in
//!   `status()`, with its type, its age, the function and the thread that made it.
//! - L6. A panic of the value's own code never unwinds into another image where this code can prevent it: in its drop, in `call`
//!   and `call_mut`, and in the traits forwarded here, it is caught by the image that made the value and raised again, as
//!   a copy that does not need the generation. A method called past them, by `Deref`, is called as on a `Box`: out of a
//!   standalone artifact its panic aborts the process where the host catches it.
//! - L7. Hot functions that the value's code calls go to the newest generation, as calls from old code do.
//! - L9. Words of a lease that stay where it was before it was moved, or dropped, are no addresses inside the image: it is the
//!   address of a block that has those, which is overwritten before it is given back.
//!
//! A lease is no state: it cannot be written, so it is not `Serialize`, and a [`State`](crate::state::State) cannot contain one.

#[cfg(any(debug_assertions, feature = "always"))]
mod active;
#[cfg(not(any(debug_assertions, feature = "always")))]
mod plain;
mod spawn;
#[cfg(test)]
#[cfg(debug_assertions)]
mod tests;

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(any(debug_assertions, feature = "always"))]
pub use active::Lease;
#[cfg(not(any(debug_assertions, feature = "always")))]
pub use plain::Lease;
pub use spawn::{SpawnError, set_spawner, spawn};

use crate::hot_crate::HotCrate;
use crate::interpose::{self, LeftBehind};

/// A future of hot code, to be awaited or given to an executor by whoever gets it; made by [`lease!`](crate::lease!).
pub type LeasedFuture<T> = Lease<dyn Future<Output = T> + Send + Unpin>;

/// What an image asks the host's copy of abi about leases.
#[repr(C)]
#[cfg_attr(
    not(any(debug_assertions, feature = "always")),
    allow(dead_code, reason = "where nothing is replaceable, nothing is counted")
)]
pub(crate) struct Side {
    raise: fn(&'static LeftBehind, &str) -> usize,
    lower: fn(&'static LeftBehind, usize),
    spawn: fn(LeasedFuture<()>) -> Result<(), SpawnError>,
}

pub(crate) static OWN: Side =
    Side { raise: interpose::raise_lease, lower: interpose::lower_lease, spawn: spawn::in_host };

/// Leases a value of hot code: `lease!(value)`, or `lease!(value => dyn Trait)` for a trait object.
///
/// It stands in the hot crate, whose [`hot_crate!`](crate::hot_crate!) it names; elsewhere it does not compile.
///
/// | | makes |
/// |---|---|
/// | `lease!(value)` | a `Lease` of the value's own type |
/// | `lease!(value => dyn Trait)` | a `Lease<dyn Trait>`; any type that `Box` of the value can become |
/// | `lease!(*boxed)` | a lease of what is in a `Box`, which is not moved |
/// | `lease!(async move { .. })` | a [`LeasedFuture`] |
///
/// ```standalone_crate
/// use liveswap_abi::{Lease, lease};
///
/// liveswap_abi::hot_crate!();
///
/// pub trait Enemy: Send {
///     fn step(&mut self) -> u32;
/// }
///
/// struct Hunter(u32);
///
/// impl Enemy for Hunter {
///     fn step(&mut self) -> u32 {
///         self.0 += 1;
///         self.0
///     }
/// }
///
/// pub fn spawn() -> Lease<dyn Enemy> {
///     lease!(Hunter(6) => dyn Enemy)
/// }
///
/// # fn main() {
/// let mut enemy = spawn();
/// assert_eq!(enemy.step(), 7);
/// # }
/// ```
#[macro_export]
#[allow(clippy::crate_in_macro_def, reason = "it is the caller's crate that has the generation")]
macro_rules! lease {
    ($value:expr => $type:ty) => {{
        let boxed: ::std::boxed::Box<$type> = ::std::boxed::Box::new($value);
        $crate::__private::boxed(crate::hot_crate(), boxed)
    }};
    (async $($rest:tt)*) => {
        $crate::__private::future(crate::hot_crate(), async $($rest)*)
    };
    (* $boxed:expr) => {
        $crate::__private::boxed(crate::hot_crate(), $boxed)
    };
    ($value:expr) => {
        $crate::__private::sized(crate::hot_crate(), $value)
    };
}

/// Leases what is in a box, for code of `image`; used by [`lease!`](crate::lease!).
pub fn boxed<T: ?Sized>(image: &'static HotCrate, value: Box<T>) -> Lease<T> {
    Lease::of(image, value)
}

/// Leases a value, for code of `image`; used by [`lease!`](crate::lease!).
pub fn sized<T>(image: &'static HotCrate, value: T) -> Lease<T> {
    Lease::of(image, Box::new(value))
}

/// Leases a future, for code of `image`; used by [`lease!`](crate::lease!).
pub fn future<F>(image: &'static HotCrate, future: F) -> LeasedFuture<F::Output>
where
    F: Future + Send + 'static,
{
    Lease::of(image, Box::new(Box::pin(future)))
}

impl<T: ?Sized> Lease<T> {
    /// Calls into the value, with its panics caught by the image that made it and raised again.
    ///
    /// Where the value comes from a standalone artifact, its own panic would abort the process if it left a method that
    /// was called directly. `call` does nothing but call: a panic of its own, as of an `unwrap` around the result, aborts
    /// in that case. Where the value comes from a shared artifact or from the program, both are panics as everywhere.
    ///
    /// # Panics
    ///
    /// With the value's own panic; one with a payload that is no text arrives as a text that says so.
    pub fn call<R>(&self, call: impl FnOnce(&T) -> R) -> R {
        let value: &T = self;
        self.run(|| call(value))
    }

    /// As [`Lease::call`], to change the value.
    ///
    /// # Panics
    ///
    /// With the value's own panic.
    pub fn call_mut<R>(&mut self, call: impl FnOnce(&mut T) -> R) -> R {
        let run = self.runner();
        let value: &mut T = self;
        run.run(|| call(value))
    }
}

impl<T: ?Sized> AsRef<T> for Lease<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> AsMut<T> for Lease<T> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: fmt::Debug + ?Sized> fmt::Debug for Lease<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call(|value| value.fmt(f))
    }
}

impl<T: fmt::Display + ?Sized> fmt::Display for Lease<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call(|value| value.fmt(f))
    }
}

impl<I: Iterator + ?Sized> Iterator for Lease<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.call_mut(I::next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.call(I::size_hint)
    }

    fn nth(&mut self, n: usize) -> Option<I::Item> {
        self.call_mut(|iterator| iterator.nth(n))
    }
}

impl<I: DoubleEndedIterator + ?Sized> DoubleEndedIterator for Lease<I> {
    fn next_back(&mut self) -> Option<I::Item> {
        self.call_mut(I::next_back)
    }
}

impl<I: ExactSizeIterator + ?Sized> ExactSizeIterator for Lease<I> {}

impl<F: Future + Unpin + ?Sized> Future for Lease<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.get_mut().call_mut(|future| Pin::new(future).poll(context))
    }
}

impl<T: ?Sized + UnwindSafe> UnwindSafe for Lease<T> {}
impl<T: ?Sized + RefUnwindSafe> RefUnwindSafe for Lease<T> {}

/// A lease is made in a hot crate only.
///
/// ```compile_fail,E0425
/// let _ = liveswap_abi::lease!(1);
/// ```
///
/// It is no more `Send` or `Sync` than what is in it.
///
/// ```compile_fail,E0277
/// fn moves<T: Send>() {}
/// moves::<liveswap_abi::Lease<std::rc::Rc<u32>>>();
/// ```
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<liveswap_abi::Lease<std::cell::Cell<u32>>>();
/// ```
///
/// It lends its value mutably, so one that must not be moved is no future by itself.
///
/// ```compile_fail,E0277
/// fn awaited<F: Future>() {}
/// awaited::<liveswap_abi::Lease<dyn Future<Output = u32>>>();
/// ```
///
/// A state cannot contain one.
///
/// ```compile_fail,E0277
/// fn kept(lease: liveswap_abi::Lease<u32>) {
///     liveswap_abi::state::State::new(lease);
/// }
/// ```
#[cfg(doctest)]
mod misuse {}
