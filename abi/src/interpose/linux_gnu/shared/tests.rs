//! Whose a request of the program is, with parts of this very image in the place of a shared artifact's.

#![allow(clippy::unwrap_used)]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::{Mutex, mpsc};
use std::thread;

use super::super::Destructor;
use super::super::host::{Charge, run_as, run_counted};
use super::{set_loading, watch, withdraw};
use crate::hook::{Ended, HookEntry, Role};
use crate::interpose::{LeftBehind, LeftKind};

unsafe extern "C" {
    fn __cxa_thread_atexit_impl(_: Destructor, _: *mut c_void, _: *mut c_void) -> c_int;
}

/// Registers a destructor as any code of the program does.
fn register(destructor: Destructor, object: usize) {
    // SAFETY: the destructors of these tests take any object.
    let result = unsafe {
        __cxa_thread_atexit_impl(destructor, ptr::without_provenance_mut(object), ptr::null_mut())
    };
    assert_eq!(result, 0);
}

/// Watches for a generation whose image is the code of `destructor` and the address `object`.
fn watch_parts(left_behind: &'static LeftBehind, destructor: Destructor, object: usize) {
    let code = destructor as usize;
    watch(left_behind, 1, vec![code..code + 1, object..object + 1]);
    assert!(left_behind.is_provable());
}

#[test]
fn a_destructor_belongs_to_the_image_of_its_code_or_of_its_value() {
    static MINE: LeftBehind = LeftBehind::new();
    unsafe extern "C" fn mine(object: *mut c_void) {
        // The value's count is still there, and that of the code.
        assert_eq!((object as usize, MINE.destructors()), (0x10, 2));
    }
    unsafe extern "C" fn others(object: *mut c_void) {
        assert!([0x20, 0x30].contains(&(object as usize)));
    }
    watch_parts(&MINE, mine, 0x20);
    let counts = thread::spawn(|| {
        let counts =
            [(others as Destructor, 0x20), (others, 0x30), (mine, 0x10)].map(|(code, object)| {
                register(code, object);
                MINE.destructors()
            });
        assert!(MINE.known().iter().all(|left| left.kind == LeftKind::Destructor));
        counts
    });
    assert_eq!(counts.join().unwrap(), [1, 1, 2]);
    assert!(MINE.is_empty());
    withdraw(&MINE);
}

#[test]
fn a_thread_local_s_value_is_found_in_the_storage_of_its_image() {
    thread_local!(static LOCAL: u64 = const { 7 });
    LOCAL.with(|local| {
        let found = super::image_with_local(ptr::from_ref(local) as usize);
        let mut info = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
        let here = (watch_parts as *const ()).cast();
        // SAFETY: dladdr reads the loader's list and writes `info`.
        assert_ne!(unsafe { libc::dladdr(here, info.as_mut_ptr()) }, 0);
        // SAFETY: dladdr returned non-zero.
        let base = unsafe { info.assume_init() }.dli_fbase as usize;
        // A program that is not relocatable has addresses relative to nothing.
        assert!(found == Some(base) || found == Some(0), "{found:x?} {base:x}");
    });
    assert_eq!(super::image_with_local(0x10), None);
}

#[test]
fn what_a_generation_s_thread_starts_is_its_own() {
    static MINE: LeftBehind = LeftBehind::new();
    static OTHERS: LeftBehind = LeftBehind::new();
    watch(&MINE, 2, Vec::new());
    watch(&OTHERS, 3, Vec::new());
    let (open, opened) = mpsc::channel::<()>();
    let charge = Charge::raise(&MINE, LeftKind::Thread);
    let thread = run_as(std::slice::from_ref(&charge), || thread::spawn(move || opened.recv()));
    assert_eq!((MINE.threads(), OTHERS.threads()), (2, 0));
    assert!(thread::spawn(|| MINE.threads() == 2).join().unwrap(), "not one of its own");
    open.send(()).unwrap();
    thread.join().unwrap().unwrap();
    assert_eq!((MINE.threads(), OTHERS.threads()), (1, 0));
    run_counted(std::slice::from_ref(&charge), || ());
    assert!(MINE.is_empty());
    withdraw(&MINE);
    withdraw(&OTHERS);
}

#[test]
fn what_initializers_leave_is_counted_or_makes_the_generation_unprovable() {
    static THREADS: LeftBehind = LeftBehind::new();
    static DESTRUCTORS: LeftBehind = LeftBehind::new();
    unsafe extern "C" fn nothing(_: *mut c_void) {}
    thread::spawn(|| {
        let before = set_loading(Some(&THREADS));
        let (open, opened) = mpsc::channel::<()>();
        let thread = thread::spawn(move || opened.recv());
        set_loading(before);
        assert_eq!(THREADS.threads(), 1);
        open.send(()).unwrap();
        thread.join().unwrap().unwrap();

        let before = set_loading(Some(&DESTRUCTORS));
        register(nothing, 0x40);
        set_loading(before);
        watch(&DESTRUCTORS, 4, Vec::new());
        assert!(!DESTRUCTORS.is_provable());
        withdraw(&DESTRUCTORS);
    })
    .join()
    .unwrap();
    assert!(THREADS.is_empty());
}

#[test]
fn nothing_is_counted_for_a_generation_that_was_withdrawn() {
    static MINE: LeftBehind = LeftBehind::new();
    unsafe extern "C" fn mine(_: *mut c_void) {}
    watch_parts(&MINE, mine, 0x50);
    withdraw(&MINE);
    thread::spawn(|| {
        register(mine, 0x60);
        assert!(MINE.is_empty());
    })
    .join()
    .unwrap();
}

#[test]
fn what_a_hook_starts_belongs_to_its_generation() {
    static MINE: LeftBehind = LeftBehind::new();
    static OPEN: Mutex<()> = Mutex::new(());
    fn hook() -> Ended {
        drop(thread::spawn(|| drop(OPEN.lock().unwrap())));
        Ended::Well
    }
    let address = hook as *const () as usize;
    watch(&MINE, 5, std::iter::once(address..address + 1).collect());
    let closed = OPEN.lock().unwrap();
    let entry = HookEntry::new("hot::hook", Role::OnLoad, hook);
    thread::spawn(move || drop(entry.run())).join().unwrap();
    assert_eq!(MINE.threads(), 1);
    drop(closed);
    while !MINE.is_empty() {
        thread::yield_now();
    }
    withdraw(&MINE);
}
