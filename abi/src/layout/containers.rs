//! The standard library's types that hold or point to others, and leases: each leads to its arguments.
//!
//! How these types are built inside is the compiler's matter, which is the same on both sides.

use std::borrow::Cow;
use std::cell::{Cell, LazyCell, OnceCell, RefCell, UnsafeCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::num::{Saturating, Wrapping};
use std::ops::{Bound, ControlFlow, Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};
use std::pin::Pin;
use std::ptr::NonNull;
use std::rc::{self, Rc};
use std::sync::atomic::AtomicPtr;
use std::sync::{self, Arc, LazyLock, Mutex, OnceLock, RwLock, mpsc};
use std::task::Poll;
use std::thread::JoinHandle;

use super::{Describer, Layout};
use crate::lease::Lease;

macro_rules! leads_to {
    ($([$($generics:tt)*] $type:ty { $($label:literal $part:ty),* })*) => {$(
        // SAFETY: what code can reach through the type are values of its arguments; the rest is the standard library's.
        unsafe impl<$($generics)*> Layout for $type {
            const EXTENT: Option<(usize, usize)> = Some((size_of::<Self>(), align_of::<Self>()));
            fn describe(_describer: &mut Describer<'_>) {
                $(_describer.part::<$part>($label);)*
            }
        }
    )*};
}

leads_to! {
    [T: Layout + ?Sized] &T { "" T }
    [T: Layout + ?Sized] &mut T { "" T }
    [T: Layout + ?Sized] *const T { "" T }
    [T: Layout + ?Sized] *mut T { "" T }
    [T: Layout + ?Sized] NonNull<T> { "" T }
    [T: Layout] AtomicPtr<T> { "" T }
    [T: Layout + ?Sized] Box<T> { "" T }
    [T: Layout + ?Sized] Lease<T> { "" T }
    [T: Layout + ?Sized] Rc<T> { "" T }
    [T: Layout + ?Sized] rc::Weak<T> { "" T }
    [T: Layout + ?Sized] Arc<T> { "" T }
    [T: Layout + ?Sized] sync::Weak<T> { "" T }
    [T: Layout] Pin<T> { "" T }
    [T: Layout + ToOwned<Owned: Layout> + ?Sized] Cow<'_, T> { "" T, "" T::Owned }

    [T: Layout] Option<T> { "" T }
    [T: Layout, E: Layout] Result<T, E> { ".Ok" T, ".Err" E }
    [T: Layout] Poll<T> { ".Ready" T }
    [B: Layout, C: Layout] ControlFlow<B, C> { ".Break" B, ".Continue" C }
    [T: Layout] Bound<T> { "" T }

    [T: Layout] Cell<T> { "" T }
    [T: Layout] RefCell<T> { "" T }
    [T: Layout] UnsafeCell<T> { "" T }
    [T: Layout] OnceCell<T> { "" T }
    [T: Layout, F] LazyCell<T, F> { "" T }
    [T: Layout] Mutex<T> { "" T }
    [T: Layout] RwLock<T> { "" T }
    [T: Layout] OnceLock<T> { "" T }
    [T: Layout, F] LazyLock<T, F> { "" T }
    [T: Layout] mpsc::Sender<T> { "" T }
    [T: Layout] mpsc::SyncSender<T> { "" T }
    [T: Layout] mpsc::Receiver<T> { "" T }
    [T: Layout] JoinHandle<T> { "" T }

    [T: Layout] Vec<T> { "[]" T }
    [T: Layout] VecDeque<T> { "[]" T }
    [T: Layout] LinkedList<T> { "[]" T }
    [T: Layout] BinaryHeap<T> { "[]" T }
    [T: Layout] BTreeSet<T> { "[]" T }
    [T: Layout, S] HashSet<T, S> { "[]" T }
    [K: Layout, V: Layout] BTreeMap<K, V> { ".keys" K, ".values" V }
    [K: Layout, V: Layout, S] HashMap<K, V, S> { ".keys" K, ".values" V }

    [T: Layout] Range<T> { "" T }
    [T: Layout] RangeFrom<T> { "" T }
    [T: Layout] RangeTo<T> { "" T }
    [T: Layout] RangeInclusive<T> { "" T }
    [T: Layout] RangeToInclusive<T> { "" T }
    [T: Layout] Reverse<T> { "" T }
    [T: Layout] Wrapping<T> { "" T }
    [T: Layout] Saturating<T> { "" T }
    [T: Layout] ManuallyDrop<T> { "" T }
    [T: Layout] MaybeUninit<T> { "" T }
    [T: ?Sized] PhantomData<T> {}
}
