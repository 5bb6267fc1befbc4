//! From tokens to the function or `static` that `#[hot]` stands on.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Item, ItemFn, ItemStatic, Result};

/// What the attribute stands on.
pub(crate) enum Hot {
    Function(Box<ItemFn>),
    Value(ItemStatic),
}

/// The function or `static` under the attribute.
pub(crate) fn item(arguments: TokenStream, item: TokenStream) -> Result<Hot> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(
            arguments,
            "`#[hot]` takes no arguments; write `#[hot]` alone",
        ));
    }
    match syn::parse2::<Item>(item)? {
        Item::Fn(function) => Ok(Hot::Function(Box::new(function))),
        Item::Static(value) => Ok(Hot::Value(value)),
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
        Item::Const(item) => (&item.const_token, CONSTANT),
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
            "`#[hot]` goes on a free function or a `static`; put it on those that you want to change",
        ),
    };
    Error::new_spanned(token, message)
}

const TYPE: &str = "a type cannot be hot: values of it live on through a swap; put `#[hot]` on the functions that work \
                    with it";

const BLOCK: &str = "methods cannot be hot yet; move the code you want to change to free functions, put `#[hot]` on those \
                     and call them from the methods";

const CONSTANT: &str = "a constant cannot be hot: the compiler copies its value into every user, where no swap reaches; make it a \
                        `static`, which is read with `get()`, or return it from a hot function";
