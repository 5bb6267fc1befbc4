//! Loading a stage, and seeing for oneself whether it has really been unloaded.
//!
//! What closing a library returns proves nothing: a thread-local with a destructor, a thread, or a
//! flag of the library can keep its image mapped. So after closing, the loader's own list of images
//! is asked. The file map of the process would not do: a symbolizer maps files as data.
//!
//! Obligations of the caller, named by the safety comments of whoever calls into this module:
//!
//! 1. Opening runs the library's initializers, so its bytes must be those that were verified.
//! 2. At closing, no thread is inside the library's code, and nothing will reach it any more: no
//!    pointer to its functions or statics, no value with its vtable, no destructor of a
//!    thread-local, no handler registered anywhere. Where that is not certain, the image is
//!    dropped instead, which leaves it mapped.

use std::ffi::{CString, c_void};
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use libloading::Library;

use crate::error::Error;

pub(crate) mod backtrace;
pub(crate) mod pages;
#[cfg_attr(not(target_os = "linux"), path = "quarantine/none.rs")]
pub(crate) mod quarantine;
#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)),
    path = "other_unix.rs"
)]
mod sys;
#[cfg_attr(not(target_os = "linux"), path = "trial/none.rs")]
pub(crate) mod trial;

/// A loaded library.
///
/// Dropping it leaves it mapped for the rest of the process, which is always sound; unloading takes
/// [`Image::close`].
#[derive(Debug)]
pub struct Image {
    library: ManuallyDrop<Library>,
    path: PathBuf,
    listed: Option<MappedImage>,
}

/// An image as the loader lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedImage {
    /// The file it was loaded from, in the loader's words. The file may be gone.
    pub path: PathBuf,
    /// The address that the addresses in its file are relative to.
    pub base: usize,
    /// The parts of it in memory; none where the loader does not tell.
    pub segments: Vec<Segment>,
    /// The loader's number for the image's thread-locals, and their size in bytes; zeros where it has none, or the loader
    /// does not tell.
    pub locals: (usize, u64),
}

/// A part of an image in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its addresses.
    pub range: Range<usize>,
    /// Whether it may hold code.
    pub executable: bool,
    /// Whether it may be written to.
    pub writable: bool,
}

/// How closing a library ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseOutcome {
    /// The image is no longer in the loader's list.
    Unloaded,
    /// The image is still in the loader's list, so something keeps it.
    StillMapped {
        /// What is left, to be looked at again later.
        remnant: Remnant,
        /// What the loader said, when it refused to close the library.
        refusal: Option<String>,
    },
    /// This platform's loader does not tell.
    Unknown,
}

/// An image that was closed and stayed mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remnant {
    image: MappedImage,
}

impl Image {
    /// Loads the library at `path`, all of its symbols bound now and none given to others.
    ///
    /// # Errors
    ///
    /// [`Error::LibraryOpen`] with the loader's words; nothing is loaded then.
    ///
    /// # Safety
    ///
    /// Obligation 1 of this module: the initializers of that library run, and must be sound to run
    /// here and now. Nobody writes to the file for as long as it is loaded.
    pub unsafe fn open(path: &Path) -> Result<Self, Error> {
        let refused = |reason: String| Error::LibraryOpen { path: path.to_owned(), reason };
        // The loader looks for a bare name in places of its own.
        let path = std::path::absolute(path).map_err(|error| refused(error.to_string()))?;
        // SAFETY: obligation 1, passed on to the caller.
        let library = unsafe { sys::open(&path) }.map_err(|error| refused(words(&error)))?;
        let listed = sys::images().and_then(|images| find(images, &path));
        Ok(Image { library: ManuallyDrop::new(library), path, listed })
    }

