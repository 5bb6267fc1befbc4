//! From tokens to the function that `#[hot]` stands on.

use proc_macro2::TokenStream;
use syn::{Error, Item, ItemFn, Result};

/// The function under the attribute.
pub(crate) fn function(arguments: TokenStream, item: TokenStream) -> Result<ItemFn> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, "`#[hot]` takes no arguments here"));
    }
    match syn::parse2::<Item>(item)? {
        Item::Fn(function) => Ok(function),
        other => Err(Error::new_spanned(
            other,
            "`#[hot]` goes on a free function; put it on the functions whose code you want to change",
        )),
    }
}
