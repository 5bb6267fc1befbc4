//! The interposers in a host, where they pass everything on, and the host's side of an artifact's requests.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use super::{host, in_this_image, keys};
use crate::interpose::LeftBehind;

unsafe extern "C" {
    fn __cxa_thread_atexit_impl(_: super::Destructor, _: *mut c_void, _: *mut c_void) -> c_int;
}

/// The counts: threads, destructors, values under keys.
fn counts(left_behind: &LeftBehind) -> (usize, usize, usize) {
    let counts = (left_behind.threads(), left_behind.destructors(), left_behind.key_values());
    assert_eq!(left_behind.is_empty(), counts == (0, 0, 0));
    counts
}

#[test]
fn the_program_s_own_calls_bind_here() {
    for address in [
        libc::pthread_create as *const c_void,
        libc::pthread_key_create as *const c_void,
        libc::pthread_key_delete as *const c_void,
        libc::pthread_setspecific as *const c_void,
        __cxa_thread_atexit_impl as *const c_void,
    ] {
        assert!(in_this_image(address));
    }
    assert!(!in_this_image(libc::getpid as *const c_void));
}

#[test]
fn a_host_s_threads_and_thread_locals_work() {
    thread_local! {
        static LOCAL: RefCell<Option<SendsAtExit>> = const { RefCell::new(None) };
    }
    struct SendsAtExit(mpsc::Sender<&'static str>);
    impl Drop for SendsAtExit {
        fn drop(&mut self) {
            self.0.send("destroyed").unwrap();
        }
    }
    let (sender, received) = mpsc::channel();
    let builder = thread::Builder::new().name("named".to_owned()).stack_size(1 << 20);
    let thread = builder.spawn(move || {
        LOCAL.set(Some(SendsAtExit(sender)));
        thread::current().name().map(str::to_owned)
    });
    assert_eq!(thread.unwrap().join().unwrap().as_deref(), Some("named"));
    assert_eq!(received.recv(), Ok("destroyed"));
}

#[test]
fn a_host_s_keys_work() {
    static DESTROYED: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn destroy(value: *mut c_void) {
        DESTROYED.fetch_add(value as usize, Ordering::Relaxed);
    }
    let mut key = 0;
    // SAFETY: `key` is writable.
    assert_eq!(unsafe { libc::pthread_key_create(&raw mut key, Some(destroy)) }, 0);
    let thread = thread::spawn(move || {
        // SAFETY: the key exists.
        assert_eq!(unsafe { libc::pthread_setspecific(key, ptr::without_provenance(5)) }, 0);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::pthread_getspecific(key) } as usize, 5);
    });
    thread.join().unwrap();
    assert_eq!(DESTROYED.load(Ordering::Relaxed), 5);
    // SAFETY: the key exists.
    assert_eq!(unsafe { libc::pthread_key_delete(key) }, 0);
}

/// Lets a thread of [`wait_for_end`] end.
struct Turnstile {
    open: mpsc::Receiver<()>,
    passed: mpsc::Sender<()>,
}

unsafe extern "C-unwind" fn wait_for_end(turnstile: *mut c_void) -> *mut c_void {
    // SAFETY: made by `Box::into_raw` for this thread.
    let turnstile = unsafe { Box::from_raw(turnstile.cast::<Turnstile>()) };
    turnstile.open.recv().unwrap();
    turnstile.passed.send(()).unwrap();
    ptr::without_provenance_mut(3)
}

#[test]
fn a_thread_is_counted_until_its_code_returned() {
    static LEFT_BEHIND: LeftBehind = LeftBehind::new();
    let (open, passed) = (mpsc::channel(), mpsc::channel());
    let turnstile = Box::into_raw(Box::new(Turnstile { open: open.1, passed: passed.0 }));
    let mut thread = 0;
    // SAFETY: `thread` is writable and the start routine takes the turnstile.
    let result = unsafe {
        host::create(&LEFT_BEHIND, &raw mut thread, ptr::null(), wait_for_end, turnstile.cast())
    };
    assert_eq!(result, 0);
    assert_eq!(counts(&LEFT_BEHIND), (1, 0, 0));
    open.0.send(()).unwrap();
    passed.1.recv().unwrap();
    let mut value = ptr::null_mut();
    // SAFETY: the thread was created joinable and is joined once.
    assert_eq!(unsafe { libc::pthread_join(thread, &raw mut value) }, 0);
    assert_eq!((value as usize, counts(&LEFT_BEHIND)), (3, (0, 0, 0)));
}

unsafe extern "C-unwind" fn never(_: *mut c_void) -> *mut c_void {
    unreachable!("the thread was refused")
}

#[test]
fn a_thread_that_is_refused_is_not_counted() {
    static LEFT_BEHIND: LeftBehind = LeftBehind::new();
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the attributes are writable.
    assert_eq!(unsafe { libc::pthread_attr_init(attributes.as_mut_ptr()) }, 0);
    // SAFETY: they were initialized; no machine has this much memory for a stack.
    assert_eq!(unsafe { libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), 1 << 62) }, 0);
    let mut thread = 0;
    let attributes = attributes.as_ptr().cast();
    // SAFETY: `thread` is writable, the attributes are initialized.
    let result =
        unsafe { host::create(&LEFT_BEHIND, &raw mut thread, attributes, never, ptr::null_mut()) };
    assert_ne!(result, 0);
    assert_eq!(counts(&LEFT_BEHIND), (0, 0, 0));
}

