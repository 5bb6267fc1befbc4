//! The loader of Linux and Android.

use std::ffi::{CStr, OsStr, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::slice;

#[cfg(target_pointer_width = "32")]
use libc::Elf32_Phdr as ProgramHeader;
#[cfg(target_pointer_width = "64")]
use libc::Elf64_Phdr as ProgramHeader;
use libc::dl_phdr_info;
use libloading::Library;
use libloading::os::unix;

use super::{MappedImage, Segment};

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

/// Whether the loader finds `name` where it looks first for what a library leaves open.
pub(super) fn is_exported(name: &CStr) -> bool {
    // SAFETY: `name` is a C string; what the address points to is not looked at.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    !address.is_null()
}

/// The images in the loader's list.
pub(super) fn images() -> Option<Vec<MappedImage>> {
    let mut images: Vec<MappedImage> = Vec::new();
    // SAFETY: `list` takes the second argument for what it is, a `Vec<MappedImage>` that outlives
    // the call, and does not unwind.
    unsafe { libc::dl_iterate_phdr(Some(list), (&raw mut images).cast()) };
    Some(images)
}

unsafe extern "C" fn list(info: *mut dl_phdr_info, _size: usize, images: *mut c_void) -> c_int {
    // SAFETY: `images` passes a `Vec<MappedImage>` that nobody else uses during the call.
    let images = unsafe { &mut *images.cast::<Vec<MappedImage>>() };
    // SAFETY: the loader passes a record that is valid during the call.
    let info = unsafe { &*info };
    images.push(MappedImage {
        path: path(info),
        base: info.dlpi_addr as usize,
        segments: segments(info),
        locals: (info.dlpi_tls_modid, size_of_locals(info)),
    });
    0
}

fn path(info: &dl_phdr_info) -> PathBuf {
    if info.dlpi_name.is_null() {
        return PathBuf::new();
    }
    // SAFETY: a name that is not null is a C string that is valid during the call.
    let name = unsafe { CStr::from_ptr(info.dlpi_name) };
    OsStr::from_bytes(name.to_bytes()).into()
}

fn size_of_locals(info: &dl_phdr_info) -> u64 {
    let locals = headers(info).iter().find(|header| header.p_type == libc::PT_TLS);
    #[allow(clippy::unnecessary_cast, reason = "smaller where addresses are")]
    locals.map_or(0, |header| header.p_memsz as u64)
}

fn headers(info: &dl_phdr_info) -> &[ProgramHeader] {
    if info.dlpi_phdr.is_null() {
        return &[];
    }
    // SAFETY: the loader keeps that many program headers of each image mapped.
    unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) }
}

fn segments(info: &dl_phdr_info) -> Vec<Segment> {
    headers(info)
        .iter()
        .filter(|header| header.p_type == libc::PT_LOAD)
        .map(|header| {
            // Addresses of a program that is not relocatable are whole, and its base is zero.
            let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
            Segment {
                range: start..start.saturating_add(header.p_memsz as usize),
                executable: header.p_flags & libc::PF_X != 0,
                writable: header.p_flags & libc::PF_W != 0,
            }
        })
        .collect()
}
