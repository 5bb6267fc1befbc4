//! Loaders that are not asked for their list.

use std::ffi::CStr;
use std::path::Path;

use libloading::Library;
use libloading::os::unix;

use super::MappedImage;

/// Loads a library.
///
/// # Safety
///
/// Obligation 1 of the module.
pub(super) unsafe fn open(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: obligation 1, passed on to the caller.
    let library = unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) };
    library.map(Library::from)
}

/// Does nothing: without a list there is no remnant to collect.
///
/// # Safety
///
/// Obligation 2 of the module.
pub(super) unsafe fn collect(_: &Path) {}

/// Nothing: there are no shared artifacts here.
pub(super) fn is_exported(_: &CStr) -> bool {
    false
}

/// Nothing is known.
pub(super) fn images() -> Option<Vec<MappedImage>> {
    None
}