#[test]
fn a_destructor_is_counted_until_it_returned() {
    static LEFT_BEHIND: LeftBehind = LeftBehind::new();
    static SEEN: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());
    unsafe extern "C" fn destroy(object: *mut c_void) {
        let seen = (object as usize, LEFT_BEHIND.destructors());
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
    let thread = thread::spawn(|| {
        for object in [7, 8] {
            // SAFETY: the destructor takes any object.
            let result =
                unsafe { host::atexit(&LEFT_BEHIND, destroy, ptr::without_provenance_mut(object)) };
            assert_eq!(result, 0);
        }
        counts(&LEFT_BEHIND)
    });
    assert_eq!(thread.join().unwrap(), (0, 2, 0));
    assert_eq!(*SEEN.lock().unwrap(), [(8, 2), (7, 1)], "still counted while they run");
    assert_eq!(counts(&LEFT_BEHIND), (0, 0, 0));
}

/// Keeps tests that need free places for keys from each other.
static PLACES: Mutex<()> = Mutex::new(());

static KEYED: LeftBehind = LeftBehind::new();
static AGAIN: AtomicUsize = AtomicUsize::new(0);
static KEY: AtomicUsize = AtomicUsize::new(0);

/// Sets a value again the first time, as a destructor may.
unsafe extern "C" fn destroy_keyed(value: *mut c_void) {
    assert_eq!(counts(&KEYED), (0, 0, 1));
    if AGAIN.fetch_add(1, Ordering::Relaxed) == 0 {
        let key = KEY.load(Ordering::Relaxed) as libc::pthread_key_t;
        // SAFETY: the key exists until the test deletes it.
        assert_eq!(unsafe { keys::set_specific(key, value) }, 0);
        assert_eq!(counts(&KEYED), (0, 0, 2));
    }
}

#[test]
fn a_key_s_values_are_counted_until_their_destructor_returned() {
    let _places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    KEYED.set_provable();
    let mut key = 0;
    // SAFETY: `key` is writable.
    assert_eq!(unsafe { keys::create(&KEYED, &raw mut key, Some(destroy_keyed)) }, 0);
    KEY.store(key as usize, Ordering::Relaxed);
    let set = move |value| {
        // SAFETY: the key exists.
        assert_eq!(unsafe { keys::set_specific(key, ptr::without_provenance(value)) }, 0);
        counts(&KEYED).2
    };
    thread::spawn(move || assert_eq!([set(1), set(2), set(0), set(0)], [1, 1, 0, 0]))
        .join()
        .unwrap();
    assert_eq!((AGAIN.load(Ordering::Relaxed), counts(&KEYED)), (0, (0, 0, 0)));
    thread::spawn(move || assert_eq!(set(3), 1)).join().unwrap();
    assert_eq!((AGAIN.load(Ordering::Relaxed), counts(&KEYED)), (2, (0, 0, 0)));

    KEYED.release_keys();
    assert!(KEYED.is_provable());
}

unsafe extern "C" fn ignore(_: *mut c_void) {}

#[test]
fn a_key_deleted_with_values_left_keeps_its_generation() {
    let _places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    static LEFT_BEHIND: LeftBehind = LeftBehind::new();
    LEFT_BEHIND.set_provable();
    thread::spawn(|| {
        let mut key = 0;
        // SAFETY: `key` is writable.
        assert_eq!(unsafe { keys::create(&LEFT_BEHIND, &raw mut key, Some(ignore)) }, 0);
        // SAFETY: the key exists.
        assert_eq!(unsafe { keys::set_specific(key, ptr::without_provenance(1)) }, 0);
        // SAFETY: as above.
        assert_eq!(unsafe { keys::delete(key) }, 0);
    })
    .join()
    .unwrap();
    assert!(!LEFT_BEHIND.is_provable() && !LEFT_BEHIND.is_empty());
}

#[test]
fn more_keys_than_can_be_tracked_keep_their_generation() {
    let _places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    static TRACKED: LeftBehind = LeftBehind::new();
    static UNTRACKED: LeftBehind = LeftBehind::new();
    TRACKED.set_provable();
    UNTRACKED.set_provable();
    let create = |left_behind: &'static LeftBehind| {
        let mut key = 0;
        // SAFETY: `key` is writable.
        assert_eq!(unsafe { keys::create(left_behind, &raw mut key, Some(ignore)) }, 0);
        key
    };
    while TRACKED.is_provable() {
        create(&TRACKED);
    }
    let key = create(&UNTRACKED);
    assert!(!UNTRACKED.is_provable());
    // SAFETY: the key exists; it works although it is not counted.
    assert_eq!(unsafe { keys::set_specific(key, ptr::without_provenance(1)) }, 0);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::pthread_getspecific(key) } as usize, 1);
    assert_eq!(counts(&UNTRACKED), (0, 0, 0));
    // SAFETY: as above.
    assert_eq!(unsafe { keys::delete(key) }, 0);
    TRACKED.release_keys();

    static LATER: LeftBehind = LeftBehind::new();
    LATER.set_provable();
    create(&LATER);
    assert!(LATER.is_provable(), "the places are free again");
    LATER.release_keys();
}
