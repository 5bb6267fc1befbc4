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
    ($points:expr; $([$($generics:tt)*] $type:ty { $($label:literal $part:ty),* })*) => {$(
        // SAFETY: what code can reach through the type are values of its arguments; the rest is the standard library's.
        unsafe impl<$($generics)*> Layout for $type {
            const EXTENT: Option<(usize, usize)> = Some((size_of::<Self>(), align_of::<Self>()));
            const POINTS: bool = $points;
            fn describe(_describer: &mut Describer<'_>) {
                $(_describer.part::<$part>($label);)*
            }
        }
    )*};
}

// Made of their arguments and of memory that was allocated, if of any: an empty one has the address of nothing (a small number),
// or none. Locks and cells of the standard library have numbers beside that.
leads_to! { false;
    [T: Layout + ?Sized] Box<T> { "" T }
    [T: Layout] Pin<T> { "" T }
    // It has an address of its image, and keeps that loaded until it is dropped.
    [T: Layout + ?Sized] Lease<T> { "" T }

    [T: Layout] Option<T> { "" T }
    [T: Layout, E: Layout] Result<T, E> { ".Ok" T, ".Err" E }
    [T: Layout] Poll<T> { ".Ready" T }
    [B: Layout, C: Layout] ControlFlow<B, C> { ".Break" B, ".Continue" C }
    [T: Layout] Bound<T> { "" T }

    [T: Layout] Cell<T> { "" T }
    [T: Layout] RefCell<T> { "" T }
    [T: Layout] UnsafeCell<T> { "" T }
    [T: Layout] OnceCell<T> { "" T }
    [T: Layout] Mutex<T> { "" T }
    [T: Layout] RwLock<T> { "" T }
    [T: Layout] OnceLock<T> { "" T }

    [T: Layout] Vec<T> { "[]" T }
    [T: Layout] VecDeque<T> { "[]" T }
    [T: Layout] LinkedList<T> { "[]" T }
    [T: Layout] BinaryHeap<T> { "[]" T }
    [T: Layout] BTreeSet<T> { "[]" T }
    [K: Layout, V: Layout] BTreeMap<K, V> { ".keys" K, ".values" V }

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

// An empty `Arc<str>` or `Arc<[T]>` may be a static of the standard library; one of a type with a size is always allocated.
leads_to! { T::EXTENT.is_none();
    [T: Layout + ?Sized] Rc<T> { "" T }
    [T: Layout + ?Sized] rc::Weak<T> { "" T }
    [T: Layout + ?Sized] Arc<T> { "" T }
    [T: Layout + ?Sized] sync::Weak<T> { "" T }
}

// Pointers that are made from anything, and what has the address of a constant, a function or a table of functions.
leads_to! { true;
    [T: Layout + ?Sized] &T { "" T }
    [T: Layout + ?Sized] &mut T { "" T }
    [T: Layout + ?Sized] *const T { "" T }
    [T: Layout + ?Sized] *mut T { "" T }
    [T: Layout + ?Sized] NonNull<T> { "" T }
    [T: Layout] AtomicPtr<T> { "" T }
    [T: Layout + ToOwned<Owned: Layout> + ?Sized] Cow<'_, T> { "" T, "" T::Owned }
    // What makes the value.
    [T: Layout, F] LazyCell<T, F> { "" T }
    [T: Layout, F] LazyLock<T, F> { "" T }
    // An empty table is a constant of the image, and nothing is known of the hasher.
    [T: Layout, S] HashSet<T, S> { "[]" T }
    [K: Layout, V: Layout, S] HashMap<K, V, S> { ".keys" K, ".values" V }
    // They refer to threads that wait, by the standard library of the image.
    [T: Layout] mpsc::Sender<T> { "" T }
    [T: Layout] mpsc::SyncSender<T> { "" T }
    [T: Layout] mpsc::Receiver<T> { "" T }
    [T: Layout] JoinHandle<T> { "" T }
}
