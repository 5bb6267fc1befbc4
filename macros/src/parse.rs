//! From tokens to the function that `#[hot]` stands on.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Item, ItemFn, Result};

/// The function under the attribute.
pub(crate) fn function(arguments: TokenStream, item: TokenStream) -> Result<ItemFn> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(
            arguments,
            "`#[hot]` takes no arguments; write `#[hot]` alone",
        ));
    }
    match syn::parse2::<Item>(item)? {
        Item::Fn(function) => Ok(function),
        other => Err(refusal(&other)),
    }
}

/// Says of an item that is no function where the attribute goes instead.
fn refusal(item: &Item) -> Error {
    let (token, message): (&dyn ToTokens, &str) = match item {
        Item::Struct(item) => (&item.struct_token, TYPE),
        Item::Enum(item) => (&item.enum_token, TYPE),
        Item::Union(item) => (&item.union_token, TYPE),
        Item::Type(item) => (&item.type_token, TYPE),
        Item::Impl(item) => (&item.impl_token, BLOCK),
        Item::Trait(item) => (&item.trait_token, BLOCK),
        Item::Static(item) => (&item.static_token, VALUE),
        Item::Const(item) => (&item.const_token, VALUE),
        Item::Mod(item) => (
            &item.mod_token,
            "a module cannot be hot as a whole; put `#[hot]` on the functions in it that you want to change",
        ),
        Item::Verbatim(tokens) => (
            tokens,
            "a declaration has no code to swap; put `#[hot]` on a free function with a body",
        ),
        other => (
            other,
            "`#[hot]` goes on a free function; put it on the functions whose code you want to change",
        ),
    };
    Error::new_spanned(token, message)
}

const TYPE: &str = "a type cannot be hot: values of it live on through a swap; put `#[hot]` on the functions that work \
                    with it";

const BLOCK: &str = "methods cannot be hot yet; move the code you want to change to free functions, put `#[hot]` on those \
                     and call them from the methods";

const VALUE: &str = "a constant or static cannot be hot; to change its value while the program runs, return it from a hot \
                     function";
