//! The one switch between the machine's atomics and the model checker's.

#[cfg(loom)]
pub(crate) use loom::{
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence},
};

#[cfg(not(loom))]
pub(crate) use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering},
};

#[cfg(all(
    not(loom),
    any(miri, not(any(target_os = "linux", target_os = "android", windows)))
))]
pub(crate) use std::sync::atomic::fence;
