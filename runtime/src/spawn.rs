//! How the program gives futures of hot code to its executor.

use liveswap_abi::LeasedFuture;

/// Says how the program spawns what hot code gives to `liveswap_abi::spawn!`; the last one said counts, for all hot crates.
///
/// `spawner` is called on the thread that the hot code runs on. It hands the future to an executor, so that what the executor keeps of
/// the task is code of the program; the future holds its generation until the executor drops it.
///
/// ```
/// use std::sync::Mutex;
///
/// use liveswap::LeasedFuture;
///
/// // With tokio: `liveswap::set_spawner(|future| drop(tokio::spawn(future)));`
/// static TASKS: Mutex<Vec<LeasedFuture<()>>> = Mutex::new(Vec::new());
///
/// liveswap::set_spawner(|future| TASKS.lock().unwrap().push(future));
/// ```
pub fn set_spawner(spawner: impl Fn(LeasedFuture<()>) + Send + Sync + 'static) {
    liveswap_abi::__private::set_spawner(spawner);
}
