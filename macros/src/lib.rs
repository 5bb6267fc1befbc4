//! The attributes of Liveswap.
//!
//! A hot crate depends on this crate for `#[hot]` and on `liveswap-abi` for what the attribute expands to.

#![warn(missing_docs, unreachable_pub)]
#![deny(unsafe_code)]

mod attributes;
mod check;
mod expand;
mod hook;
mod layout;
mod lifetimes;
mod lints;
mod migrate;
mod parse;
mod role;
mod signature;
mod types;
mod value;

use proc_macro::TokenStream;

use parse::Hot;
use role::Role;

/// Makes a free function replaceable while the program that calls it runs, or the value of a `static`.
///
/// The function keeps its name, signature, documentation and attributes, so callers see plain Rust. A call goes to the
/// newest generation of the crate (or to the pinned one). In builds without debug assertions, unless `liveswap-abi`'s
/// feature `always` is on, the function is left exactly as written.
///
/// ```
/// use liveswap_macros::hot;
///
/// liveswap_abi::hot_crate!();
///
/// /// The price after the discount, in cents.
/// #[hot]
/// #[must_use]
/// pub fn discounted(cents: u32) -> u32 {
///     cents - cents / 10
/// }
/// # fn main() {
/// assert_eq!(discounted(200), 180);
/// # }
/// ```
///
/// # Values
///
/// A `static` becomes a handle of the same name, a [`HotValue`](../liveswap_abi/struct.HotValue.html), which reads the value
/// of the newest generation (or of the pinned one): `get()` copies it where it is [`Copy`], `with(..)` lends it.
///
/// ```
/// use liveswap_macros::hot;
///
/// liveswap_abi::hot_crate!();
///
/// #[derive(Debug, Clone, Copy)]
/// pub struct Tuning {
///     pub speed: f32,
///     pub lives: u8,
/// }
///
/// /// What the game feels like.
/// #[hot]
/// pub static TUNING: Tuning = Tuning { speed: 1.5, lives: 3 };
/// # fn main() {
/// assert_eq!(TUNING.get().lives, 3);
/// assert_eq!(TUNING.with(|tuning| tuning.speed * 2.0), 3.0);
/// # }
/// ```
///
/// The value is gone when its generation is unloaded, so what is lent cannot be kept:
///
/// ```compile_fail
/// use liveswap_macros::hot;
///
/// liveswap_abi::hot_crate!();
///
/// #[hot]
/// pub static LIMITS: [u32; 2] = [1, 2];
/// # fn main() {
/// let kept: &[u32; 2] = LIMITS.with(|limits| limits);
/// # }
/// ```
///
/// In builds whose hot functions are not replaceable the handle is nothing but the value. A value with interior mutability
/// starts anew in each generation, like every other `static` of the hot crate.
///
/// # Functions that the runtime calls around a swap
///
/// With an argument, a free function without parameters is called by the runtime instead of being replaced; there can be
/// several of each, and they run in the order of their paths:
///
/// - `#[hot(self_check)] fn() -> Result<(), String>` runs in the new generation before anybody can enter it. An error, a
///   panic or no answer in time refuses the new generation, with the function's name in the event. The hot functions it
///   calls are those of its own generation.
/// - `#[hot(on_load)] fn()` runs in a generation that a swap has just made current.
/// - `#[hot(on_retire)] fn()` runs in a generation that has just been replaced; it stays loaded meanwhile.
///
/// - `#[hot(migrate)] fn(old: Saved<'_>) -> Result<World, String>` makes the new `World` of every state of that type when
///   a swap changes its layout, in place of carrying its fields over by name. `old.read()` reads the former value as any type that
///   its fields fit; an error or a panic refuses the swap and leaves every state as it was.
///
/// In builds whose hot functions are not replaceable nobody calls them, and that is no warning.
///
/// ```
/// use liveswap_macros::hot;
///
/// liveswap_abi::hot_crate!();
///
/// #[hot]
/// pub fn speed() -> f32 {
///     4.0
/// }
///
/// /// Keeps a slip of the finger out of the running game.
/// #[hot(self_check)]
/// fn speeds_are_sane() -> Result<(), String> {
///     if speed() > 100.0 { Err(format!("a speed of {}", speed())) } else { Ok(()) }
/// }
/// # fn main() {}
/// ```
///
/// ```
/// use liveswap_abi::state::Saved;
/// use liveswap_macros::{Layout, hot};
///
/// liveswap_abi::hot_crate!();
///
/// /// Distances are meters; they were feet.
/// #[derive(Layout, serde::Serialize, serde::Deserialize)]
/// pub struct World {
///     distance: f64,
/// }
///
/// #[hot(migrate)]
/// fn in_meters(old: Saved<'_>) -> Result<World, String> {
///     #[derive(serde::Deserialize)]
///     struct InFeet {
///         feet: u32,
///     }
///     let InFeet { feet } = old.read()?;
///     Ok(World { distance: f64::from(feet) * 0.3048 })
/// }
/// # fn main() {}
/// ```
///
/// # Errors
///
/// What cannot be replaced is a compile error on the token that is in the way: generic parameters, `const`, `async`,
/// `impl Trait`, methods, variadic arguments, a result of `!`, constants, `static mut`, and attributes that would silently
/// lose their meaning.
#[proc_macro_attribute]
pub fn hot(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    match expanded(arguments.into(), item.clone()) {
        Ok(tokens) => tokens.into(),
        Err(error) => {
            // The item itself stays, so that the error is the only one and editors still know the function.
            let mut tokens = error.into_compile_error();
            tokens.extend(item);
            tokens.into()
        }
    }
}