    /// The address of a function or static of the library.
    ///
    /// What it points to, and for how long, is for the caller to know.
    ///
    /// # Errors
    ///
    /// [`Error::SymbolMissing`] with the loader's words.
    pub fn symbol(&self, name: &str) -> Result<NonNull<c_void>, Error> {
        let missing = |reason: String| Error::SymbolMissing {
            path: self.path.clone(),
            symbol: name.to_owned(),
            reason,
        };
        // SAFETY: the type asked for is a bare address, which every symbol has.
        let symbol = unsafe { self.library.get::<*mut c_void>(name) };
        let address = *symbol.map_err(|error| missing(words(&error)))?;
        NonNull::new(address).ok_or_else(|| missing("its address is null".to_owned()))
    }

    /// The file that was loaded.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the library is in memory, as the loader lists it; `None` where it does not tell.
    pub fn mapped(&self) -> Option<&MappedImage> {
        self.listed.as_ref()
    }

    /// Closes the library and looks whether it is gone.
    ///
    /// # Safety
    ///
    /// Obligation 2 of this module: nothing is inside the library or will reach into it.
    pub unsafe fn close(self) -> CloseOutcome {
        let Image { library, listed, .. } = self;
        let refusal = ManuallyDrop::into_inner(library).close().err().map(|error| words(&error));
        match listed {
            Some(image) => Remnant { image }.outcome(refusal),
            None => CloseOutcome::Unknown,
        }
    }
}

impl MappedImage {
    /// Whether an address is inside the image.
    pub fn contains(&self, address: usize) -> bool {
        self.segments.iter().any(|segment| segment.range.contains(&address))
    }

    /// How many bytes of memory the image takes up.
    pub fn size(&self) -> usize {
        self.segments.iter().map(|segment| segment.range.len()).sum()
    }
}

impl Remnant {
    /// The image that stayed.
    pub fn image(&self) -> &MappedImage {
        &self.image
    }

    /// Whether the image is still mapped. The loader can have dropped it with a later library.
    pub fn is_mapped(&self) -> bool {
        // The same file can be loaded anew, and another file can get the same address.
        sys::images().is_none_or(|images| {
            images
                .iter()
                .any(|image| image.base == self.image.base && image.path == self.image.path)
        })
    }

    /// Asks the loader to look once more whether it can let go of the image.
    ///
    /// # Safety
    ///
    /// As for [`Image::close`].
    pub unsafe fn collect(self) -> CloseOutcome {
        if self.is_mapped() {
            // SAFETY: obligation 2, passed on to the caller.
            unsafe { sys::collect(&self.image.path) };
        }
        self.outcome(None)
    }

    fn outcome(self, refusal: Option<String>) -> CloseOutcome {
        if self.is_mapped() {
            CloseOutcome::StillMapped { remnant: self, refusal }
        } else {
            CloseOutcome::Unloaded
        }
    }
}

/// The loaded images whose files are, or were, under `directory`; `None` where the loader does not
/// tell.
pub fn images_mapped(directory: &Path) -> Option<Vec<MappedImage>> {
    let directory = std::path::absolute(directory).ok()?;
    // Some loaders list the real path, whatever path was opened.
    let real = directory.canonicalize().unwrap_or_else(|_| directory.clone());
    let mut images = sys::images()?;
    images.retain(|image| image.path.starts_with(&directory) || image.path.starts_with(&real));
    Some(images)
}

/// Whether this program, or a library that is loaded with it, gives `name` to libraries loaded later.
///
/// Always false where a library cannot take symbols from the program by name alone.
pub fn is_exported(name: &[u8]) -> bool {
    CString::new(name).is_ok_and(|name| sys::is_exported(&name))
}

/// How long a page of memory is.
#[cfg(target_os = "linux")]
fn page_size() -> usize {
    // SAFETY: asks for a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

fn find(images: Vec<MappedImage>, path: &Path) -> Option<MappedImage> {
    let real = path.canonicalize().ok();
    images.into_iter().find(|image| {
        image.path == path || real.is_some() && image.path.canonicalize().ok() == real
    })
}

/// The words of an error and of what caused it.
fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
