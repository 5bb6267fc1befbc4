//! The C library's own functions behind the interposed names.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::{Destructor, Start};

/// Finds the C library's own function behind an interposed name, once.
macro_rules! real {
    ($name:ident, $symbol:literal, fn($($argument:ident: $type:ty),* $(,)?) -> c_int) => {
        pub(super) unsafe fn $name($($argument: $type),*) -> c_int {
            static FOUND: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
            let found = next(&FOUND, $symbol);
            if found.is_null() {
                return libc::ENOSYS;
            }
            // SAFETY: the C library's function of this name has this signature.
            let function = unsafe {
                std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> c_int>(found)
            };
            // SAFETY: the caller's obligations are passed on.
            unsafe { function($($argument),*) }
        }
    };
}

real!(
    create,
    c"pthread_create",
    fn(
        thread: *mut libc::pthread_t,
        attributes: *const c_void,
        start: Start,
        argument: *mut c_void,
    ) -> c_int
);
real!(
    atexit,
    c"__cxa_thread_atexit_impl",
    fn(destructor: Destructor, object: *mut c_void, dso: *mut c_void) -> c_int
);
real!(
    key_create,
    c"pthread_key_create",
    fn(key: *mut libc::pthread_key_t, destructor: Option<Destructor>) -> c_int
);
real!(key_delete, c"pthread_key_delete", fn(key: libc::pthread_key_t) -> c_int);
real!(
    set_specific,
    c"pthread_setspecific",
    fn(key: libc::pthread_key_t, value: *const c_void) -> c_int
);

fn next(found: &AtomicPtr<c_void>, symbol: &CStr) -> *mut c_void {
    // Relaxed: the value is the same whoever stores it, and points to code mapped before the program ran.
    let known = found.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    let mut address = sanitizer(symbol);
    if address.is_null() {
        // SAFETY: dlsym reads the loader's tables; the name is a C string.
        address = unsafe { libc::dlsym(libc::RTLD_NEXT, symbol.as_ptr()) };
    }
    found.store(address, Ordering::Relaxed);
    address
}

/// What a sanitizer in the program has put before the C library's threads; null where there is none, or the program does
/// not export it.
///
/// It stands in the program itself, where a search for the next function does not look, and loses count of threads
/// whose beginning it does not see.
fn sanitizer(symbol: &CStr) -> *mut c_void {
    if symbol != c"pthread_create" {
        return ptr::null_mut();
    }
    // SAFETY: dlsym reads the loader's tables; the name is a C string.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__interceptor_pthread_create".as_ptr()) }
}