fn expanded(
    arguments: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> syn::Result<proc_macro2::TokenStream> {
    let role = Role::of(arguments)?;
    // The arguments are understood by now.
    match (parse::item(proc_macro2::TokenStream::new(), item)?, role.hook()) {
        (Hot::Function(function), None) if role == Role::Migrate => {
            migrate::check(&function).map(|()| migrate::function(&function))
        }
        (Hot::Function(function), None) => {
            check::function(&function).map(|()| expand::function(&function))
        }
        (Hot::Function(function), Some(hook)) => {
            hook::check(&function, role).map(|()| hook::function(&function, hook))
        }
        (Hot::Value(value), None) if role == Role::Function => {
            value::check(&value).map(|()| value::expand(&value))
        }
        (Hot::Value(value), _) => Err(syn::Error::new_spanned(
            value.static_token,
            "only a function can be called around a swap; write `#[hot]` alone on a `static`",
        )),
    }
}

/// Describes a struct or an enum, so that an edit of it is noticed before the wrong bytes are read.
///
/// The description has the type's name, size, alignment and `repr`, the name, offset and type of each field, and the name,
/// discriminant and fields of each variant. A field's type is described in its turn if it has the trait, and else counts
/// by its own name, size and alignment, as do the types that stand in it: nothing has to be derived for types of
/// other crates. A type parameter is bound by `Layout`, as the standard library's derives do.
///
/// ```
/// use liveswap_abi::layout::{Catalog, Fingerprint, Member};
/// use liveswap_macros::Layout;
///
/// #[derive(Layout)]
/// struct World {
///     players: Vec<Option<Box<Player>>>,
///     best: Option<Score<u64>>,
/// }
///
/// #[derive(Layout)]
/// struct Player {
///     health: u32,
///     rival: Option<Box<Player>>,
/// }
///
/// #[derive(Layout)]
/// enum Score<T> {
///     Points(T),
///     Draw,
/// }
///
/// let (world, catalog) = Catalog::of(|describer| describer.node::<World>());
/// let names: Vec<&str> = catalog.ty(world).members.iter().filter_map(Member::name).collect();
/// assert_eq!(names, ["players", "best"]);
/// assert!(catalog.types().any(|(_, ty)| ty.name.ends_with("::Player") && ty.is_described));
/// assert_ne!(Fingerprint::of::<Score<u32>>(), Fingerprint::of::<Score<f32>>());
/// ```
///
/// # Errors
///
/// A union is a compile error: nothing in it says which of its fields is in use.
#[proc_macro_derive(Layout)]
pub fn derive_layout(item: TokenStream) -> TokenStream {
    let tokens = syn::parse(item).and_then(|input| layout::derive(&input));
    tokens.unwrap_or_else(syn::Error::into_compile_error).into()
}
