//! The function types that can be asked for by name, and how a body behind the panic fence is called through each.
//!
//! A body has one argument more than its function, and another result. So every arity, and every way in which an
//! argument can be lent, has an implementation of its own:
//!
//! - up to twelve arguments that are owned, or that are references for ever (`&'static str`);
//! - up to four of which any are lent for the call, `&T` or `&mut T`, each with a lifetime of its own;
//! - and where exactly one is lent, also with a result `&R` or `&mut R` that is lent from it.

// The compiler tells `fn(&A)` from `fn(A)` and asks to be told that this is meant: no `A` is a reference with the lifetime of
// the call. wasm-bindgen has relied on the same for years.
#![allow(
    coherence_leak_check,
    reason = "function types with a lent argument are types of their own"
)]

use crate::dispatch::Target;
use crate::layout::{Describer, Layout};
use crate::panic::{Fenced, PanicOut};

/// A function type that can be asked for by name: `fn(u32) -> u32`, `fn(&mut World, f32)`, `unsafe fn(*const u8) -> u8`.
///
/// Of up to twelve arguments; of up to four where some are lent for the call (`&T`, `&mut T`), each with a lifetime of its
/// own. The result is owned; where exactly one argument is lent, it can also be `&R` or `&mut R`, lent from it. Lifetimes
/// inside other types, as in `fn(Option<&T>)`, are not supported; there every lifetime is `'static`. Every type in it has
/// [`Layout`], so that all that it reaches is compared. `extern "C"`
/// concerns the callers in the source only: such a function is asked for as `fn`.
///
/// # Safety
///
/// `call` calls `target` as the fenced body of a function of this type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked for by name",
    note = "function types whose types have `Layout`, of up to twelve owned arguments can, and of up to four where some are `&T` or `&mut T`"
)]
pub unsafe trait FnType: Copy + 'static {
    /// The arguments, as a tuple.
    type Arguments<'a>;
    /// The result.
    type Output<'a>;

    /// Says the types of the arguments and of the result.
    fn describe(describer: &mut Describer<'_>);

    /// Calls a fenced body.
    ///
    /// # Safety
    ///
    /// `target` is the fenced body of a function of this type, and `out` was made for this call. What the function asks of
    /// its callers holds.
    unsafe fn call<'a>(
        target: Target,
        arguments: Self::Arguments<'a>,
        out: PanicOut,
    ) -> Fenced<Self::Output<'a>>;
}

/// A [`FnType`] whose functions can be called without an obligation.
pub trait SafeFnType: FnType {}

macro_rules! argument {
    (own $type:ident) => { $type };
    (lent $type:ident) => { &$type };
    (lent_mut $type:ident) => { &mut $type };
    (own $life:lifetime $type:ident) => { $type };
    (lent $life:lifetime $type:ident) => { &$life $type };
    (lent_mut $life:lifetime $type:ident) => { &$life mut $type };
}

macro_rules! implement {
    (safe $($rest:tt)*) => {
        implement!(@ [] $($rest)*);
        implement!(@ [unsafe] $($rest)*);
        implement!(@safe $($rest)*);
    };
    (@ [$($unsafe:tt)?] $result:ident [$($more:tt)*] $(($kind:ident $type:ident $name:ident [$($bound:tt)*]))*) => {
        // SAFETY: `call` does what it says.
        unsafe impl<$($type: $($bound)* Layout + 'static,)* R: $($more)* Layout + 'static> FnType
            for $($unsafe)? fn($(argument!($kind $type)),*) -> argument!($result R)
        {
            type Arguments<'a> = ($(argument!($kind 'a $type),)*);
            type Output<'a> = argument!($result 'a R);

            fn describe(describer: &mut Describer<'_>) {
                $(
                    let argument = describer.node::<argument!($kind $type)>();
                    describer.argument(&[], argument, false);
                )*
                let result = describer.node::<argument!($result R)>();
                describer.result(result);
            }

            #[inline]
            unsafe fn call<'a>(
                target: Target,
                arguments: Self::Arguments<'a>,
                out: PanicOut,
            ) -> Fenced<Self::Output<'a>> {
                type Body<$($type,)* R> = $($unsafe)? fn(
                    $(argument!($kind $type),)* PanicOut
                ) -> Fenced<argument!($result R)>;
                // SAFETY: the caller says that it is one.
                let body = unsafe { std::mem::transmute::<Target, Body<$($type,)* R>>(target) };
                let ($($name,)*) = arguments;
                // SAFETY: the caller's obligation.
                #[allow(unused_unsafe, reason = "one form for safe and unsafe functions")]
                unsafe { body($($name,)* out) }
            }
        }
    };
    (@safe $result:ident [$($more:tt)*] $(($kind:ident $type:ident $name:ident [$($bound:tt)*]))*) => {
        impl<$($type: $($bound)* Layout + 'static,)* R: $($more)* Layout + 'static> SafeFnType
            for fn($(argument!($kind $type)),*) -> argument!($result R)
        {
        }
    };
}

/// Implementations for every choice of how these arguments are passed.
macro_rules! every_way {
    ([] $lent:ident [$($done:tt)*]) => { finish!($lent [$($done)*]); };
    ([$type:ident $name:ident $($rest:tt)*] none [$($done:tt)*]) => {
        every_way!([$($rest)*] none [$($done)* (own $type $name [])]);
        every_way!([$($rest)*] one [$($done)* (lent $type $name [?Sized +])]);
        every_way!([$($rest)*] one [$($done)* (lent_mut $type $name [?Sized +])]);
    };
    ([$type:ident $name:ident $($rest:tt)*] $lent:ident [$($done:tt)*]) => {
        every_way!([$($rest)*] $lent [$($done)* (own $type $name [])]);
        every_way!([$($rest)*] several [$($done)* (lent $type $name [?Sized +])]);
        every_way!([$($rest)*] several [$($done)* (lent_mut $type $name [?Sized +])]);
    };
}

macro_rules! finish {
    (one [$($done:tt)*]) => {
        implement!(safe own [] $($done)*);
        implement!(safe lent [?Sized +] $($done)*);
        implement!(safe lent_mut [?Sized +] $($done)*);
    };
    ($lent:ident [$($done:tt)*]) => {
        implement!(safe own [] $($done)*);
    };
}

macro_rules! owned {
    ($($type:ident $name:ident)*) => {
        implement!(safe own [] $((own $type $name []))*);
    };
}

every_way!([] none []);
every_way!([A a] none []);
every_way!([A a B b] none []);
every_way!([A a B b C c] none []);
every_way!([A a B b C c D d] none []);
owned!(A a B b C c D d E e);
owned!(A a B b C c D d E e F f);
owned!(A a B b C c D d E e F f G g);
owned!(A a B b C c D d E e F f G g H h);
owned!(A a B b C c D d E e F f G g H h I i);
owned!(A a B b C c D d E e F f G g H h I i J j);
owned!(A a B b C c D d E e F f G g H h I i J j K k);
owned!(A a B b C c D d E e F f G g H h I i J j K k L l);
