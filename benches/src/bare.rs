//! The loader without anything around it.

use std::path::Path;

use crate::error::Error;

#[cfg(not(unix))]
pub(crate) use libloading::Library;
#[cfg(unix)]
pub(crate) use libloading::os::unix::Library;

/// Loads the library at `path` with all of its symbols bound now.
pub(crate) fn load(path: &Path) -> Result<Library, Error> {
    let failed = |source| Error::Load { path: path.to_owned(), source };
    #[cfg(unix)]
    {
        use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
        // SAFETY: only copies of libraries built with this program come here; their initializers are Rust's own.
        unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(failed)
    }
    #[cfg(not(unix))]
    {
        // SAFETY: only copies of libraries built with this program come here; their initializers are Rust's own.
        unsafe { Library::new(path) }.map_err(failed)
    }
}
