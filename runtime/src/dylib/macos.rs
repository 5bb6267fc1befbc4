//! The loader of Apple systems.

use std::ffi::{CStr, OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libloading::Library;
use libloading::os::unix;

use super::MappedImage;

unsafe extern "C" {
    safe fn _dyld_image_count() -> u32;
    /// Null for an index that is out of bounds.
    safe fn _dyld_get_image_header(index: u32) -> *const c_void;
    /// Null for an index that is out of bounds.
    safe fn _dyld_get_image_name(index: u32) -> *const c_char;
}

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

/// Opens and closes a library that is loaded, which makes the loader collect what it can.
///
/// # Safety
///
/// Obligation 2 of the module.
pub(super) unsafe fn collect(path: &Path) {
    let flags = unix::RTLD_NOW | unix::RTLD_LOCAL | libc::RTLD_NOLOAD;
    // SAFETY: nothing is loaded with this flag, so no initializer runs.
    let library = unsafe { unix::Library::open(Some(path), flags) };
    if let Ok(library) = library {
        // Whether it helped is seen in the list.
        let _ = library.close();
    }
}

/// Nothing: there are no shared artifacts here.
pub(super) fn is_exported(_: &CStr) -> bool {
    false
}

/// The images in the loader's list, without their segments.
pub(super) fn images() -> Option<Vec<MappedImage>> {
    Some((0.._dyld_image_count()).filter_map(image).collect())
}

/// An index that another thread's unloading has made stale gives nothing, or another image.
fn image(index: u32) -> Option<MappedImage> {
    let header = _dyld_get_image_header(index);
    let name = _dyld_get_image_name(index);
    if header.is_null() || name.is_null() {
        return None;
    }
    // SAFETY: a name is a C string that lives as long as its image. The owner thread is the only
    // one that unloads images of ours.
    let name = unsafe { CStr::from_ptr(name) };
    let path = OsStr::from_bytes(name.to_bytes()).into();
    Some(MappedImage { path, base: header.addr(), segments: Vec::new(), locals: (0, 0) })
}
