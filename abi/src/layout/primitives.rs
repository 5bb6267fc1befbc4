//! Types that are made of nothing a hot crate could change, and tuples, arrays, pointers and function pointers.

use std::mem::offset_of;
use std::{alloc, any, cmp, ffi, fmt, net, num, ops, path, sync, thread, time};

use super::{Describer, Layout};
use crate::lease::SpawnError;
use crate::state::{OpenError, OpenFailure};

macro_rules! whole {
    ($($type:ty),* $(,)?) => {$(
        // SAFETY: the type is the compiler's, the standard library's or ours, and both sides have the same of each.
        unsafe impl Layout for $type {
            const EXTENT: Option<(usize, usize)> = Some((size_of::<$type>(), align_of::<$type>()));
            const POINTS: bool = false;
            fn describe(_: &mut Describer<'_>) {}
        }
    )*};
}

whole! {
    bool, char, f32, f64,
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize,
    num::NonZeroU8, num::NonZeroU16, num::NonZeroU32, num::NonZeroU64, num::NonZeroU128, num::NonZeroUsize,
    num::NonZeroI8, num::NonZeroI16, num::NonZeroI32, num::NonZeroI64, num::NonZeroI128, num::NonZeroIsize,
    sync::atomic::AtomicBool,
    sync::atomic::AtomicU8, sync::atomic::AtomicU16, sync::atomic::AtomicU32, sync::atomic::AtomicUsize,
    sync::atomic::AtomicI8, sync::atomic::AtomicI16, sync::atomic::AtomicI32, sync::atomic::AtomicIsize,
    sync::atomic::Ordering, sync::Condvar, sync::Barrier, sync::Once,
    String, path::PathBuf, ffi::OsString, ffi::CString,
    time::Duration, time::Instant, time::SystemTime,
    net::IpAddr, net::Ipv4Addr, net::Ipv6Addr, net::SocketAddr, net::SocketAddrV4, net::SocketAddrV6,
    any::TypeId, alloc::Layout, cmp::Ordering, ops::RangeFull, fmt::Error, thread::ThreadId,
    OpenError, OpenFailure, SpawnError,
}

#[cfg(target_has_atomic = "64")]
whole!(sync::atomic::AtomicU64, sync::atomic::AtomicI64);

// SAFETY: as above. What it points to is counted by the standard library of the image that made it, which may be the artifact's.
unsafe impl Layout for thread::Thread {
    const EXTENT: Option<(usize, usize)> = Some((size_of::<Self>(), align_of::<Self>()));
    const POINTS: bool = true;

    fn describe(_: &mut Describer<'_>) {}
}

macro_rules! without_extent {
    ($($type:ty),*) => {$(
        // SAFETY: as above.
        unsafe impl Layout for $type {
            const EXTENT: Option<(usize, usize)> = None;
            const POINTS: bool = false;
            fn describe(_: &mut Describer<'_>) {}
        }
    )*};
}

without_extent!(str, path::Path, ffi::OsStr, ffi::CStr);

// SAFETY: a slice is its elements.
unsafe impl<T: Layout> Layout for [T] {
    const EXTENT: Option<(usize, usize)> = None;
    const POINTS: bool = false;

    fn describe(describer: &mut Describer<'_>) {
        describer.part::<T>("[]");
    }
}

// SAFETY: an array is its elements; their number is in its name.
unsafe impl<T: Layout, const N: usize> Layout for [T; N] {
    const EXTENT: Option<(usize, usize)> = Some((size_of::<Self>(), align_of::<Self>()));
    const POINTS: bool = false;

    fn describe(describer: &mut Describer<'_>) {
        describer.part::<T>("[]");
    }
}

macro_rules! tuple {
    ($($name:ident $index:tt),*) => {
        // SAFETY: a tuple is its fields.
        unsafe impl<$($name: Layout),*> Layout for ($($name,)*) {
            const EXTENT: Option<(usize, usize)> = Some((size_of::<Self>(), align_of::<Self>()));
            const POINTS: bool = false;
            fn describe(_describer: &mut Describer<'_>) {
                $(
                    let node = _describer.node::<$name>();
                    _describer.field(stringify!($index), Some(offset_of!(Self, $index)), node);
                )*
            }
        }
    };
}

tuple!();
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);

macro_rules! function {
    ($($name:ident $label:literal),*) => {
        // SAFETY: a function pointer is called with values of these types, and code behind it has the same compiler.
        unsafe impl<$($name: Layout,)* R: Layout> Layout for fn($($name),*) -> R {
            const EXTENT: Option<(usize, usize)> = Some((size_of::<Self>(), align_of::<Self>()));
            const POINTS: bool = true;
            fn describe(describer: &mut Describer<'_>) {
                $(describer.part::<$name>($label);)*
                describer.part::<R>(".result");
            }
        }
    };
}

function!();
function!(A ".argument0");
function!(A ".argument0", B ".argument1");
function!(A ".argument0", B ".argument1", C ".argument2");
function!(A ".argument0", B ".argument1", C ".argument2", D ".argument3");
