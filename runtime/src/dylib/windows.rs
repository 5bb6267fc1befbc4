//! The loader of Windows.

use std::ffi::{CStr, OsString, c_void};
use std::os::windows::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use libloading::Library;

use super::{MappedImage, Segment};

/// The longest path that the system knows.
const LONGEST_PATH: usize = 32_768;

type Handle = *mut c_void;

#[repr(C)]
struct ModuleInfo {
    base: *mut c_void,
    size: u32,
    entry_point: *mut c_void,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    safe fn GetCurrentProcess() -> Handle;
    fn K32EnumProcessModules(
        process: Handle,
        modules: *mut Handle,
        size: u32,
        needed: *mut u32,
    ) -> i32;
    fn K32GetModuleInformation(
        process: Handle,
        module: Handle,
        info: *mut ModuleInfo,
        size: u32,
    ) -> i32;
    fn GetModuleFileNameW(module: Handle, name: *mut u16, len: u32) -> u32;
}

/// Loads a library.
///
/// # Safety
///
/// Obligation 1 of the module.
pub(super) unsafe fn open(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: obligation 1, passed on to the caller.
    unsafe { Library::new(path) }
}

/// Does nothing: this loader unloads a library with its last handle.
///
/// # Safety
///
/// Obligation 2 of the module.
pub(super) unsafe fn collect(_: &Path) {}

/// Nothing: there are no shared artifacts here.
pub(super) fn is_exported(_: &CStr) -> bool {
    false
}

/// The images in the loader's list.
pub(super) fn images() -> Option<Vec<MappedImage>> {
    Some(modules()?.into_iter().filter_map(image).collect())
}

fn modules() -> Option<Vec<Handle>> {
    let mut modules: Vec<Handle> = vec![std::ptr::null_mut(); 256];
    loop {
        let size = u32::try_from(size_of_val(modules.as_slice())).ok()?;
        let mut needed = 0;
        // SAFETY: the list is writable for `size` bytes and `needed` for its number.
        let done = unsafe {
            K32EnumProcessModules(GetCurrentProcess(), modules.as_mut_ptr(), size, &raw mut needed)
        };
        if done == 0 {
            return None;
        }
        let count = needed as usize / size_of::<Handle>();
        // More can be loaded between two calls, so it is asked for again until it fits.
        if count <= modules.len() {
            modules.truncate(count);
            return Some(modules);
        }
        modules.resize(count + 16, std::ptr::null_mut());
    }
}

fn image(module: Handle) -> Option<MappedImage> {
    let mut info =
        ModuleInfo { base: std::ptr::null_mut(), size: 0, entry_point: std::ptr::null_mut() };
    let info_size = u32::try_from(size_of::<ModuleInfo>()).ok()?;
    // SAFETY: `info` is writable for its size; a module that is gone is an error, not a fault.
    let done =
        unsafe { K32GetModuleInformation(GetCurrentProcess(), module, &raw mut info, info_size) };
    if done == 0 {
        return None;
    }
    let base = info.base.addr();
    let segment =
        Segment { range: base..base + info.size as usize, executable: true, writable: true };
    Some(MappedImage { path: file_name(module)?, base, segments: vec![segment], locals: (0, 0) })
}

fn file_name(module: Handle) -> Option<PathBuf> {
    let mut name = vec![0; LONGEST_PATH];
    let room = u32::try_from(name.len()).ok()?;
    // SAFETY: `name` is writable for that many units.
    let len = unsafe { GetModuleFileNameW(module, name.as_mut_ptr(), room) };
    let name = name.get(..len as usize).filter(|name| !name.is_empty())?;
    Some(OsString::from_wide(name).into())
}
