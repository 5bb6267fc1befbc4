//! The fence between two images, which here are two crates of one program.

#![allow(clippy::unwrap_used)]

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{Fenced, LeftBy, PanicOut, PanicReport, PanicSlot, fence, report_panic};
use crate::function::{ExactType, HotFunction};
use crate::hot_crate::HotCrate;
use crate::interpose::LeftBehind;

static HERE: HotCrate = image("here");
static THERE: HotCrate = image("there");

const fn image(name: &'static str) -> HotCrate {
    HotCrate::new(name, true, TypeId::of::<()>(), &[], || &[], || &[], || &[], |_| None)
}

fn fenced(_: PanicOut) -> Fenced<()> {
    unreachable!("only its name is used here")
}

// SAFETY: it is a function pointer, and nobody calls it.
static FUNCTION: HotFunction<fn(PanicOut) -> Fenced<()>> = unsafe {
    HotFunction::new("there::function", true, fenced, ExactType::of::<fn()>(), |_| (), &[])
};

/// Calls `body` in `image` from `HERE`, and what a wrapper does afterwards, up to the raised panic.
fn call<R>(
    image: &'static HotCrate,
    leave: impl FnOnce(),
    body: impl FnOnce() -> R,
) -> Result<R, Box<dyn Any + Send>> {
    let slot = PanicSlot::new();
    // SAFETY: the slot stays here until `fence` returned.
    let out = unsafe { slot.out() };
    // SAFETY: `out` was made for this call.
    let result = unsafe { fence(image, &FUNCTION, out, body) };
    let finish = || {
        // SAFETY: result and slot are those of this call.
        unsafe { result.into_result(slot, &HERE, leave) }
    };
    catch_unwind(AssertUnwindSafe(finish))
}

fn caught(image: &'static HotCrate, body: impl FnOnce()) -> Box<dyn Any + Send> {
    let left = Cell::new(0);
    let payload = call(image, || left.set(left.get() + 1), body).unwrap_err();
    assert_eq!(left.get(), 1, "the hold ends once");
    payload
}

#[test]
fn a_result_is_returned_after_leaving_once() {
    let left = Cell::new(0);
    let result = call(&THERE, || left.set(left.get() + 1), || vec![left.get()]);
    assert_eq!((result.unwrap(), left.get()), (vec![0], 1));
}

#[test]
fn in_its_own_image_a_payload_is_handed_on() {
    let payload = Box::new([1_u8; 100]);
    let address = payload.as_ptr();
    let raised = caught(&HERE, || std::panic::resume_unwind(payload));
    let raised = raised.downcast::<[u8; 100]>().unwrap();
    assert_eq!(raised.as_ptr(), address);
}

#[test]
fn from_another_image_the_message_is_copied() {
    let text: &'static str = Box::leak(String::from("a literal").into_boxed_str());
    let literal = |raised: Box<dyn Any + Send>| *raised.downcast::<&'static str>().unwrap();
    let copy = literal(caught(&THERE, || panic_any(text)));
    assert_eq!(copy, text);
    assert_ne!(copy.as_ptr(), text.as_ptr());
    let again = literal(caught(&THERE, || panic_any(text)));
    assert_eq!(copy.as_ptr(), again.as_ptr(), "one copy for each text");

    let number = 3;
    let formatted = caught(&THERE, || panic!("formatted {number}"));
    assert_eq!(*formatted.downcast::<String>().unwrap(), "formatted 3");
}

static DROPS: AtomicUsize = AtomicUsize::new(0);

struct Own {
    panics: bool,
}

impl Drop for Own {
    fn drop(&mut self) {
        DROPS.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "a payload that panics when it is dropped");
    }
}

#[test]
fn a_payload_of_its_own_type_is_dropped_before_its_generation_is_left() {
    for panics in [false, true] {
        let before = DROPS.load(Ordering::Relaxed);
        let leave = || assert_eq!(DROPS.load(Ordering::Relaxed), before + 1);
        let raised = call(&THERE, leave, || panic_any(Own { panics })).unwrap_err();
        let message = *raised.downcast::<&'static str>().unwrap();
        assert_eq!(message, "panic with a payload of the hot crate's own type");
        assert_eq!(DROPS.load(Ordering::Relaxed), before + 1);
    }
}

#[test]
fn a_panic_is_reported_to_the_listener_even_one_that_panics() {
    static HOST: HotCrate = image("host");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let heard = Arc::clone(&heard);
        move |report: PanicReport<'_>| {
            let (file, line, column) = report.location;
            heard.lock().unwrap().push(format!("{} at {file}:{line}:{column}", report.message));
            panic_any(Own { panics: true });
        }
    };
    HOST.set_panic_listener(Some(Arc::new(listener)));
    report_panic(&HOST, PanicReport { message: "lost", location: ("hot.rs", 7, 5) });
    HOST.set_panic_listener(None);
    report_panic(&HOST, PanicReport { message: "unheard", location: ("hot.rs", 8, 5) });
    assert_eq!(*heard.lock().unwrap(), ["lost at hot.rs:7:5"]);
}

#[test]
fn a_panic_that_leaves_a_function_is_told_unless_it_is_the_hosts_own() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let heard = Arc::clone(&heard);
        move |left: LeftBy<'_>| {
            let LeftBy { generation, function, message } = left;
            heard.lock().unwrap().push(format!("{generation} {function} {message}"));
            panic_any(Own { panics: true });
        }
    };
    static HOST: HotCrate = image("host");
    static ARTIFACT: HotCrate = image("artifact");
    static LEFT_BEHIND: LeftBehind = LeftBehind::new();
    ARTIFACT.connect(&HOST, &LEFT_BEHIND);
    ARTIFACT.set_generation(4);
    HOST.set_left_listener(Some(Arc::new(listener)));
    drop(caught(&ARTIFACT, || panic!("at {}", 5)));
    drop(caught(&HOST, || panic!("the host's own")));
    HOST.set_left_listener(None);
    drop(caught(&ARTIFACT, || panic!("unheard")));
    assert_eq!(*heard.lock().unwrap(), ["4 there::function at 5"]);
}
