//! Every position and every container: what lets an address out, and its neighbor that does not.

use std::borrow::Cow;
use std::cell::{Cell, LazyCell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::num::Wrapping;
use std::ops::{Bound, ControlFlow, Range};
use std::ptr::NonNull;
use std::rc::{self, Rc};
use std::sync::atomic::{AtomicPtr, AtomicUsize};
use std::sync::{self, Arc, LazyLock, Mutex, OnceLock, RwLock, mpsc};
use std::task::Poll;
use std::thread::{JoinHandle, Thread};

use crate::layout::probe::{Extent, Opaque as _, Probe};
use crate::layout::{Catalog, Describe, Describer, Layout, Through};
use crate::lease::Lease;
use crate::state::State;

/// Does not describe itself.
struct Foreign;

trait Rule {}

/// Has fields that are described, as the derive does it.
struct World;

// SAFETY: nothing uses values of the type.
unsafe impl Layout for World {
    const EXTENT: Option<(usize, usize)> = Some((16, 8));
    const POINTS: bool = false;

    fn describe(describer: &mut Describer<'_>) {
        let node = describer.node::<u32>();
        describer.field("score", Some(0), node);
        let node = describer.node::<Vec<Option<&str>>>();
        describer.field("names", Some(8), node);
    }
}

/// Leads to itself, by boxes.
struct Tree;

// SAFETY: nothing uses values of the type.
unsafe impl Layout for Tree {
    const EXTENT: Option<(usize, usize)> = Some((24, 8));
    const POINTS: bool = false;

    fn describe(describer: &mut Describer<'_>) {
        let node = describer.node::<Vec<Box<Tree>>>();
        describer.field("branches", Some(0), node);
    }
}

/// Says nothing of addresses, so may have one.
struct Unsaid;

// SAFETY: nothing uses values of the type.
unsafe impl Layout for Unsaid {
    const EXTENT: Option<(usize, usize)> = Some((0, 1));

    fn describe(_: &mut Describer<'_>) {}
}

/// Where `describe` lets an address out, by which path, and the name of the type.
fn escape(describe: Describe) -> Option<(Through, String, String)> {
    let (signatures, catalog) = Catalog::of_signatures(std::iter::once(describe));
    let escape = catalog.escape(&signatures[0])?;
    Some((escape.through, escape.path, catalog.ty(escape.of).name.clone()))
}

/// As a result.
macro_rules! result {
    ($ty:ty) => {
        escape(|describer| {
            let node = Probe::<$ty>::node(describer, Extent::<$ty>::OF, &[]);
            describer.result(node);
        })
    };
}

/// As an argument.
macro_rules! argument {
    ($ty:ty, lent: $lent:expr) => {
        escape(|describer| {
            let node = Probe::<$ty>::node(describer, Extent::<$ty>::OF, &[]);
            describer.argument(&[], node, $lent);
            let node = describer.node::<()>();
            describer.result(node);
        })
    };
}

macro_rules! lets_nothing_out {
    ($($ty:ty),* $(,)?) => {$(
        assert_eq!(result!($ty), None, "{}", stringify!($ty));
        assert_eq!(argument!($ty, lent: false), None, "{}", stringify!($ty));
        assert_eq!(argument!(&mut $ty, lent: true), None, "&mut {}", stringify!($ty));
    )*};
}

macro_rules! points_itself {
    ($($ty:ty),* $(,)?) => {$(
        for escaped in [result!($ty), argument!($ty, lent: false)] {
            let (_, path, of) = escaped.unwrap_or_else(|| panic!("{} is open", stringify!($ty)));
            assert_eq!((path.as_str(), of.as_str()), ("", std::any::type_name::<$ty>()));
        }
        assert!(argument!(&$ty, lent: true).is_some(), "&{}", stringify!($ty));
    )*};
}

macro_rules! leads_to_a_reference {
    ($($ty:ty: $path:literal),* $(,)?) => {$(
        let expected = |through| Some((through, $path.to_owned(), "&str".to_owned()));
        assert_eq!(result!($ty), expected(Through::Result), "{}", stringify!($ty));
        let argument = argument!(&mut $ty, lent: true);
        assert_eq!(argument, expected(Through::Argument(0)), "&mut {}", stringify!($ty));
    )*};
}

#[test]
fn values_without_addresses_let_nothing_out() {
    lets_nothing_out!(
        (),
        bool,
        char,
        u8,
        i128,
        f64,
        usize,
        String,
        std::path::PathBuf,
        std::ffi::CString,
        std::time::Duration,
        std::time::Instant,
        std::net::SocketAddr,
        std::any::TypeId,
        std::thread::ThreadId,
        AtomicUsize,
        sync::Condvar,
        sync::Barrier,
        [u32; 3],
        (u8, (String, [char; 2])),
        Box<[u32]>,
        Box<str>,
        Tree,
    );
}

#[test]
fn containers_let_out_what_is_in_them() {
    lets_nothing_out!(
        Box<u32>, Lease<u32>, Option<u32>, Result<u32, String>, Poll<u32>, ControlFlow<u8, u32>,
        Bound<u32>, Cell<u32>, RefCell<u32>, OnceCell<u32>, Mutex<u32>, RwLock<u32>, OnceLock<u32>,
        Vec<u32>, VecDeque<u32>, LinkedList<u32>, BinaryHeap<u32>, BTreeSet<u32>,
        BTreeMap<u32, String>, Range<u32>, Wrapping<u32>, ManuallyDrop<u32>, MaybeUninit<u32>,
        Rc<u32>, Arc<u32>, rc::Weak<u32>, sync::Weak<u32>, PhantomData<fn()>, PhantomData<Foreign>,
    );
    leads_to_a_reference!(
        Box<&str>: "", Lease<&str>: "", Option<&str>: "", Result<&str, u8>: ".Ok",
        Result<u8, &str>: ".Err", Poll<&str>: ".Ready", ControlFlow<u8, &str>: ".Continue",
        Bound<&str>: "", Cell<&str>: "", RefCell<&str>: "", OnceCell<&str>: "", Mutex<&str>: "",
        RwLock<&str>: "", OnceLock<&str>: "", Vec<&str>: "[]", VecDeque<&str>: "[]",
        LinkedList<&str>: "[]", BinaryHeap<&str>: "[]", BTreeSet<&str>: "[]",
        BTreeMap<u8, &str>: ".values", BTreeMap<&str, u8>: ".keys", Range<&str>: "",
        Wrapping<&str>: "", ManuallyDrop<&str>: "", MaybeUninit<&str>: "", Rc<&str>: "",
        Arc<&str>: "", rc::Weak<&str>: "", sync::Weak<&str>: "", [&str; 2]: "[]",
        (u8, &str): ".1", Box<[&str]>: "[]", World: ".names[]", Vec<Box<World>>: "[].names[]",
    );
}

#[test]
fn what_has_an_address_of_its_own_lets_it_out() {
    points_itself!(
        *const u32, *mut u32, NonNull<u32>, AtomicPtr<u32>, Cow<'static, str>, HashMap<u32, u32>,
        HashSet<u32>, LazyCell<u32, fn() -> u32>, LazyLock<u32, fn() -> u32>, mpsc::Sender<u32>,
        mpsc::SyncSender<u32>, mpsc::Receiver<u32>, JoinHandle<u32>, Thread, fn(), fn(u32) -> u32,
        Rc<str>, Arc<[u32]>, rc::Weak<str>, sync::Weak<[u32]>, Unsaid,
    );
    // Nothing is known of these, nor of what is made of them.
    points_itself!(
        Foreign,
        Box<dyn Rule>,
        Box<Foreign>,
        Vec<Foreign>,
        [Foreign; 2],
        Lease<dyn Rule>,
        extern "C" fn(),
        (u8, Foreign),
        Mutex<Box<dyn Rule>>,
    );
}

#[test]
fn a_reference_counts_unless_an_argument_is_it_for_the_time_of_the_call() {
    let itself = |through| Some((through, String::new(), "&str".to_owned()));
    assert_eq!(result!(&str), itself(Through::Result));
    assert_eq!(argument!(&str, lent: false), itself(Through::Argument(0)));
    assert_eq!(argument!(&str, lent: true), None);
    assert_eq!(argument!(&[u32], lent: true), None);
    assert_eq!(argument!(&mut Vec<String>, lent: true), None);
    assert_eq!(argument!(&mut &str, lent: true), itself(Through::Argument(0)));
    assert_eq!(argument!(Option<&str>, lent: true), itself(Through::Argument(0)));
    // What does not describe itself does not say what it leads to, however it is passed.
    assert!(argument!(&Foreign, lent: true).is_some());
    assert!(argument!(&dyn Rule, lent: true).is_some());
    assert!(argument!(&mut Vec<Foreign>, lent: true).is_some());
}

#[test]
fn every_argument_and_a_value_are_looked_at() {
    let third = escape(|describer| {
        for is_lent in [true, true] {
            let node = describer.node::<&String>();
            describer.argument(&[], node, is_lent);
        }
        let node = describer.node::<&World>();
        describer.argument(&[], node, true);
        let node = describer.node::<u8>();
        describer.result(node);
    });
    let expected = (Through::Argument(2), ".names[]".to_owned(), "&str".to_owned());
    assert_eq!(third, Some(expected));
    let value = |describe: Describe| escape(describe).map(|(through, ..)| through);
    let of_reference = value(|describer| {
        let node = describer.node::<&str>();
        describer.value(node);
    });
    assert_eq!(of_reference, Some(Through::Result));
    let of_number = value(|describer| {
        let node = describer.node::<[u32; 4]>();
        describer.value(node);
    });
    assert_eq!(of_number, None);
}

#[test]
fn what_a_state_keeps_counts() {
    lets_nothing_out!(State<Vec<u32>>, Vec<State<String>>);
    let escaped = argument!(&State<HashMap<u32, u32>>, lent: true);
    let name = std::any::type_name::<HashMap<u32, u32>>().to_owned();
    assert_eq!(escaped, Some((Through::Argument(0), String::new(), name)));
}

#[test]
fn a_reference_that_is_met_again_counts() {
    /// Holds references to what it is.
    struct Ring;

    // SAFETY: nothing uses values of the type.
    unsafe impl Layout for Ring {
        const EXTENT: Option<(usize, usize)> = Some((8, 8));
        const POINTS: bool = false;

        fn describe(describer: &mut Describer<'_>) {
            let node = describer.node::<&Ring>();
            describer.field("next", Some(0), node);
        }
    }
    let escaped = argument!(&Ring, lent: true);
    assert_eq!(escaped.map(|(_, path, _)| path), Some(".next".to_owned()));
}
