//! Giving futures of hot code to the program's executor.
//!
//! What an executor keeps of a task is made where its `spawn` is compiled: in hot code that would be the artifact's, a
//! pointer to which stays behind. So hot code gives the future as a lease to the host, and the host's code spawns that.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::LeasedFuture;
use crate::hot_crate::HotCrate;

type Spawner = Arc<dyn Fn(LeasedFuture<()>) + Send + Sync>;

static SPAWNER: Mutex<Option<Spawner>> = Mutex::new(None);

/// Why a future could not be given to the program's executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError {
    /// The program has not said how it spawns (`liveswap::set_spawner`).
    NoSpawner,
    /// The program's own function for it panicked: no executor runs on this thread, for example.
    Panicked,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SpawnError::NoSpawner => {
                "the program has not said how it spawns futures; call `liveswap::set_spawner` in it"
            }
            SpawnError::Panicked => "the program's own function that spawns futures panicked",
        })
    }
}

impl std::error::Error for SpawnError {}

/// Gives a future of hot code to the program's executor: `spawn!(async move { .. })`.
///
/// It stands in the hot crate, as [`lease!`](crate::lease!) does. The program says once how it spawns, with
/// `liveswap::set_spawner`. The future holds its generation until the executor drops it. Its value is `Result<(), SpawnError>`.
///
/// ```standalone_crate
/// use liveswap_abi::{SpawnError, spawn};
///
/// liveswap_abi::hot_crate!();
///
/// pub fn begin() -> Result<(), SpawnError> {
///     spawn!(async { println!("on the program's executor") })
/// }
///
/// # fn main() {
/// // This program has no executor.
/// assert_eq!(begin(), Err(SpawnError::NoSpawner));
/// # }
/// ```
///
/// # Errors
///
/// [`SpawnError`], as the macro's value. The future is dropped then.
#[macro_export]
#[allow(clippy::crate_in_macro_def, reason = "it is the caller's crate that has the generation")]
macro_rules! spawn {
    ($($future:tt)*) => {
        $crate::__private::spawn(crate::hot_crate(), $($future)*)
    };
}

/// Gives a future of code in `image` to the host's executor; used by [`spawn!`](crate::spawn!).
///
/// # Errors
///
/// [`SpawnError`].
pub fn spawn<F>(image: &'static HotCrate, future: F) -> Result<(), SpawnError>
where
    F: Future<Output = ()> + Send + 'static,
{
    (image.host().ops().leases.spawn)(super::future(image, future))
}

/// Says how this image spawns; only the host's answer counts.
pub fn set_spawner(spawner: impl Fn(LeasedFuture<()>) + Send + Sync + 'static) {
    let before = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(spawner));
    // After the lock was given back: it is the program's code.
    drop(before);
}

/// Runs in the host's copy of abi. Never unwinds: the caller may be another image.
pub(super) fn in_host(future: LeasedFuture<()>) -> Result<(), SpawnError> {
    let spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(spawner) = spawner else { return Err(SpawnError::NoSpawner) };
    // What the program's function leaves half done is the program's.
    catch_unwind(AssertUnwindSafe(|| spawner(future))).map_err(|payload| {
        // A payload whose own destructor panics must not end the caller as well.
        std::mem::forget(payload);
        SpawnError::Panicked
    })
}
